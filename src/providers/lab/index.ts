/** `load_balancer "lab"`: the balancer of `deployctl lab`, told as any other. */
import {
  asInstant,
  type BalancerDeclared,
  type Instant,
  type PoolDeclared,
  type Provider,
  type Traits,
} from '../../model/index.ts';
import type { HostChannels } from '../../transport/channel.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { labDriver } from './driver.ts';
import { configFileOf, labSettings } from './settings.ts';

const traitsOf = (balancer: BalancerDeclared): Traits => ({
  switchCost: undefined,
  shareStepBasisPoints: 1,
  drainsMembers: true,
  writesPools: configFileOf(balancer) !== undefined,
  countsRequests: true,
});

/** Nothing is opened before it is asked something. */
export const openLabBalancer = (
  balancer: BalancerDeclared,
  channels: HostChannels,
  now: () => Instant = () => asInstant(Date.now()),
): Provider =>
  openBalancer({
    declared: balancer,
    traits: traitsOf(balancer),
    driver: labDriver(balancer, channels),
    now,
    renderConfig,
  });

/** What the configured balancer says of its pools. */
const renderPools = ({ pools }: BalancerDeclared): string =>
  `${JSON.stringify({ pools: pools.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(poolText) }, undefined, 2)}\n`;

const poolText = ({ name, members, health }: PoolDeclared) => ({
  name,
  members: members.map(({ name: member, address, port }) => ({ name: member, address, port })),
  // Of other kinds of health it knows only whether something listens.
  ...(health?.kind === 'http'
    ? {
        health: {
          path: health.path,
          status: health.status,
          intervalMs: health.intervalMs,
          timeoutMs: health.timeoutMs,
        },
      }
    : {}),
});

const renderConfig = (balancer: BalancerDeclared): string | undefined =>
  configFileOf(balancer) === undefined ? undefined : renderPools(balancer);

/** What it must serve, and how it comes to. */
const renderSnippet = (balancer: BalancerDeclared): string =>
  [
    configFileOf(balancer) === undefined
      ? `# ${balancer.address} must serve these pools. The lab is started with shop_blue and shop_green; for others, have\n# deployctl write them: give ${balancer.address} a config_file, such as the path of its control_socket with .json.`
      : `# Nothing is to be done: deployctl writes these pools into the config_file of ${balancer.address}.`,
    renderPools(balancer),
  ].join('\n');

export const lab: BalancerKind = {
  name: 'lab',
  description: 'The balancer of `deployctl lab`: for trying, not for production.',
  settings: labSettings,
  traits: traitsOf,
  check: () => [],
  open: openLabBalancer,
  renderConfig,
  snippet: renderSnippet,
};

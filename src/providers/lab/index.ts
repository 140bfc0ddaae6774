/** `load_balancer "lab"`: the balancer of `deployctl lab`, told as any other. */
import {
  asInstant,
  type BalancerDeclared,
  type Instant,
  type Provider,
  type Traits,
} from '../../model/index.ts';
import type { HostChannels } from '../../transport/channel.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { labDriver } from './driver.ts';
import { labSettings } from './settings.ts';

const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: 1,
  drainsMembers: true,
  writesPools: false,
  countsRequests: true,
};

/** Nothing is opened before it is asked something. */
export const openLabBalancer = (
  balancer: BalancerDeclared,
  channels: HostChannels,
  now: () => Instant = () => asInstant(Date.now()),
): Provider =>
  openBalancer({
    declared: balancer,
    traits,
    driver: labDriver(balancer, channels),
    now,
    renderConfig: () => undefined,
  });

/** The options of the lab's balancer that fit the declaration. */
const renderSnippet = ({ address, routes, pools }: BalancerDeclared): string =>
  [
    `# The balancer of \`deployctl lab\` needs no configuration. For ${address} it serves:`,
    JSON.stringify(
      {
        routes: routes.map(({ route }) => route),
        pools: pools.map(({ name, members }) => ({ name, members })),
      },
      undefined,
      2,
    ),
    '',
  ].join('\n');

export const lab: BalancerKind = {
  name: 'lab',
  description: 'The balancer of `deployctl lab`: for trying, not for production.',
  settings: labSettings,
  traits: () => traits,
  check: () => [],
  open: openLabBalancer,
  renderConfig: () => undefined,
  snippet: renderSnippet,
};

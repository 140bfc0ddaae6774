/** The way of a file that nginx includes: a switch is a new file and a reload. */
import { asInstant, type Traits } from '../../model/index.ts';
import { bucketBasisPoints } from '../balancer/probed/cell.ts';
import { checkProbed } from '../balancer/probed/check.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { Way } from '../balancer/ways.ts';
import { renderIncludeSnippet } from './by-include.ts';
import { includeDriver } from './include-driver.ts';

import { includeSetting, pidSetting } from './settings.ts';

const traits: Traits = {
  switchCost: {
    each: 'nginx reloads: it closes idle connections of clients, which is an error to those that do not try again; its old workers finish what they have, and cut websockets after worker_shutdown_timeout; and whatever else was edited in its configuration takes effect',
    instead: 'With flags_dir in place of include_file, nginx is not reloaded, and a switch costs nothing.',
  },
  shareStepBasisPoints: bucketBasisPoints,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

export const includeWay: Way = {
  settings: [includeSetting, pidSetting],
  traits: () => traits,
  check: (balancer) =>
    checkProbed(balancer, { paths: ['include_file', 'pid_file'], loopback: ['probe_address'] }),
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: includeDriver(declared, channels),
      now,
      renderConfig: () => undefined,
    }),
  snippet: renderIncludeSnippet,
};

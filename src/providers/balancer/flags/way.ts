/** The way of a proxy that reads flags for each request; what differs is the program, and the text of its rules. */
import { asInstant, type Traits } from '../../../model/index.ts';
import type { BalancerKind } from '../../registry-entry.ts';
import { checkProbed } from '../probed/check.ts';
import { openBalancer } from '../provider.ts';
import type { Way } from '../ways.ts';
import { flagsDriver } from './driver.ts';
import { bucketBasisPoints } from './layout.ts';
import { flagsSetting } from './settings.ts';

/**
 * Flags are read for each request, so a switch costs clients nothing. Members are in the proxy's configuration: none can
 * be taken out alone. It counts no requests by pool.
 */
const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: bucketBasisPoints,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

/** `program`: as people write it, `nginx`, `Caddy`. */
export const flagsWay = (program: string, snippet: BalancerKind['snippet']): Way => ({
  settings: [flagsSetting],
  traits: () => traits,
  check: (balancer) => checkProbed(balancer, { paths: ['flags_dir'], loopback: ['probe_address'] }),
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: flagsDriver(declared, channels, program),
      now,
      renderConfig: () => undefined,
    }),
  snippet,
});

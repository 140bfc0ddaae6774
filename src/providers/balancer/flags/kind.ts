/** Makes a kind of load balancer out of what differs between those with flags: the program, and the text of its rules. */
import { asInstant, type BalancerDeclared, type Traits } from '../../../model/index.ts';
import type { BalancerKind, SnippetOptions } from '../../registry-entry.ts';
import { openBalancer } from '../provider.ts';
import { checkFlags } from './check.ts';
import { flagsDriver } from './driver.ts';
import { bucketBasisPoints } from './layout.ts';
import { flagSettings } from './settings.ts';

export interface FlagDialect {
  readonly name: string;
  /** As people write it: `nginx`, `Caddy`. */
  readonly program: string;
  readonly description: string;
  snippet(balancer: BalancerDeclared, options: SnippetOptions): string;
}

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

export const flagsKind = ({ name, program, description, snippet }: FlagDialect): BalancerKind => ({
  name,
  description,
  settings: flagSettings,
  traits: () => traits,
  check: checkFlags,
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: flagsDriver(declared, channels, program),
      now,
      renderConfig: () => undefined,
    }),
  renderConfig: () => undefined,
  snippet,
});

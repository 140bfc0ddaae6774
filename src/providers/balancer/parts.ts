/** What the provider of a balancer is made of, and the one way in which all its parts read. */
import {
  type BalancerDeclared,
  type Diagnostic,
  type Instant,
  ProviderFailure,
  type Traits,
} from '../../model/index.ts';
import type { BalancerDriver } from './driver.ts';
import { asDiagnostic, messageOf } from './failure.ts';
import type { HostReading } from './reading.ts';
import type { SampleAsk } from './sampling.ts';

export interface BalancerParts {
  readonly declared: BalancerDeclared;
  readonly traits: Traits;
  readonly driver: BalancerDriver;
  /** For the times of observations. */
  readonly now: () => Instant;
  /** The text that `config_file` should have, where deployctl writes it. */
  readonly renderConfig: (declared: BalancerDeclared) => string | undefined;
}

export const readAll = (
  { declared, driver }: Pick<BalancerParts, 'declared' | 'driver'>,
  signal: AbortSignal,
  asks: readonly SampleAsk[] = [],
): Promise<readonly HostReading[]> =>
  Promise.all(declared.hosts.map((host) => driver.read(host, signal, asks)));

/** Why something could not be seen. */
export const whyUnknown = (error: unknown, declared: BalancerDeclared): Diagnostic =>
  error instanceof ProviderFailure
    ? error.diagnostic
    : asDiagnostic({
        code: 'balancer-unreadable',
        summary: 'The load balancer could not be read',
        detail: `Reading ${declared.address} failed: ${messageOf(error)}.`,
        address: declared.address,
      });

/** What differs between balancers: how one of them is read and written. Everything else is in `provider.ts`. */
import type { Context, Diagnostic, MemberAdmin, RouteValue } from '../../model/index.ts';
import type { ConfigReading, HostReading } from './reading.ts';
import type { SampleAsk, Samples } from './sampling.ts';

export interface RouteWrite {
  readonly route: string;
  readonly to: RouteValue | null;
  /** What was read under the same lock, just before. */
  readonly reading: HostReading;
  /** What the rules are to be asked once it is written. */
  readonly asks: readonly SampleAsk[];
}

export interface MemberWrite {
  readonly pool: string;
  readonly member: string;
  readonly to: MemberAdmin;
  readonly reading: HostReading;
}

/**
 * One balancer on its hosts. Every method throws a `ProviderFailure`: with `effect: 'none'` where it only reads or
 * where nothing was sent yet.
 */
export interface BalancerDriver {
  /**
   * Reads everything on one host, also from generations that only finish old connections. `asks`: what will be sampled next,
   * which may be done in the same exchange (`sampled`); a look with them is for a switch, and need not count sessions.
   */
  read(host: string, signal: AbortSignal, asks?: readonly SampleAsk[]): Promise<HostReading>;
  /** Reads the configuration file on one host. */
  readConfig(host: string, reading: HostReading, signal: AbortSignal): Promise<ConfigReading>;
  /**
   * Asks the balancer's own rules where requests of this route would go now. Throws with the code
   * `balancer-snippet-missing` when its configuration does not answer.
   */
  sample(host: string, ask: SampleAsk, signal: AbortSignal): Promise<Samples>;
  /**
   * Holds the right to change this balancer on this host: nobody else's deployctl changes it meanwhile. Where `asks` are
   * given it may read in the same exchange, once it holds it; undefined: it did not.
   */
  locked<T>(
    host: string,
    cx: Context,
    body: (reading: HostReading | undefined) => Promise<T>,
    asks?: readonly SampleAsk[],
  ): Promise<T>;
  /**
   * Makes it durable and has every generation decide by it. Refuses, with `effect: 'none'`, when what is kept is not
   * what `reading` says any more. Where it has looked again in the same exchange, it gives what it saw.
   */
  writeRoute(host: string, write: RouteWrite, cx: Context): Promise<HostReading | undefined>;
  /** Tells every generation. Safe to say again. */
  writeMember(host: string, write: MemberWrite, cx: Context): Promise<void>;
  /** Keeps members out of service beyond a restart, where the balancer can. Called after the last `writeMember`. */
  persistMembers(host: string, cx: Context): Promise<void>;
  /** Writes the configuration file, has the proxy check it, and loads it; undoes its own part when that fails. */
  configure(host: string, from: string | null, to: string | null, cx: Context): Promise<void>;
  /** What on this host would make a write fail, for `doctor`: files that may not be replaced. Changes nothing. */
  check?(host: string, signal: AbortSignal): Promise<readonly Diagnostic[]>;
}

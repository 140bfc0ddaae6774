/** What one look at the hosts of a balancer gives, in words that fit every balancer. */
import {
  type BalancerConfigState,
  describeAudienceRule,
  type MemberAdmin,
  type RouteValue,
} from '../../model/index.ts';
import type { SampleAsk, Samples } from './sampling.ts';

/** What a balancer holds for one route; `unreadable`: something that deployctl did not write and cannot read. */
export type RouteCell = RouteValue | { readonly unreadable: string };

export interface MemberReading {
  readonly admin: MemberAdmin;
  /** The balancer would send requests there if it is ready. A member that is not checked counts as up. */
  readonly up: boolean;
  /** Up because its check has passed as often as it must, not because it was not checked yet or failed only once. */
  readonly settled: boolean;
  /** undefined: not counted, because the look was for a switch. */
  readonly sessions: number | undefined;
  /** Of a member that follows a DNS record: `10.0.1.11:8081` as it was resolved last, or the name that an SRV gave. */
  readonly endpoint?: string;
  /** Whether connections stay open after a request, to be used for another; undefined: nobody asked. */
  readonly keepsIdle?: boolean;
  /** The last word of the check, for people: `L4CON Connection refused`. */
  readonly check: string;
  /** undefined: this balancer counts pools only. */
  readonly counted?: Counted;
}

/** A sliding average of the time to the first byte: see {@link LatencyAverage}. */
export interface LatencyReading {
  readonly averageMs: number;
  readonly window: number;
}

/** What a worker has counted since it started, of a pool or of one member. */
export interface Counted {
  readonly requests: number;
  readonly failed: number;
  /** undefined: this balancer does not measure it. */
  readonly latency?: LatencyReading;
}

export interface PoolReading {
  /** Requests and upgraded connections that are open now; undefined: not counted, because the look was for a switch. */
  readonly sessions: number | undefined;
  /** Since the worker started. */
  readonly requests: number;
  readonly failed: number;
  readonly latency?: LatencyReading;
  readonly members: ReadonlyMap<string, MemberReading>;
}

/** One generation of the proxy: the one that takes new connections, or one that finishes its old ones. */
export interface WorkerReading {
  /** Unique on its host for as long as it lives: a process id. */
  readonly id: string;
  /** For people: `worker 4711`. */
  readonly name: string;
  readonly serving: boolean;
  /** undefined: this generation was loaded before the proxy decided by routes, so it cannot be told. */
  readonly routes: ReadonlyMap<string, RouteCell> | undefined;
  readonly pools: ReadonlyMap<string, PoolReading>;
}

export interface HostReading {
  readonly host: string;
  /** The serving one first; there is always one. */
  readonly workers: readonly [WorkerReading, ...WorkerReading[]];
  /** What a restart would bring. */
  readonly persisted: ReadonlyMap<string, RouteCell>;
  /** The bytes that says it in; undefined: there is no such file. */
  readonly persistedText: string | undefined;
  /** Where that is kept, for people: `/etc/haproxy/deployctl/edge.map`. */
  readonly persistedIn: string;
  /** What its rules were asked in the same exchange; what is missing is asked by itself. */
  readonly sampled?: readonly { readonly ask: SampleAsk; readonly samples: Samples }[];
}

/** What is known of the configuration file; undefined: the file does not exist. */
export type ConfigReading = BalancerConfigState | undefined;

export const isReadable = (cell: RouteCell): cell is RouteValue => !('unreadable' in cell);

/** `shop_green`, or `shop_blue, and 5% to shop_green`, or `shop_blue, and 5% and header x-beta = 1 to shop_green`. */
export function describeRoute(value: RouteValue | null): string {
  if (value === null) return 'absent';
  const { stable, canary, canaryBasisPoints, audience = [] } = value;
  const parts = [
    ...(canaryBasisPoints === 0 ? [] : [`${canaryBasisPoints / 100}%`]),
    ...audience.map(describeAudienceRule),
  ];
  return parts.length === 0 ? stable : `${stable}, and ${parts.join(' and ')} to ${canary}`;
}

/** What the world says: partial, and already late when it is read. */
import type { AudienceRule } from './audience.ts';
import type { ProcessDeclared, RecordType } from './declared.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Address, Instant, Sha256 } from './words.ts';

/**
 * One slot on one host.
 *
 * `running` says with what the process that runs now was started, not what the files beside it say; null: nothing
 * runs. So a release that was linked while the old process goes on is seen as just that.
 */
export interface InstanceState {
  /** The folder below `releases/` that the slot's symlink names; null: there is no symlink. */
  readonly linked: string | null;
  readonly running: RunningProcess | null;
  /** A file that deployctl wrote for this process and that somebody changed since. */
  readonly tampered: FileDrift | null;
  readonly health: Health;
}

/** What a process was started with; what a start needs. Equal values mean that nothing has to be restarted. */
export interface RunningProcess {
  readonly release: string;
  readonly process: ProcessDeclared;
}

export interface FileDrift {
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** `not_checked`: no health check is declared, or nothing runs. */
export type Health =
  | { readonly status: 'healthy' | 'not_checked' }
  | { readonly status: 'unhealthy'; readonly detail: string };

/** The releases of one service on one host. */
export interface InventoryState {
  /** Oldest first, by the time at which they were installed. Only whole releases count. */
  readonly releases: readonly { readonly directory: string; readonly sha256: Sha256 }[];
  /** Bytes free below the install root for the user who installs; null: the host does not tell. */
  readonly freeBytes: number | null;
}

/**
 * The one decision that a balancer makes for each request of a route: the canary pool gets `canaryBasisPoints` of
 * 10,000 requests, and every one that meets a rule of the audience; the stable pool gets the others.
 */
export interface RouteValue {
  readonly stable: string;
  readonly canary: string;
  readonly canaryBasisPoints: number;
  /** As `canonicalAudience` gives it; undefined: nobody is preferred. */
  readonly audience?: readonly AudienceRule[];
}

/** The pools that get requests by this value. */
export function poolsServedBy(value: RouteValue | null): ReadonlySet<string> {
  if (value === null) return new Set();
  const { stable, canary, canaryBasisPoints, audience } = value;
  return new Set([
    ...(canaryBasisPoints < 10_000 ? [stable] : []),
    ...(canaryBasisPoints > 0 || audience !== undefined ? [canary] : []),
  ]);
}

/**
 * `runtime` is what every worker that still serves decides by; null: the route is unknown to them. `persisted` is
 * what a restart would bring. `disagreeing` names workers that decide otherwise (one that missed a change).
 */
export interface RouteState {
  readonly runtime: RouteValue | null;
  readonly persisted: RouteValue | null;
  readonly disagreeing: readonly { readonly worker: string; readonly value: RouteValue | null }[];
}

export type MemberAdmin = 'ready' | 'drain' | 'maint';

export interface MemberState {
  readonly admin: MemberAdmin;
  /** The balancer's own check: whether it would send requests there if it is ready. */
  readonly up: boolean;
  readonly sessions: number;
}

/** The configuration file that deployctl writes for a balancer (`config_file`). */
export interface BalancerConfigState {
  readonly text: string;
  /** Whether the running proxy was loaded with this very text. */
  readonly loaded: boolean;
}

/** The records of one name and type, which DNS knows only as a whole. */
export interface RecordSet {
  readonly ttlSeconds: number;
  /** Canonical and sorted. */
  readonly values: readonly string[];
}

export interface TypedSet {
  readonly type: RecordType;
  readonly rrset: RecordSet;
}

/** What a pool that follows a DNS record uses now: `10.0.1.11:8081`, sorted; by name where the record is an SRV. */
export interface ResolutionState {
  readonly endpoints: readonly string[];
  /** Workers that use something else. */
  readonly disagreeing: readonly { readonly worker: string; readonly endpoints: readonly string[] }[];
}

/** A record as its zone's primary holds it, and how far the other servers are. */
export interface RecordState {
  /** null: nothing of this name and type. */
  readonly rrset: RecordSet | null;
  /** Other types at the same name. */
  readonly besides: readonly string[];
  /** Sets that a CNAME cannot stand beside, where it is one or the other; undefined: there are none. */
  readonly instead?: readonly TypedSet[];
  /** The delegation at or above the name: what is written below it is never seen; null: there is none. */
  readonly delegation: string | null;
  /** How long resolvers may remember that a name of the zone does not exist. */
  readonly negativeTtlSeconds: number;
  /** How long they may remember what a wildcard answers for the name, which is not there itself; undefined: none does. */
  readonly wildcardTtlSeconds?: number;
  readonly zoneSerial: number;
  /** Servers that answered something else than the primary, each with what, as a clause. */
  readonly behind: readonly { readonly server: string; readonly why: string }[];
  /** Only recorded: answers of before, which resolvers may remember. */
  readonly remembered?: readonly Remembered[];
}

/** It was given until its TTL before `until`, and not after that. */
export interface Remembered {
  readonly rrset: RecordSet;
  readonly until: Instant;
}

export interface Specs {
  readonly instance: InstanceState;
  readonly inventory: InventoryState;
  readonly route: RouteState;
  readonly member: MemberState;
  readonly balancer_config: BalancerConfigState;
  readonly record: RecordState;
  readonly resolution: ResolutionState;
}

export type Kind = keyof Specs;

/**
 * Not seen is not gone: `absent` was looked for and is not there; `unknown` could not be looked for, and leads to
 * `held`, never to a create.
 */
export type Observation<K extends Kind = Kind> = {
  readonly [Each in K]:
    | {
        readonly status: 'present';
        readonly kind: Each;
        readonly address: Address;
        readonly spec: Specs[Each];
        readonly at: Instant;
      }
    | { readonly status: 'absent'; readonly kind: Each; readonly address: Address; readonly at: Instant }
    | {
        readonly status: 'unknown';
        readonly kind: Each;
        readonly address: Address;
        readonly why: Diagnostic;
      };
}[K];

/** What one look at the world gave. */
export interface Observed {
  readonly observations: readonly Observation[];
  /** Things that matter to a person and to no decision: another state's mark on a host, a clock that is off. */
  readonly notes: readonly Diagnostic[];
}

// Addresses of observed things, all derived in this one place.
export const inventoryAddress = (service: Address, host: string): Address =>
  `${service}.install.host[${JSON.stringify(host)}]` as Address;
export const releaseAddress = (service: Address, directory: string, host: string): Address =>
  `${service}.release[${JSON.stringify(directory)}].host[${JSON.stringify(host)}]` as Address;
export const instanceAddress = (service: Address, slot: string, host: string): Address =>
  `${service}.slot[${JSON.stringify(slot)}].host[${JSON.stringify(host)}]` as Address;
export const slotAddress = (service: Address, slot: string): Address =>
  `${service}.slot[${JSON.stringify(slot)}]` as Address;
export const routeAddress = (balancer: Address, route: string): Address =>
  `${balancer}.route[${JSON.stringify(route)}]` as Address;
export const memberAddress = (balancer: Address, pool: string, member: string): Address =>
  `${balancer}.pool[${JSON.stringify(pool)}].member[${JSON.stringify(member)}]` as Address;
export const poolAddress = (balancer: Address, pool: string): Address =>
  `${balancer}.pool[${JSON.stringify(pool)}]` as Address;
/** `shop` of `dns_zone.internal.record["shop/A"]`. */
export const recordPlace = (address: Address): string =>
  /\.record\["(.*)\/[A-Z]+"\]$/.exec(address)?.[1] ?? '';
export const recordAddress = (zone: Address, relativeName: string, type: string): Address =>
  `${zone}.record[${JSON.stringify(`${relativeName}/${type}`)}]` as Address;
export const balancerConfigAddress = (balancer: Address): Address => `${balancer}.config` as Address;

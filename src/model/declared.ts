/**
 * What the files say, evaluated: no expressions, no references, no functions are left. Everything is plain
 * JSON, so a plan can carry it whole and a revert can take it from the record of an earlier deployment.
 */
import type { AnalysisDeclared } from './analysis.ts';
import type { AudienceRule } from './audience.ts';
import type { SourceRange } from './diagnostic.ts';
import type { Move } from './moves.ts';
import { type Address, asSha256, type Instant, type Json, type Sha256 } from './words.ts';

export interface Declared {
  readonly environment: string;
  /** Absolute folder of the environment: relative artifacts and operator hooks start here. */
  readonly folder: string;
  readonly hosts: readonly HostDeclared[];
  readonly balancers: readonly BalancerDeclared[];
  readonly zones: readonly ZoneDeclared[];
  readonly services: readonly ServiceDeclared[];
  readonly policy: PolicyDeclared;
  /** Hooks for the whole run: before_apply, after_apply, on_failure, on_revert. */
  readonly hooks: readonly HookDeclared[];
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly outputs: Readonly<Record<string, OutputDeclared>>;
  readonly state: StateDeclared;
  /**
   * What was given for variables that have no default, never for sensitive ones: commands that need no new values take it
   * from the record. undefined: there are none.
   */
  readonly variables?: Readonly<Record<string, Json>>;
  /** What has another address now than it is recorded under; each before those that go on from where it leads. */
  readonly moves?: readonly Move[];
}

export interface OutputDeclared {
  /** null where it is sensitive: it would be kept in plans and in the state. */
  readonly value: Json;
  readonly sensitive: boolean;
  readonly description?: string;
}

export interface StateDeclared {
  readonly backend: 'local';
  /** Absolute folder of the state. */
  readonly path: string;
}

/** Where a secret is read when it is used. The value itself is never in a plan, state, log or argument list. */
export type SecretSource =
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'command'; readonly argv: readonly string[] };

/** What a process's environment calls a secret that has another value now than when the process was started. */
export const earlierSecret = (name: string): string => `${name} (an earlier value)`;

/** Whose value is to be read for it: an earlier one is kept nowhere, so a way back takes the one of today. */
export const currentSecret = (name: string): string => name.replace(/(?: \(an earlier value\))+$/, '');

// ── hosts ──────────────────────────────────────────────────────────────────────────────────────────

export interface HostDeclared {
  /** `host.lb-1` or `host.web["web-1"]`. */
  readonly address: Address;
  /** The name a pool member, a flag and a report use: the key of `for_each`, `web-0` with `count`. Unique. */
  readonly name: string;
  readonly connection: Connection;
  /** What others on the network call it: the address that balancers and health checks use. */
  readonly networkAddress: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly origin: SourceRange;
}

export type Connection =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'ssh';
      readonly address: string;
      readonly port: number;
      readonly user: string;
      /** Absolute path; without it the running agent is asked. */
      readonly identityFile?: string;
      /** Absolute paths of the known_hosts files, in order. */
      readonly knownHosts: readonly string[];
      readonly become: 'sudo' | 'none';
      /** The name of the host to go through. */
      readonly jump?: string;
      readonly connectTimeoutMs: number;
      readonly transport: 'ssh2' | 'openssh';
    };

// ── load balancers ─────────────────────────────────────────────────────────────────────────────────

export interface BalancerDeclared {
  /** `load_balancer.edge`. */
  readonly address: Address;
  readonly name: string;
  /** The provider's name: `haproxy`, `lab`. */
  readonly provider: string;
  /** Names of the hosts that run it, in the order in which they are told. */
  readonly hosts: readonly string[];
  /** The provider's own arguments, checked against its schema: `master_socket`, `map_file`, `config_file`. */
  readonly settings: Readonly<Record<string, Json>>;
  /** The routes and pools of the services behind it. */
  readonly routes: readonly RouteDeclared[];
  readonly pools: readonly PoolDeclared[];
  /** Pools whose members it finds by a DNS record; none: there are no such. */
  readonly resolved?: readonly ResolvedPoolDeclared[];
  readonly origin: SourceRange;
}

export interface RouteDeclared {
  readonly route: string;
  readonly service: Address;
  /** Every rule that some step of the service's canary names: the balancer's own rules must know them beforehand. */
  readonly audience?: readonly AudienceRule[];
  /** The cookie by whose value a user stays on one side of a canary; undefined: each request is decided on its own. */
  readonly stickyCookie?: string;
}

export interface PoolDeclared {
  readonly name: string;
  readonly service: Address;
  readonly members: readonly { readonly name: string; readonly address: string; readonly port: number }[];
  /** For pools that deployctl writes itself and for `snippet --full`; undefined: a TCP connect. */
  readonly health?: HealthDeclared;
}

/** One pool for both slots of a service: where its requests go is what the record says. */
export interface ResolvedPoolDeclared {
  readonly name: string;
  readonly record: RecordDeclared;
  /** The zone's name in the configuration. */
  readonly zone: string;
  /** Servers of the zone, for `snippet`: a resolver of the network may stand in their place. */
  readonly nameServers: readonly DnsEndpoint[];
  /** How many members a slot has at most. */
  readonly size: number;
  /** undefined: the record says it (SRV). */
  readonly port: number | undefined;
  /** What its members are while the record leads to a slot, by slot, sorted: `10.0.1.11:8081`. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  readonly health?: HealthDeclared;
}

// ── DNS zones ──────────────────────────────────────────────────────────────────────────────────────

/** A DNS server: an address or a name, and a port. */
export interface DnsEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface ZoneDeclared {
  /** `dns_zone.internal`. */
  readonly address: Address;
  readonly name: string;
  readonly provider: 'rfc2136';
  /** Canonical: lower case, A-labels, a dot at the end. */
  readonly zone: string;
  /** Takes the updates, and what it holds is what counts. */
  readonly primary: DnsEndpoint;
  /** Those whose answers must agree before a step is done. */
  readonly servers: readonly DnsEndpoint[];
  /** How many of `servers` must agree. */
  readonly quorum: number;
  /** How long they may take to agree, in ms. */
  readonly convergeMs: number;
  /** Resolvers of the network that keep every answer for at least so long, whatever its TTL says. */
  readonly resolverMinTtlSeconds: number;
  /** How long resolvers remember that a name does not exist; undefined: what the zone's SOA says. */
  readonly negativeTtlSeconds?: number;
  /** Every update also requires the zone's serial: no other change of the zone comes between the look and the write. */
  readonly strict: boolean;
  readonly tsig?: {
    /** Canonical. */
    readonly name: string;
    readonly algorithm: TsigAlgorithm;
    /** The name of the secret that holds the key, in base64. */
    readonly secret: string;
  };
  /** The records that services move. */
  readonly records: readonly RecordDeclared[];
  readonly origin: SourceRange;
}

export type TsigAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

export const recordTypes = ['A', 'AAAA', 'CNAME', 'SRV', 'TXT'] as const;
export type RecordType = (typeof recordTypes)[number];

export interface RecordDeclared {
  /** `dns_zone.internal.record["shop/A"]`. */
  readonly address: Address;
  /** Canonical and whole: `shop.internal.test.`. */
  readonly name: string;
  readonly type: RecordType;
  readonly service: Address;
}

// ── releases ───────────────────────────────────────────────────────────────────────────────────────

export interface ReleaseDeclared {
  readonly name: string;
  readonly version: string;
  readonly artifact: ArtifactDeclared;
  readonly notes?: string;
  readonly origin: SourceRange;
}

/** Stands for the digest of an artifact that was not read. Expressions see it as unknown. */
export const UNREAD_SHA256 = asSha256('not read');

/** An artifact whose content is known: reading it again must give the same digest. */
export interface ArtifactDeclared {
  /** Absolute path of a file or folder on the operator's machine; of a URL, the URL without what may be secret in it. */
  readonly path: string;
  /** Its bytes are in the cache of the machine that performs the plan, by their digest, once they were fetched. */
  readonly fromUrl?: true;
  /** `file`: installed under its own name. `archive`: unpacked. `folder`: packed the same way every time. */
  readonly kind: 'file' | 'archive' | 'folder';
  readonly fileName: string;
  readonly sha256: Sha256;
  /** null: a URL that was not fetched yet. A plan fetches what it sends, so its steps know it. */
  readonly bytes: number | null;
}

/** The folder of a release below `<root>/releases/`: version and the first 8 digits of the content's SHA-256. */
export const releaseDirectory = (release: ReleaseDeclared): string =>
  `${release.version}-${release.artifact.sha256.slice(0, 8)}`;

/** `2.0.0` of `2.0.0-9f86d081`; the whole name of a folder that was not made so. */
export const versionOfRelease = (directory: string): string => directory.replace(/-[0-9a-f]{8}$/, '');

// ── services ───────────────────────────────────────────────────────────────────────────────────────

export interface ServiceDeclared {
  /** `service.shop`. */
  readonly address: Address;
  readonly name: string;
  readonly dependsOn: readonly Address[];
  readonly release: ReleaseDeclared;
  readonly slots: readonly SlotDeclared[];
  readonly install: InstallDeclared;
  readonly traffic: readonly TrafficDeclared[];
  readonly strategy: StrategyDeclared;
  readonly origin: SourceRange;
}

export interface SlotDeclared {
  /** `service.shop.slot["green"]`. */
  readonly address: Address;
  readonly name: string;
  readonly port: number | undefined;
  readonly instances: readonly InstanceDeclared[];
}

/** One slot on one host, with every expression of its process, health and hooks evaluated for it. */
export interface InstanceDeclared {
  /** `service.shop.slot["green"].host["web-1"]`. */
  readonly address: Address;
  readonly slot: string;
  readonly host: string;
  readonly process: ProcessDeclared | undefined;
  readonly health: HealthDeclared | undefined;
  readonly hooks: readonly HookDeclared[];
}

export interface InstallDeclared {
  /** Absolute folder on the host: `releases/`, `shared/` and one symlink for each slot. */
  readonly root: string;
  /** Only where `root` has been resolved for one host: how the files write it, and every value that was made of it. */
  readonly rootAsWritten?: string;
  /** How many releases stay installed; what a slot uses or a revert needs is kept beyond that. */
  readonly keep: number;
  readonly owner?: string;
  /** What the service was called before it moved: its units keep that name. undefined: its own name. */
  readonly knownAs?: string;
}

export type EnvironmentValue = string | { readonly secret: string };

interface ProcessCommon {
  /** `<service>-<slot>`: the systemd unit's name without `.service`, and the folder of the process's own files. */
  readonly unit: string;
  readonly environment: Readonly<Record<string, EnvironmentValue>>;
  readonly user?: string;
  readonly stopTimeoutMs: number;
}

export type ProcessDeclared =
  | (ProcessCommon & { readonly kind: 'systemd' | 'exec'; readonly command: readonly string[] })
  | (ProcessCommon & {
      readonly kind: 'script';
      readonly start: readonly string[];
      readonly stop: readonly string[];
      /** Exit 0: runs; anything else: does not. */
      readonly status: readonly string[];
      readonly startTimeoutMs: number;
    });

interface HealthCommon {
  readonly intervalMs: number;
  /** How many times in a row it must pass. */
  readonly passes: number;
  readonly timeoutMs: number;
  /** How long it may take until it passes. */
  readonly deadlineMs: number;
  readonly origin: SourceRange;
}

export type HealthDeclared =
  | (HealthCommon & {
      readonly kind: 'http';
      /** As the host itself sees it: by default the host's own network address. */
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly status: number;
    })
  | (HealthCommon & { readonly kind: 'tcp'; readonly address: string; readonly port: number })
  | (HealthCommon & {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** The user of the process; undefined: the owner of the install, or whoever logs in. */
      readonly user?: string;
    });

export type HookPoint =
  | 'before_install'
  | 'after_install'
  | 'before_start'
  | 'after_start'
  | 'before_traffic'
  | 'after_traffic'
  | 'before_stop'
  | 'after_stop'
  | 'before_apply'
  | 'after_apply'
  | 'on_failure'
  | 'on_revert';

export interface HookDeclared {
  readonly point: HookPoint;
  /** An argument list; a string in the configuration is `["sh", "-eu", "-c", string]` here. */
  readonly argv: readonly string[];
  readonly on: 'each_host' | 'first_host' | 'operator';
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, EnvironmentValue>>;
  readonly origin: SourceRange;
}

export type TrafficDeclared = BalancerTraffic | NameTraffic;

export interface BalancerTraffic {
  readonly kind: 'load_balancer';
  readonly balancer: Address;
  readonly route: string;
  /** Slot name to pool name. */
  readonly pools: Readonly<Record<string, string>>;
  /** The cookie by whose value a user stays on one side of a canary. */
  readonly stickyCookie?: string;
  readonly origin: SourceRange;
}

/** Clients find the service by a DNS record, which holds the addresses of the slot that serves. */
export interface NameTraffic {
  readonly kind: 'dns';
  readonly zone: Address;
  readonly record: RecordDeclared;
  /** How long resolvers may keep an answer in quiet times. */
  readonly ttlSeconds: number;
  /** The same around a switch, at most `ttlSeconds`. */
  readonly switchTtlSeconds: number;
  /** Slot name to the record's values, canonical and sorted. No two slots share one, or all have the same. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** The load balancer that finds the service by this record; undefined: the clients do. */
  readonly resolvedBy?: {
    readonly balancer: Address;
    readonly pool: string;
    /** Slot name to what the balancer's servers are by then, sorted: `10.0.1.11:8081`; by name where the record is an SRV. */
    readonly endpoints: Readonly<Record<string, readonly string[]>>;
  };
  readonly origin: SourceRange;
}

/** The slot that a record with these values leads to; undefined: none, or more than one. */
export function slotOfValues({ values: own }: NameTraffic, values: readonly string[]): string | undefined {
  const slots = slotsOfValues(own, values);
  return slots.length === 1 ? slots[0] : undefined;
}

/** The slots that some of these values belong to; none, where all slots have the same and a balancer tells them apart. */
export function slotsOfValues(slots: NameTraffic['values'], values: readonly string[]): readonly string[] {
  const all = Object.entries(slots);
  const [first] = all;
  const isOneForAll = all.length > 1 && all.every(([, own]) => own.join(' ') === first?.[1].join(' '));
  if (isOneForAll) return [];
  return all.filter(([, own]) => own.some((value) => values.includes(value))).map(([slot]) => slot);
}

export type OnFailure = 'revert' | 'pause' | 'freeze';

export type StrategyDeclared =
  | {
      readonly kind: 'blue_green';
      readonly bakeMs: number;
      readonly keepWarm: boolean;
      /** How long old connections may finish before a slot is stopped or replaced. */
      readonly drainTimeoutMs: number;
      readonly onFailure: OnFailure;
      readonly origin: SourceRange;
    }
  | {
      readonly kind: 'in_place';
      readonly drainTimeoutMs: number;
      readonly onFailure: OnFailure;
      readonly origin: SourceRange;
    }
  | {
      readonly kind: 'canary';
      /** In their order; shares never fall. After the last one the canary takes all requests and is the stable side. */
      readonly steps: readonly CanaryStepDeclared[];
      /** What decides at each step, beside the health checks; empty: they alone. */
      readonly analysis: readonly AnalysisDeclared[];
      /** With two slots: whether the side that served goes on running afterwards. */
      readonly keepWarm: boolean;
      readonly drainTimeoutMs: number;
      readonly onFailure: OnFailure;
      readonly origin: SourceRange;
    }
  | {
      readonly kind: 'rolling';
      /** So many of the service's hosts at a time. */
      readonly batch: HostCount;
      /** From the return of one batch to the removal of the next. */
      readonly pauseMs: number;
      /** How many hosts of the whole run may fail and be left out of the pool before the run itself fails. */
      readonly maxFailures: number;
      readonly drainTimeoutMs: number;
      readonly onFailure: OnFailure;
      readonly origin: SourceRange;
    };

export interface CanaryStepDeclared {
  /** Whole percent of the requests. */
  readonly share: number;
  readonly bakeMs: number;
  /** Whether the run then waits for a person to promote it. */
  readonly approval: boolean;
  /** Requests that get the canary from this step on, whatever the share. */
  readonly audience: readonly AudienceRule[];
  readonly origin: SourceRange;
}

/** A share of a service's hosts, or a number of them. */
export type HostCount = { readonly percent: number } | { readonly hosts: number };

export interface PolicyDeclared {
  /** The floor of capacity of each service behind a balancer, in whole percent of its hosts; 0: none declared. */
  readonly minInServicePercent: number;
  /** How many hosts of a service may be away for a plan to go on without them; undefined: none. */
  readonly maxUnreachable?: HostCount;
  readonly freezes: readonly FreezeDeclared[];
  /** The most of a service's requests that one step may move, in whole percent; undefined: all. */
  readonly maxShareStepPercent?: number;
  /** Signatures that a saved plan needs; undefined: none. */
  readonly approvals?: number;
  /** Absolute path of the file that says whose signatures count. */
  readonly allowedSigners?: string;
  /** `kim`, or `kim@laptop`; undefined: everybody. */
  readonly actors?: readonly string[];
  readonly origin?: SourceRange;
}

/** From its beginning up to, not including, its end. */
export interface FreezeDeclared {
  readonly from: Instant;
  readonly until: Instant;
  readonly reason: string;
  readonly origin?: SourceRange;
}

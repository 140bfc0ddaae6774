/**
 * The whole vocabulary of effects. An operation is plain data and almost always a move `from` one observed value
 * `to` another: performing it twice changes nothing the second time, it is refused when the world holds neither
 * value, and its inverse is the same operation with the two swapped.
 *
 *   on a host      release.put ─ slot.link ─ process.set ─ health.verify ─ release.prune      hook.run
 *   on a balancer  balancer.configure ─ member.set ─ pool.drain ─ pool.settle ─ pool.resolve ─ route.set
 *   in a DNS zone  record.set ─ record.converge
 *   nowhere        record.expire ─ bake ─ approval
 */
import type { Judged } from './analysis.ts';
import type {
  ArtifactDeclared,
  EnvironmentValue,
  HealthDeclared,
  HookPoint,
  InstallDeclared,
  RecordDeclared,
} from './declared.ts';
import type { MemberAdmin, RecordSet, RouteState, RouteValue, RunningProcess } from './observation.ts';
import type { Address, Sha256 } from './words.ts';

/** Where a service lives on one host. */
export interface Place {
  readonly service: Address;
  readonly host: string;
  readonly install: InstallDeclared;
}

/**
 * What must hold at the moment at which a host is taken out of service, whatever the plan saw: so many other hosts of the
 * slot are in service. A host that is not in service itself may go: taking it out costs nothing.
 */
export interface Floor {
  readonly service: Address;
  readonly slot: string;
  readonly least: number;
  /** How long it may take until the others are back, in ms; then the step fails. */
  readonly withinMs: number;
}

/** One record set, from what it is to what it becomes. */
export interface RecordMove {
  readonly record: RecordDeclared;
  readonly from: RecordSet | null;
  readonly to: RecordSet | null;
}

export type Operation =
  /** Brings the artifact into `releases/<directory>`, whole or not at all. Skips what is already there. */
  | {
      readonly op: 'release.put';
      readonly place: Place;
      readonly directory: string;
      readonly artifact: ArtifactDeclared;
    }
  /** The inverse of `release.put`: only for a folder that this run brought and that no slot uses. */
  | {
      readonly op: 'release.remove';
      readonly place: Place;
      readonly directory: string;
      readonly artifact: ArtifactDeclared;
    }
  /** Points the slot's symlink elsewhere, atomically. null: no symlink. */
  | {
      readonly op: 'slot.link';
      readonly place: Place;
      readonly instance: Address;
      readonly slot: string;
      readonly from: string | null;
      readonly to: string | null;
    }
  /**
   * Starts or stops: one of `from` and `to` is null. A restart is a stop, whatever else has to change meanwhile, and a
   * start, so that the way back goes through the same states in reverse.
   */
  | {
      readonly op: 'process.set';
      readonly place: Place;
      readonly instance: Address;
      readonly slot: string;
      readonly from: RunningProcess | null;
      readonly to: RunningProcess | null;
      /** Where no balancer takes it out of service before: by stopping. */
      readonly floor?: Floor;
    }
  /** Waits until the check passes; fails at its deadline. `release` must be what runs: a check of something else proves nothing. */
  | {
      readonly op: 'health.verify';
      readonly place: Place;
      readonly instance: Address;
      readonly slot: string;
      readonly release: string;
      readonly health: HealthDeclared | undefined;
      /** It has no process: the release that its slot points to is what must be the wanted one. */
      readonly passive?: true;
    }
  | {
      readonly op: 'hook.run';
      readonly point: HookPoint;
      /** undefined: on the operator's machine. */
      readonly place: Place | undefined;
      /** Absolute folder in which it runs. */
      readonly folder: string;
      readonly argv: readonly string[];
      readonly environment: Readonly<Record<string, EnvironmentValue>>;
      /** undefined: the owner of the install or whoever logs in; on the operator's machine who runs deployctl. */
      readonly user?: string;
      readonly timeoutMs: number;
    }
  | {
      readonly op: 'release.prune';
      readonly place: Place;
      readonly directories: readonly { readonly directory: string; readonly sha256: Sha256 }[];
    }
  /** Writes the configuration file, has the proxy check it, loads it, and sees that it is in effect. null: no file. */
  | {
      readonly op: 'balancer.configure';
      readonly balancer: Address;
      readonly from: string | null;
      readonly to: string | null;
    }
  | {
      readonly op: 'member.set';
      readonly balancer: Address;
      readonly pool: string;
      readonly member: string;
      readonly from: MemberAdmin;
      readonly to: MemberAdmin;
      readonly floor?: Floor;
    }
  /** Waits until no session is left on the pool (or on one member of it), in every generation of the proxy. */
  | {
      readonly op: 'pool.drain';
      readonly balancer: Address;
      readonly pool: string;
      readonly member?: string;
      readonly withinMs: number;
      /** On a way back: that somebody else's route leads there too is no reason to stay where nobody wants to be. */
      readonly mayBeRouted?: true;
    }
  /** Waits until the balancer's own checks call every one of these members up; fails when the time is over. */
  | {
      readonly op: 'pool.settle';
      readonly balancer: Address;
      readonly pool: string;
      readonly members: readonly string[];
      readonly withinMs: number;
    }
  /** Waits until every worker of the balancer uses these addresses for the pool, and no other; fails when the time is over. */
  | {
      readonly op: 'pool.resolve';
      readonly balancer: Address;
      readonly pool: string;
      readonly endpoints: readonly string[];
      readonly withinMs: number;
    }
  /** Moves the route for all requests at once; `from` null: the route does not exist. */
  | {
      readonly op: 'route.set';
      readonly balancer: Address;
      readonly route: string;
      /** `disagreeing`: values of other hosts and workers that the plan saw and means to mend; none: those are refused too. */
      readonly from: Pick<RouteState, 'runtime' | 'persisted'> & Partial<Pick<RouteState, 'disagreeing'>>;
      readonly to: RouteValue | null;
      /**
       * Refused unless so many members of this pool take requests at that very moment, where it gets more of them than it
       * has. A way back asks for none: one member of what worked is better than what did not.
       */
      readonly bearing?: { readonly pool: string; readonly least: number };
    }
  /**
   * Replaces the whole record set, guarded by `from`, in one message to the primary. null: no such record. `beside`: sets
   * of other types at the name that go or come in the same message, because a CNAME stands alone.
   */
  | ({
      readonly op: 'record.set';
      readonly zone: Address;
      readonly beside?: readonly RecordMove[];
    } & RecordMove)
  /** Waits until the zone's servers answer this, with authority; fails when the time is over. */
  | {
      readonly op: 'record.converge';
      readonly zone: Address;
      readonly record: RecordDeclared;
      readonly rrset: RecordSet | null;
      readonly withinMs: number;
    }
  /** Waits until no resolver can remember the answer of before; the checks of what serves meanwhile go on. */
  | {
      readonly op: 'record.expire';
      readonly service: Address;
      readonly record: RecordDeclared;
      readonly durationMs: number;
      readonly watch: readonly (Operation & { readonly op: 'health.verify' })[];
    }
  /**
   * Watches the checks of the instances for a while; fails as soon as one fails for longer than its passes allow. With
   * `judged` the analysis must say that the canary is good before the time counts as passed.
   */
  | {
      readonly op: 'bake';
      readonly service: Address;
      readonly durationMs: number;
      readonly watch: readonly (Operation & { readonly op: 'health.verify' })[];
      readonly judged?: Judged;
    }
  /** Waits until a person promotes the canary from this share, as long as that takes; the checks and the analysis go on meanwhile. */
  | {
      readonly op: 'approval';
      readonly service: Address;
      readonly sharePercent: number;
      readonly watch: readonly (Operation & { readonly op: 'health.verify' })[];
      readonly judged?: Judged;
    };

export type OperationName = Operation['op'];

/**
 * How the engine treats an operation. `move`: looked at before and after. `wait`: nothing to look at but itself, done
 * again from the start after a crash. `once`: leaves a mark where it ran, so that it is not run again. `time`: the
 * engine's own clock, kept as an absolute time in the journal. `person`: somebody's word, kept in the journal too.
 */
export const operationClass: Readonly<Record<OperationName, 'move' | 'wait' | 'once' | 'time' | 'person'>> = {
  'release.put': 'move',
  'release.remove': 'move',
  'slot.link': 'move',
  'process.set': 'move',
  'health.verify': 'wait',
  'hook.run': 'once',
  'release.prune': 'move',
  'balancer.configure': 'move',
  'member.set': 'move',
  'pool.drain': 'wait',
  'pool.settle': 'wait',
  'pool.resolve': 'wait',
  'route.set': 'move',
  'record.set': 'move',
  'record.converge': 'wait',
  'record.expire': 'time',
  bake: 'time',
  approval: 'person',
};

/** Every set that an operation of a zone moves, the declared one first. */
export const recordMovesOf = ({
  record,
  from,
  to,
  beside = [],
}: Operation & { readonly op: 'record.set' }): readonly RecordMove[] => [{ record, from, to }, ...beside];

/** The host an operation runs on, `'operator'` for the operator's own machine, undefined for balancers and waits. */
export function hostOf(operation: Operation): string | undefined {
  if (operation.op === 'hook.run') return operation.place?.host ?? 'operator';
  return 'place' in operation ? operation.place?.host : undefined;
}

/** The balancer an operation talks to. */
export const balancerOf = (operation: Operation): Address | undefined =>
  'balancer' in operation ? operation.balancer : undefined;

/** The DNS zone an operation talks to. */
export const zoneOf = (operation: Operation): Address | undefined =>
  'zone' in operation ? operation.zone : undefined;

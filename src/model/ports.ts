/** What the pure parts and the engine ask of the outside, in words of the domain. */
import type { Judged, JudgedSide, SideCounters, Verdict, Window } from './analysis.ts';
import type { Check } from './check.ts';
import type { Declared } from './declared.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { EventBody, PoolCounters } from './event.ts';
import type { Observed } from './observation.ts';
import type { Operation } from './operation.ts';
import type { RecordedResource, RunNumber } from './recorded.ts';
import type { Address, Instant, StepId } from './words.ts';

export interface Clock {
  now(): Instant;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Thrown at the edge of a provider. `effect` says whether the world may have changed: after `maybe` the engine looks
 * again before it believes anything.
 */
export class ProviderFailure extends Error {
  readonly effect: 'none' | 'maybe';
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic, effect: 'none' | 'maybe', cause?: unknown) {
    super(`${diagnostic.summary}: ${diagnostic.detail}`, cause === undefined ? undefined : { cause });
    this.name = 'ProviderFailure';
    this.diagnostic = diagnostic;
    this.effect = effect;
  }
}

/** What a provider gets with every call of a run. */
export interface Context {
  /** Aborted when the run must stop at once, or when the step's time is over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The newest writer wins: a host refuses a run of the same lineage that is older than the newest it has seen. */
  readonly fence: { readonly lineage: string; readonly run: RunNumber };
  /** Which step this is, and how often it has failed before: a hook's mark on the host is named by both. */
  readonly step: StepId;
  readonly attempt: number;
  /** Progress and output of this step. */
  readonly report: (event: Extract<EventBody, { type: 'step_progress' | 'step_output' }>) => void;
}

/**
 * Where the world stands on an operation. `elsewhere`: neither as the plan saw it nor as the operation would make
 * it: somebody else was here; `seen` tells what it is now, as a clause ("is shop_green now").
 */
export type Standing =
  /** `note` is the provider's own, for the `perform` that follows. */
  | { readonly at: 'before'; readonly note?: object }
  /** `seen`: what `seen` would tell, where the look has seen it anyway. */
  | { readonly at: 'after'; readonly seen?: readonly RecordedResource[] }
  | { readonly at: 'elsewhere'; readonly seen: string }
  | { readonly at: 'unknown'; readonly why: Diagnostic };

/** Looks that a `perform` spares, each a way to where the thing is and back. A provider may leave all of it unused. */
export interface Looks {
  /** The look that found it still to be done: a guard may rest on it. undefined: nobody looked. */
  readonly before: Extract<Standing, { at: 'before' }> | undefined;
  /**
   * To be told of a look that was made after the change, in the same exchange: the world stands where the operation
   * leads, and `seen` is to be recorded. That the change says of itself that it worked is no look.
   */
  readonly after: (seen: readonly RecordedResource[]) => void;
}

export interface SwitchCost {
  /** What happens each time, as a clause: `nginx reloads, which closes …`. */
  readonly each: string;
  /** What would avoid it: a sentence. */
  readonly instead: string;
}

/** Limits of a provider as data, so that the planner can read them and the plan can say them. */
export interface Traits {
  /** What a change of a route costs clients; undefined: nothing. */
  readonly switchCost: SwitchCost | undefined;
  /** Whether a route can give a share of its requests to another pool, and in which steps (basis points). */
  readonly shareStepBasisPoints: number | undefined;
  /** Whether a single member can be drained. */
  readonly drainsMembers: boolean;
  /** Whether deployctl can write its pools (`config_file`). */
  readonly writesPools: boolean;
  /** Whether it counts requests and failures of each pool, which a canary can be judged by. */
  readonly countsRequests: boolean;
}

/**
 * One kind of thing in the world: all hosts, or one load balancer.
 *
 * Laws, held by the contract suite: performing twice changes nothing the second time; observing shows what was
 * performed; the inverse restores; what cannot be reached is `unknown`, never `absent`; every write is refused unless
 * the world stands at the operation's `from`; a move that was left half done is `before`, and performing it completes
 * it; every trait holds on the real thing.
 */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  readonly traits: Traits;
  /** Looks at everything of the given declaration that this provider knows. Never changes anything, never throws for what is unreachable. */
  observe(declared: Declared, signal: AbortSignal): Promise<Observed>;
  /** Where the world stands on this operation, looked at afresh. */
  look(operation: Operation, cx: Context): Promise<Standing>;
  /** Does it, guarded by `from`. Throws {@link ProviderFailure}. Resolves only when it believes that it is in effect. */
  perform(operation: Operation, cx: Context, looks?: Looks): Promise<void>;
  /** What the operation left behind, looked at afresh, to be recorded. */
  seen(operation: Operation, cx: Context): Promise<readonly RecordedResource[]>;
  /**
   * Everything that a run will need of what this provider knows, for `doctor`. Changes nothing and never throws for what
   * is wrong out there: that is a finding, with its mend.
   */
  check?(declared: Declared, signal: AbortSignal): Promise<readonly Check[]>;
  /** Counters for the view and for the figures at the end, where there are any. */
  traffic?(balancer: Address, signal: AbortSignal): Promise<readonly PoolCounters[]>;
  /** Counters of one side of a canary, for a verdict. Throws {@link ProviderFailure} where they cannot be read. */
  measure?(balancer: Address, side: JudgedSide, signal: AbortSignal): Promise<SideCounters>;
}

/** Finds the provider that an operation belongs to. */
export type ProviderOf = (operation: Operation) => Provider;

/**
 * Judges a canary. One call opens one gate: what is measured before it does not count. Nothing is ever thrown for what
 * cannot be measured: that is an inconclusive verdict with the reason.
 */
export type Judge = (judged: Judged, cx: Context) => Judging;

export interface Judging {
  /** How often `look` is worth calling. */
  readonly intervalMs: number;
  /** Takes its samples and says how it stands. The engine lets the last call of a window decide, and any `fail` at once. */
  look(window: Window): Promise<Verdict>;
}

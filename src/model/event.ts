/** Everything that can happen while a run goes on. Views only read it; the JSON lines are these, one a line. */
import type { DryRunVerdict, Verdict } from './analysis.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Plan } from './plan.ts';
import type { RunNumber, RunOutcome } from './recorded.ts';
import type { Address, Instant, StepId } from './words.ts';

export type Event = EventBody & { readonly at: Instant; readonly run: RunNumber; readonly seq: number };

export type EventBody =
  /** First. The plan says what is to come; `resumed` that a part is already done. */
  | {
      readonly type: 'run_started';
      readonly plan: Plan;
      readonly resumed: boolean;
      /** Steps that are done already when a run is resumed: they have no events of their own. */
      readonly done?: readonly StepId[];
      /** How many of those an abort would undo: the others only waited, or found done what they were to do. */
      readonly doneWithWayBack?: number;
      /** The deployment that a revert would go back to; undefined: there is none. */
      readonly previousDeployment?: number;
    }
  | { readonly type: 'step_started'; readonly step: StepId; readonly undoing: boolean }
  /** `done` of `total` in `unit` ("bytes", "ms", "passes", "hosts"); `text` is what a person reads. */
  | {
      readonly type: 'step_progress';
      readonly step: StepId;
      readonly done: number;
      readonly total: number;
      readonly unit: 'bytes' | 'ms' | 'passes' | 'sessions' | 'hosts';
      readonly text: string;
    }
  /** One line of what a hook or a process printed; already made safe for a terminal. */
  | {
      readonly type: 'step_output';
      readonly step: StepId;
      readonly stream: 'stdout' | 'stderr';
      readonly line: string;
    }
  /** `unchanged`: the world already was as the step would make it. */
  | {
      readonly type: 'step_done';
      readonly step: StepId;
      readonly undoing: boolean;
      readonly unchanged: boolean;
      readonly elapsedMs: number;
    }
  | {
      readonly type: 'step_failed';
      readonly step: StepId;
      readonly undoing: boolean;
      readonly failure: Diagnostic;
      readonly elapsedMs: number;
    }
  /** How an analysis stands at this moment of a gate. */
  | {
      readonly type: 'verdict';
      readonly step: StepId;
      readonly service: Address;
      readonly verdict: Verdict['verdict'];
      readonly reason: string;
      readonly dryRun: DryRunVerdict | undefined;
      /** Of the canary since the gate opened, and how many of them failed; undefined: it does not rest on requests. */
      readonly requests: number | undefined;
      readonly failed: number | undefined;
    }
  /** A person's word is needed before the run goes on: `deployctl promote`, or `deployctl abort`. */
  | {
      readonly type: 'approval_needed';
      readonly step: StepId;
      readonly service: Address;
      readonly sharePercent: number;
    }
  /** `full`: nothing more is waited for, neither time nor persons. */
  | { readonly type: 'promoted'; readonly by: string; readonly full: boolean }
  /** The balancer's own counters since the run began, by pool. */
  | { readonly type: 'traffic'; readonly balancer: Address; readonly pools: readonly PoolTraffic[] }
  | { readonly type: 'paused'; readonly by: string; readonly reason: string }
  | { readonly type: 'continued'; readonly by: string }
  /** A host failed and is left out of the rollout; `most` may be. */
  | {
      readonly type: 'left_out';
      readonly service: Address;
      readonly host: string;
      readonly failed: number;
      readonly most: number;
    }
  /** From here on the run undoes what it did. */
  | { readonly type: 'reverting'; readonly reason: string; readonly steps: readonly StepId[] }
  /** The run stops after the steps in hand. */
  | { readonly type: 'stopping'; readonly reason: string }
  | { readonly type: 'diagnostic'; readonly diagnostic: Diagnostic }
  /** Last. */
  | {
      readonly type: 'summary';
      readonly outcome: RunOutcome | 'refused';
      readonly exitCode: number;
      readonly elapsedMs: number;
      readonly stepsDone: number;
      readonly stepsUndone: number;
      readonly failures: readonly Diagnostic[];
      readonly traffic: { readonly requests: number; readonly failed: number } | undefined;
    };

export interface PoolTraffic extends RequestCounts {
  readonly pool: string;
  readonly sessions: number;
  /** Where a slot is renewed host by host: its hosts with the release of before, and those that have the new one. */
  readonly sides?: { readonly stable: RequestCounts; readonly canary: RequestCounts };
}

export interface RequestCounts {
  readonly requests: number;
  /** Answers with a 5xx status, and requests without an answer. */
  readonly failed: number;
  /**
   * To the first byte of the newest answers, in ms, as the balancer averages it; undefined: it does not tell. HAProxy
   * tells no percentiles.
   */
  readonly meanMs?: number;
}

/** What a provider tells: of its members too, where the balancer counts them. */
export interface PoolCounters extends Omit<PoolTraffic, 'sides'> {
  readonly members?: readonly (RequestCounts & { readonly member: string })[];
}

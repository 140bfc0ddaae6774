/** What a run is given, and what it gives back. */
import type {
  Actor,
  Clock,
  Diagnostic,
  Event,
  Judge,
  Plan,
  ProviderOf,
  RunNumber,
  RunOutcome,
  StateStore,
} from '../model/index.ts';
import type { Control } from './control.ts';
import type { Failpoint } from './failpoint.ts';

export interface RunOptions {
  readonly store: StateStore;
  readonly providerOf: ProviderOf;
  readonly clock: Clock;
  readonly control: Control;
  /** Told everything that happens, in order. Must not throw. */
  readonly emit: (event: Event) => void;
  /** At most so many steps at once; waits by the clock take no place. At least 1. */
  readonly parallelism: number;
  /** The newest deployment when the run began: what a revert of it goes back to. undefined: there was none. */
  readonly previousDeployment?: number;
  readonly actor: Actor;
  /** Default: nothing is known, so no canary with an analysis passes. */
  readonly judge?: Judge;
  readonly failpoint?: Failpoint;
}

export interface RunResult {
  readonly run: RunNumber;
  readonly outcome: Extract<RunOutcome, 'complete' | 'reverted' | 'stopped'>;
  /** 0 complete, 3 reverted, 4 stopped and resumable. */
  readonly exitCode: 0 | 3 | 4;
  readonly failures: readonly Diagnostic[];
  readonly stepsDone: number;
  readonly stepsUndone: number;
  readonly elapsedMs: number;
  readonly traffic: { readonly requests: number; readonly failed: number } | undefined;
}

export interface SessionOptions extends RunOptions {
  readonly plan: Plan;
  readonly run: RunNumber;
  readonly lineage: string;
  readonly failpoint: Failpoint;
}

/** How a run ends: what became of it, who is told, and what is recorded of it. */
import { type Instant, StateFailure } from '../model/index.ts';
import { hookFailed, notRecorded, noWayBack } from './diagnostics.ts';
import { type RunHook, runHooks } from './hooks.ts';
import type { RunResult, SessionOptions } from './options.ts';
import { runHook } from './perform.ts';
import { type ProgressLog, progressOf } from './progress.ts';
import type { RunLog } from './run-log.ts';
import { allDone, wayBack } from './schedule.ts';

/** A run in which nothing more is in hand. */
export interface Closing {
  readonly options: SessionOptions;
  readonly progress: ProgressLog;
  readonly log: RunLog;
  readonly startedAt: Instant;
  /** Why it stopped where it is; undefined: it came to an end. */
  readonly stopReason: string | undefined;
  /** Then nobody is told: whoever stops a run at once waits for nothing. */
  readonly isStoppedAtOnce: boolean;
}

const exitCodes = { complete: 0, reverted: 3, stopped: 4 } as const;

/** What has no way back is a failure of a run that was to go back. */
export function outcomeOf({ options, progress, log }: Closing): RunResult['outcome'] {
  const { steps } = options.plan;
  if (progress.undoReason === undefined) return allDone(steps, progress) ? 'complete' : 'stopped';
  const { toUndo, irreversible } = wayBack(steps, progress);
  for (const step of irreversible) {
    if (step.inverse.kind === 'irreversible') log.failures.push(noWayBack(step, step.inverse.because));
  }
  return toUndo.length === 0 && irreversible.length === 0 ? 'reverted' : 'stopped';
}

/** Hooks for failures and reverts, each once, however often the run is gone on with. Throws where the journal does. */
export async function tellHooks(closing: Closing, outcome: RunResult['outcome']): Promise<void> {
  const { options, progress, stopReason } = closing;
  const { plan, run } = options;
  const { failures, undoReason } = progress;
  const why = {
    run,
    outcome,
    reason: undoReason ?? stopReason ?? failures.at(-1)?.summary ?? '',
    failures: failures.length,
  };
  if (failures.length > 0) {
    for (const hook of runHooks(plan.declared, 'on_failure', why)) await tell(closing, hook);
  }
  if (outcome === 'reverted') {
    for (const hook of runHooks(plan.declared, 'on_revert', why)) await tell(closing, hook);
  }
}

async function tell({ options, progress, log, isStoppedAtOnce }: Closing, hook: RunHook): Promise<void> {
  if (progress.hooksEnded.has(hook.key) || isStoppedAtOnce) return;
  await log.note({ kind: 'hook', key: hook.key, state: 'begun' });
  const failure = await runHook({ ...options, hook });
  await log.note({ kind: 'hook', key: hook.key, state: failure === undefined ? 'done' : 'failed' });
  if (failure !== undefined) {
    log.emit({ type: 'diagnostic', diagnostic: hookFailed(failure, hook.operation.point) });
  }
}

/** Records the end and tells the summary. An end that cannot be recorded is one of its failures. */
export async function endRun(
  { options, progress, log, startedAt }: Closing,
  outcome: RunResult['outcome'],
  traffic: RunResult['traffic'],
): Promise<RunResult> {
  const { plan, store, run, clock } = options;
  try {
    await store.end(run, outcome, clock.now());
  } catch (cause) {
    if (!(cause instanceof StateFailure)) throw cause;
    log.failures.push(notRecorded(cause.message));
  }
  const statuses = [...progress.steps.values()].map((step) => step.status);
  const undone = statuses.filter((status) => status === 'undone').length;
  const result: RunResult = {
    run,
    outcome,
    exitCode: exitCodes[outcome],
    failures: log.failures,
    stepsDone: undone + plan.steps.filter((step) => progressOf(progress, step.id).status === 'done').length,
    stepsUndone: undone,
    elapsedMs: clock.now() - startedAt,
    traffic,
  };
  const { run: _run, ...summary } = result;
  log.emit({ type: 'summary', ...summary });
  return result;
}

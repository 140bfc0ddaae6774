/**
 * Runs a plan: to its end, back to its start, or to a stop from which it can be resumed. Nothing here knows what a
 * step does; what was done, what may have been done and what comes next is in the journal before anything happens.
 */
import {
  type JournalEntry,
  type Plan,
  type RunNumber,
  StateFailure,
  type StateStore,
} from '../model/index.ts';
import { type Failpoint, noFailpoint, withFailpoints } from './failpoint.ts';
import { withMemory } from './memory.ts';
import type { RunOptions, RunResult } from './options.ts';
import { progressLog } from './progress.ts';
import { Session } from './session.ts';

/**
 * Begins a run of the plan and performs it. The caller holds the lock and has checked the plan's facts. Throws a
 * StateFailure if the run cannot begin; after that every end is a result.
 */
export async function run(plan: Plan, options: RunOptions): Promise<RunResult> {
  const store = failing(options);
  // Read first: what fails after the beginning would leave a run that nobody goes on with.
  const { lineage, resources } = await store.read();
  const number = await store.begin(plan, options.actor, options.clock.now());
  const remembering = withMemory(store, plan, resources);
  return new Session(
    { ...options, store: remembering, plan, run: number, lineage, failpoint: pointOf(options) },
    progressLog(),
    false,
  ).go();
}

/**
 * Goes on with the run that stopped or was killed: forwards, or with undoing if it had begun to. Steps that are done
 * stay done; what was begun is looked at again. Throws a StateFailure if there is no such run.
 */
export async function resume(options: RunOptions): Promise<RunResult> {
  const { session } = await unfinished(options);
  return session.go();
}

/** Undoes what the unfinished run did. Throws a StateFailure if there is no such run. */
export async function abort(options: RunOptions, reason: string): Promise<RunResult> {
  const { session } = await unfinished(options);
  return session.goBack(reason);
}

async function unfinished(options: RunOptions): Promise<{ readonly session: Session }> {
  const store = failing(options);
  const recorded = await store.read();
  if (recorded.unfinished === undefined) throw nothingToResume();
  const number: RunNumber = recorded.unfinished.run;
  const plan = await store.planOf(number);
  const entries: readonly JournalEntry[] = await store.journal(number);
  const { lineage, resources } = recorded;
  const remembering = withMemory(store, plan, resources);
  const session = new Session(
    { ...options, store: remembering, plan, run: number, lineage, failpoint: pointOf(options) },
    progressLog(entries),
    true,
  );
  return { session };
}

const pointOf = (options: RunOptions): Failpoint => options.failpoint ?? noFailpoint;
const failing = (options: RunOptions): StateStore => withFailpoints(options.store, pointOf(options));

const nothingToResume = (): StateFailure =>
  new StateFailure({
    code: 'nothing-to-resume',
    severity: 'error',
    summary: 'No run is unfinished',
    detail: 'The last run has ended, so there is nothing to go on with and nothing to undo.',
    hint: 'Plan what is to be done next:  deployctl plan ENV\nTo go back to an earlier deployment:  deployctl revert ENV',
  });

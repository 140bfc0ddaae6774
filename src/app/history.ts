/** Everything that was done to an environment, runs and changes of the record alike. */
import type { RecordEdit, Run, RunNumber, RunReleases, StateDeclared } from '../model/index.ts';
import { isHeld } from '../state/local/lock.ts';
import { openForReading } from './state.ts';

export interface History {
  readonly runs: readonly Run[];
  readonly edits: readonly RecordEdit[];
  /** The run that goes on now, be it for the first time or resumed. */
  readonly running: RunNumber | undefined;
  /** What was to run, of each run that was asked about. */
  readonly releases: ReadonlyMap<RunNumber, RunReleases>;
}

/**
 * All lists oldest first. What a run declared is read only where `isAskedAbout`, one after the other, and only its releases
 * are kept: hundreds of runs of a fleet are gigabytes.
 */
export async function readHistory(
  state: StateDeclared,
  isAskedAbout: (run: Run) => boolean,
): Promise<History> {
  await using store = await openForReading(state);
  const runs = await store.runs();
  const releases = new Map<RunNumber, RunReleases>();
  for (const { run } of runs.filter(isAskedAbout)) {
    const { services } = await store.declaredOf(run);
    releases.set(run, {
      services: services.map(({ address, name, release }) => ({ address, name, release })),
    });
  }
  return { runs, edits: await store.edits(), running: runningOf(runs, state), releases };
}

/** The kernel says whether a run goes on, not the record: that says how it was when it last stopped, or nothing. */
export function runningOf(runs: readonly Run[], { path }: StateDeclared): RunNumber | undefined {
  const last = runs.at(-1);
  const hasEnded = last?.outcome !== undefined && last.outcome !== 'stopped';
  return last === undefined || hasEnded || !isHeld(path) ? undefined : last.run;
}

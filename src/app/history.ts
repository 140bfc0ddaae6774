/** Everything that was done to an environment, runs and changes of the record alike. */
import type { Declared, Deployment, RecordEdit, Run, RunNumber, StateDeclared } from '../model/index.ts';
import { openForReading } from './state.ts';

export interface History {
  readonly runs: readonly Run[];
  readonly edits: readonly RecordEdit[];
  readonly deployments: readonly Deployment[];
  /** What was to run, of each run that became no deployment: it was taken back, stopped, or goes on. */
  readonly wanted: ReadonlyMap<RunNumber, Declared>;
}

/** All lists oldest first. */
export async function readHistory(state: StateDeclared): Promise<History> {
  await using store = await openForReading(state);
  const [runs, edits, { deployments }] = await Promise.all([store.runs(), store.edits(), store.read()]);
  const others = runs.filter(({ outcome }) => outcome !== 'complete');
  const wanted = await Promise.all(
    others.map(async ({ run }) => [run, (await store.planOf(run)).declared] as const),
  );
  return { runs, edits, deployments, wanted: new Map(wanted) };
}

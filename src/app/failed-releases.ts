/** Which releases were tried and did not stay, as the journal says. */
import {
  type Address,
  type JournalEntry,
  type Run,
  releaseDirectory,
  type StateStore,
  type Step,
} from '../model/index.ts';
import type { FailedRelease } from '../planner/failed-releases.ts';

/** So many runs back are looked at: what failed longer ago has been fixed or forgotten. */
const runsLookedAt = 20;

/** Oldest first; one that was deployed afterwards is not among them. */
export async function failedReleases(
  store: Pick<StateStore, 'runs' | 'planOf' | 'journal'>,
): Promise<readonly FailedRelease[]> {
  const failed = new Map<string, FailedRelease>();
  for (const run of (await store.runs()).slice(-runsLookedAt)) {
    if (run.outcome === undefined || run.intent.kind !== 'apply') continue;
    const { declared, steps, untouched = [] } = await store.planOf(run.run);
    const journal = run.outcome === 'complete' ? [] : await store.journal(run.run);
    const why = run.outcome === 'complete' ? undefined : reasonOf(journal, run);
    const blamed = servicesThatFailed(journal, steps);
    for (const service of declared.services.filter(({ address }) => !untouched.includes(address))) {
      const directory = releaseDirectory(service.release);
      const key = JSON.stringify([service.address, directory]);
      if (why === undefined || run.outcome === 'complete') failed.delete(key);
      else if (blamed.has(service.address)) {
        const { outcome, actor, startedAt } = run;
        failed.set(key, {
          service: service.address,
          directory,
          run: run.run,
          at: run.endedAt ?? startedAt,
          who: actor.who,
          outcome,
          why,
        });
      }
    }
  }
  return [...failed.values()];
}

/** Those with a step that failed; where none has, as in a run that somebody gave up, all that it was about. */
function servicesThatFailed(
  journal: readonly JournalEntry[],
  steps: readonly Step[],
): ReadonlySet<Address | undefined> {
  const failed = new Set(journal.filter(({ failure }) => failure !== undefined).map(({ step }) => step));
  const theirs = steps.filter(({ id, service }) => failed.has(id) && service !== undefined);
  return new Set((theirs.length > 0 ? theirs : steps).map(({ service }) => service));
}

/** The first failure, or who gave it up and why. */
function reasonOf(entries: readonly JournalEntry[], run: Run): string {
  const failure = entries.find((entry) => entry.failure !== undefined)?.failure;
  if (failure !== undefined) return `${failure.summary}. ${failure.detail}`;
  const notes = entries.flatMap(({ mark, detail }) =>
    mark === 'note' && typeof detail === 'object' && detail !== null && 'kind' in detail ? [detail] : [],
  );
  const given = notes.findLast(({ kind }) => kind === 'abort' || kind === 'stop');
  return given === undefined
    ? `it ended ${run.outcome ?? 'without a word'}.`
    : `${String(given['reason'])} (${String(given['by'])}).`;
}

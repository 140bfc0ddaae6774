/** Which releases were tried and did not stay, as the journal says. */
import { type JournalEntry, type Run, releaseDirectory, type StateStore } from '../model/index.ts';
import type { FailedRelease } from '../planner/failed-releases.ts';

/** So many runs back are looked at: what failed longer ago has been fixed or forgotten. */
const runsLookedAt = 20;

/** Oldest first; one that was deployed afterwards is not among them. */
export async function failedReleases(store: StateStore): Promise<readonly FailedRelease[]> {
  const failed = new Map<string, FailedRelease>();
  for (const run of (await store.runs()).slice(-runsLookedAt)) {
    if (run.outcome === undefined || run.intent.kind !== 'apply') continue;
    const { declared, steps, untouched = [] } = await store.planOf(run.run);
    const why = run.outcome === 'complete' ? undefined : reasonOf(await store.journal(run.run), run);
    for (const service of declared.services.filter(({ address }) => !untouched.includes(address))) {
      const directory = releaseDirectory(service.release);
      const key = JSON.stringify([service.address, directory]);
      if (why === undefined || run.outcome === 'complete') failed.delete(key);
      else if (steps.some((step) => step.service === service.address)) {
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

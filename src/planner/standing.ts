/** What stood in the slots once a run was over: the idle one keeps the release of before, whatever is declared by then. */
import type { Address, InstanceState, JournalEntry, Plan } from '../model/index.ts';

/** By the address of the instance; null: nothing is there. One that is not in it, nobody looked at. */
export type Standing = ReadonlyMap<Address, InstanceState | null>;

/** What the plan has seen, and in its place what the run has seen last. */
export function standingAfter({ facts }: Pick<Plan, 'facts'>, journal: readonly JournalEntry[]): Standing {
  const standing = new Map<Address, InstanceState | null>();
  for (const fact of facts) {
    if (fact.kind !== 'instance' || fact.status === 'unknown') continue;
    standing.set(fact.address, fact.status === 'present' ? fact.spec : null);
  }
  for (const { seen = [] } of journal) {
    for (const each of seen) if (each.kind === 'instance') standing.set(each.address, each.spec);
  }
  return standing;
}

/** The release that runs there or, where nothing runs, that the slot names; undefined: there is none. */
export const releaseStanding = (state: InstanceState | null): string | undefined =>
  state?.running?.release ?? state?.linked ?? undefined;

/** The journal with what resolvers remember beside each DNS record that is seen: so a later plan waits for it. */
import {
  type Address,
  type NewJournalEntry,
  type Operation,
  type Plan,
  type RecordedResource,
  type RecordSet,
  recordMovesOf,
  type StateStore,
  withMemories,
} from '../model/index.ts';
import { overStore } from './over-store.ts';

/** `resources`: what is recorded as the run is taken up. */
export function withMemory(
  store: StateStore,
  plan: Plan,
  resources: readonly RecordedResource[],
): StateStore {
  const recorded = new Map<Address, RecordedResource>(resources.map((each) => [each.address, each]));
  return overStore(store, {
    append: async (run, entry) => {
      if (entry.seen?.some(({ kind }) => kind === 'record') !== true) return store.append(run, entry);
      const operation = operationOf(plan, entry);
      const seen = withMemories(entry.seen, {
        at: entry.at,
        recorded,
        began: beginnings(operation),
        isEverywhere: operation?.op === 'record.converge',
      });
      const written = await store.append(run, { ...entry, seen });
      for (const each of seen) recorded.set(each.address, each);
      return written;
    },
  });
}

function operationOf(plan: Plan, { step: id, mark }: NewJournalEntry): Operation | undefined {
  const step = plan.steps.find((each) => each.id === id);
  if (mark !== 'undone') return step?.operation;
  return step?.inverse.kind === 'operation' ? step.inverse.operation : undefined;
}

const beginnings = (operation: Operation | undefined): ReadonlyMap<Address, RecordSet | null> =>
  new Map(
    operation?.op === 'record.set'
      ? recordMovesOf(operation).map(({ record, from }) => [record.address, from])
      : [],
  );

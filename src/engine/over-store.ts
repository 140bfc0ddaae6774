import type { StateStore } from '../model/index.ts';

/** The store, with some of its calls made in another way. */
export const overStore = (store: StateStore, instead: Partial<StateStore>): StateStore => ({
  read: () => store.read(),
  runs: () => store.runs(),
  journal: (run) => store.journal(run),
  planOf: (run) => store.planOf(run),
  durations: () => store.durations(),
  begin: (plan, actor, at) => store.begin(plan, actor, at),
  append: (run, entry) => store.append(run, entry),
  end: (run, outcome, at) => store.end(run, outcome, at),
  [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  ...instead,
});

/**
 * A test facility: dies at a chosen point of a run, as kill -9 would, so that a test can enumerate every point.
 *
 * DEPLOYCTL_FAIL is read once:
 *   kill@7                          at the seventh point that is passed, whatever it is
 *   kill@effect:after               at the first point of that name
 *   kill@journal:done:before#3      at the third point of that name
 *
 * Points are `journal:<mark>:before` and `:after` (marks of the journal, and `begin` and `end`) around each write, and
 * `effect:before` and `:after` around each change of the world. With `--parallelism 1` their order is the same each time.
 */
import type { StateStore } from '../model/index.ts';

/** Called at each point; usually does nothing. */
export type Failpoint = (name: string) => void;

export const noFailpoint: Failpoint = () => {};

/** The failpoint that the environment asks for. Throws for a value that it does not understand. */
export function failpointFrom(
  environment: Readonly<Record<string, string | undefined>>,
  die: () => void,
): Failpoint {
  const wish = environment.DEPLOYCTL_FAIL;
  if (wish === undefined || wish === '') return noFailpoint;
  const parts = /^kill@(?:(?<count>\d+)|(?<name>[a-z:]+)(?:#(?<nth>\d+))?)$/.exec(wish)?.groups;
  if (parts === undefined)
    throw new Error(`DEPLOYCTL_FAIL=${wish} is not kill@NUMBER or kill@NAME or kill@NAME#NUMBER`);
  const deadly = Number(parts.count ?? parts.nth ?? 1);
  let passed = 0;
  return (name) => {
    if (parts.name !== undefined && parts.name !== name) return;
    passed += 1;
    if (passed === deadly) die();
  };
}

/** SIGKILL to this very process: no handler runs, nothing is flushed. */
export const killSelf = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

/** The store with a point before and after each of its writes. */
export function withFailpoints(store: StateStore, failpoint: Failpoint): StateStore {
  const around = async <T>(name: string, write: () => Promise<T>): Promise<T> => {
    failpoint(`journal:${name}:before`);
    const result = await write();
    failpoint(`journal:${name}:after`);
    return result;
  };
  return {
    read: () => store.read(),
    runs: () => store.runs(),
    journal: (run) => store.journal(run),
    planOf: (run) => store.planOf(run),
    durations: () => store.durations(),
    begin: (plan, actor, at) => around('begin', () => store.begin(plan, actor, at)),
    append: (run, entry) => around(entry.mark, () => store.append(run, entry)),
    end: (run, outcome, at) => around('end', () => store.end(run, outcome, at)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/**
 * A test facility: dies at a chosen point of a run, as kill -9 would, so that a test can enumerate every point; or stands
 * still there, so that a test can change the world meanwhile.
 *
 * DEPLOYCTL_FAIL is read once:
 *   kill@7                          at the seventh point that is passed, whatever it is
 *   kill@effect:after               at the first point of that name
 *   kill@journal:done:before#3      at the third point of that name
 *   stop@effect:before:route.set    before the first switch: SIGSTOP, and SIGCONT lets it go on
 *
 * Points are `journal:<mark>:before` and `:after` (marks of the journal, and `begin` and `end`) around each write, and
 * `effect:before:<operation>` and `:after:<operation>` around each change of the world; the name of an effect may be cut
 * short after any of its words. With `--parallelism 1` their order is the same each time.
 */
import type { StateStore } from '../model/index.ts';
import { overStore } from './over-store.ts';

/** Called at each point; usually does nothing. */
export type Failpoint = (name: string) => void;

export const noFailpoint: Failpoint = () => {};

/** The failpoint that the environment asks for. Throws for a value that it does not understand. */
export function failpointFrom(
  environment: Readonly<Record<string, string | undefined>>,
  signalSelf: (signal: 'SIGKILL' | 'SIGSTOP') => void,
): Failpoint {
  const wish = environment.DEPLOYCTL_FAIL;
  if (wish === undefined || wish === '') return noFailpoint;
  const parts = /^(?<act>kill|stop)@(?:(?<count>\d+)|(?<name>[a-z_:.]+)(?:#(?<nth>\d+))?)$/.exec(
    wish,
  )?.groups;
  if (parts === undefined)
    throw new Error(
      `DEPLOYCTL_FAIL=${wish} is not kill@NUMBER or kill@NAME or kill@NAME#NUMBER, or stop@...`,
    );
  const wanted = Number(parts.count ?? parts.nth ?? 1);
  let passed = 0;
  return (name) => {
    if (parts.name !== undefined && !`${name}:`.startsWith(`${parts.name}:`)) return;
    passed += 1;
    if (passed === wanted) signalSelf(parts.act === 'stop' ? 'SIGSTOP' : 'SIGKILL');
  };
}

/** SIGKILL to this very process: no handler runs, nothing is flushed. SIGSTOP: not one more instruction until SIGCONT. */
export const signalSelf = (signal: 'SIGKILL' | 'SIGSTOP'): void => {
  process.kill(process.pid, signal);
};

/** The store with a point before and after each of its writes. */
export function withFailpoints(store: StateStore, failpoint: Failpoint): StateStore {
  const around = async <T>(name: string, write: () => Promise<T>): Promise<T> => {
    failpoint(`journal:${name}:before`);
    const result = await write();
    failpoint(`journal:${name}:after`);
    return result;
  };
  return overStore(store, {
    begin: (plan, actor, at) => around('begin', () => store.begin(plan, actor, at)),
    append: (run, entry) => around(entry.mark, () => store.append(run, entry)),
    end: (run, outcome, at) => around('end', () => store.end(run, outcome, at)),
  });
}

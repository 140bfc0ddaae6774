/**
 * The real engine and the real store over a simulated world with faults, deaths, people and other people, all from one
 * seed.
 */
import { createControl, type LocalControl } from '../../src/engine/control.ts';
import { abort, resume, run } from '../../src/engine/run.ts';
import {
  type Event,
  type HookDeclared,
  type JournalEntry,
  type Json,
  type Operation,
  type Plan,
  type RunOutcome,
  type StateStore,
  sameValue,
} from '../../src/model/index.ts';
import { openMemoryState } from '../../src/state/local/store.ts';
import { origin, shop, stepOf, switching } from '../rig/plans.ts';
import { Random } from '../rig/random.ts';
import { actor, countingIds } from '../rig/state.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { cellsOf, type Fault, MemoryCells, standBefore, WorldProvider } from '../rig/world.ts';
import { History } from './history.ts';

const theirs: Json = { by: 'somebody else' };

/** Sessions with faults and deaths at first; then calm ones, in which everything must come to an end. */
const stormySessions = 8;
const mostSessions = 14;

function randomPlan(random: Random): Plan {
  const names = ['shop', 'api', 'search'].slice(0, random.between(1, 3));
  const shops = names.map((name) =>
    shop({
      name,
      hosts: ['web-1', 'web-2', 'web-3'].slice(0, random.between(1, 3)),
      onFailure: random.pick(['revert', 'pause', 'freeze'] as const),
      bakeMs: random.pick([0, 3_000, 20_000]),
    }),
  );
  const hook = (point: HookDeclared['point']): HookDeclared => ({
    point,
    argv: ['/bin/true'],
    on: 'operator',
    timeoutMs: 1_000,
    environment: {},
    origin,
  });
  const hooks = random.chance(0.5) ? [hook('on_failure'), hook('on_revert')] : [];
  const plan = switching(shops, { hooks });
  if (!random.chance(0.5)) return plan;
  const migrate: Operation = {
    op: 'hook.run',
    point: 'before_start',
    place: undefined,
    folder: '/',
    argv: ['/bin/migrate'],
    environment: {},
    timeoutMs: 1_000,
  };
  const [first, ...rest] = plan.steps;
  if (first === undefined) return plan;
  const [second, ...others] = rest;
  if (second === undefined) return plan;
  return {
    ...plan,
    steps: [
      first,
      stepOf('migrate', migrate, { needs: [first.id] }),
      { ...second, needs: [...second.needs, 'migrate' as never] },
      ...others,
    ],
  };
}

/** Whether the process that deploys is alive, and at which write it will die. */
interface Life {
  isDead: boolean;
  writesLeft: number;
  diesAfterWrite: boolean;
}

function mortal(store: StateStore, life: Life, history: History, fsync: () => Promise<void>): StateStore {
  const never = new Promise<never>(() => {});
  const around = async <T>(write: () => Promise<T>, acknowledge: (result: T) => void): Promise<T> => {
    if (life.isDead) return never;
    // Whoever does not wait for the disk is ahead of it.
    await fsync();
    if (life.isDead) return never;
    life.writesLeft -= 1;
    const dies = life.writesLeft === 0;
    if (dies && !life.diesAfterWrite) {
      life.isDead = true;
      return never;
    }
    const result = await write();
    acknowledge(result);
    if (dies) {
      life.isDead = true;
      return never;
    }
    return result;
  };
  return {
    read: () => store.read(),
    runs: () => store.runs(),
    journal: (number) => store.journal(number),
    planOf: (number) => store.planOf(number),
    durations: () => store.durations(),
    begin: (plan, who, at) =>
      around(
        () => store.begin(plan, who, at),
        () => {},
      ),
    append: (number, entry) =>
      around(
        () => store.append(number, entry),
        (entry) => history.acknowledge(entry),
      ),
    end: (number, outcome, at) =>
      around(
        () => store.end(number, outcome, at),
        () => {},
      ),
    [Symbol.asyncDispose]: async () => {},
  };
}

const settled = async (store: StateStore): Promise<RunOutcome | undefined> => {
  const outcome = (await store.runs()).at(-1)?.outcome;
  return outcome === 'stopped' ? undefined : outcome;
};

const visible = (cells: MemoryCells): Record<string, Json> =>
  Object.fromEntries(Object.entries(cells.snapshot()).filter(([key]) => !/^(mark|runs) /.test(key)));

function meddle(random: Random, clock: VirtualClock, control: LocalControl): void {
  const soon = (): number => clock.now() + random.between(0, 30_000);
  if (random.chance(0.15)) clock.at(soon(), () => control.interrupt('kim', 'SIGINT'));
  if (random.chance(0.05)) clock.at(soon(), () => control.interrupt('kim', 'SIGINT'));
  if (random.chance(0.1)) clock.at(soon(), () => control.request({ kind: 'abort', by: 'kim', reason: 'no' }));
  if (random.chance(0.1)) {
    const when = soon();
    clock.at(when, () => control.request({ kind: 'pause', by: 'kim', reason: 'wait' }));
    clock.at(when + 20_000, () => control.request({ kind: 'continue', by: 'kim' }));
  }
}

export async function simulate(seed: number): Promise<string[]> {
  const random = new Random(seed);
  const plan = randomPlan(random);
  const clock = new VirtualClock();
  const cells = new MemoryCells();
  const operations = plan.steps.map((step) => step.operation);
  standBefore(cells, operations);
  // Some of it may be there already: that was not this run's doing, and stays whatever the run undoes.
  for (const operation of operations) {
    if (operation.op === 'release.put' && random.chance(0.1)) {
      for (const cell of cellsOf(operation)) cells.set(cell.key, cell.to);
    }
  }
  const start = visible(cells);
  const finished = new MemoryCells();
  standBefore(finished, operations);
  for (const cell of operations.flatMap(cellsOf)) finished.set(cell.key, cell.to);
  const goal = visible(finished);

  await using store = openMemoryState(countingIds('lineage'));
  const history = new History(plan);
  const problems = history.violations;
  const faultRate = random.pick([0, 0, 0.02, 0.08, 0.25]);
  const sick = random.chance(0.25)
    ? random.pick(operations.flatMap((each) => ('instance' in each ? [each.instance] : [])))
    : undefined;
  const foreign = random.chance(0.15) ? random.pick(operations.flatMap(cellsOf)).key : undefined;
  let isForeign = false;

  for (let session = 0; session < mostSessions && (await settled(store)) === undefined; session += 1) {
    const isStormy = session < stormySessions;
    const life: Life = {
      isDead: false,
      writesLeft: isStormy && random.chance(0.5) ? random.between(1, 40) : Number.POSITIVE_INFINITY,
      diesAfterWrite: random.chance(0.5),
    };
    const control = createControl();
    if (isStormy) meddle(random, clock, control);
    if (foreign !== undefined && !isForeign && random.chance(0.5)) {
      clock.at(clock.now() + random.between(0, 10_000), () => {
        cells.set(foreign, theirs);
        isForeign = true;
      });
    }
    const provider = new WorldProvider(cells, {
      isDead: () => life.isDead,
      takesMs: () => (random.chance(0.1) ? random.between(0, 5_000) : random.between(0, 50)),
      isSick: (instance) => isStormy && instance === sick,
      faultOf: (_, call): Fault | undefined => {
        if (!isStormy || !random.chance(faultRate)) return undefined;
        return call === 'perform'
          ? random.pick(['refuse', 'lost_before', 'half', 'lost', 'hang'] as const)
          : 'blind';
      },
      onEffect: (operation, cx) => {
        if (life.isDead) problems.push('the dead change nothing');
        if (
          isForeign &&
          cellsOf(operation).some((cell) => cell.key === foreign && cells.get(cell.key) === theirs)
        ) {
          problems.push(`${cx.step} overwrote what somebody else had set`);
        }
        history.onEffect(operation, cx.step);
        // Killed in the very middle: what was begun on the host is done, what was to follow is not.
        if (isStormy && random.chance(0.01)) life.isDead = true;
      },
    });
    const events: Event[] = [];
    const options = {
      store: mortal(store, life, history, () => clock.sleep(random.between(0, 20))),
      providerOf: () => provider,
      clock,
      control,
      emit: (event: Event) => events.push(event),
      parallelism: random.between(1, 5),
      actor,
    };
    const hasRun = (await store.runs()).length > 0;
    const goes = !hasRun
      ? run(plan, options)
      : isStormy && random.chance(0.15)
        ? abort(options, 'enough')
        : resume(options);
    const result = await clock.drive(goes, () => life.isDead);
    if (life.isDead) clock.forget();
    else {
      if (result === undefined) problems.push(`session ${session} ended without a result`);
      const last = events.at(-1);
      if (last?.type !== 'summary' || last.outcome !== result?.outcome)
        problems.push('the last event is not the summary');
      if (events.some((event, index) => event.seq !== index + 1))
        problems.push('events are not numbered in order');
    }
  }

  const outcome = await settled(store);
  if (outcome === undefined && !isForeign) problems.push('calm sessions did not settle the run');
  const end = visible(cells);
  const expected = outcome === 'complete' ? goal : outcome === 'reverted' ? start : end;
  for (const key of new Set([...Object.keys(expected), ...Object.keys(end)])) {
    if (sameValue(end[key], expected[key]) || (key === foreign && isForeign)) continue;
    problems.push(
      `${outcome}, but ${key} is ${JSON.stringify(end[key])}, not ${JSON.stringify(expected[key])}`,
    );
  }
  const journal = await store.journal(1);
  if (
    JSON.stringify(journal.map((entry) => entry.seq)) !==
    JSON.stringify(history.acknowledged.map((entry) => entry.seq))
  ) {
    problems.push('the journal is not what was acknowledged');
  }
  await store.verify();
  for (const [key, value] of Object.entries(cells.snapshot())) {
    if (key.startsWith('runs ') && value !== 1) problems.push(`${key}: ${String(value)} times`);
  }
  const asksForTheWayBack = (entry: JournalEntry): boolean =>
    entry.mark === 'failed' && (entry.detail as { follows?: string } | undefined)?.follows === 'revert';
  if (outcome === 'complete' && journal.some(asksForTheWayBack)) {
    problems.push('complete, although a failure asked for the way back');
  }
  const reverts = Object.keys(cells.snapshot()).filter((key) => key.startsWith('runs on_revert'));
  if (reverts.length > 1) problems.push(`the end of the revert was told ${reverts.length} times`);
  return problems;
}

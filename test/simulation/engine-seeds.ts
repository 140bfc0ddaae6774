/**
 * The real engine and the real store over a simulated world with faults, deaths, people and other people, all from one
 * seed.
 */
import { createControl, type LocalControl } from '../../src/engine/control.ts';
import { abort, resume, run } from '../../src/engine/run.ts';
import {
  type Event,
  type JournalEntry,
  type Json,
  type Judge,
  type Plan,
  type RunOutcome,
  type StateStore,
  sameValue,
} from '../../src/model/index.ts';
import { openMemoryState } from '../../src/state/local/store.ts';
import { Random } from '../rig/random.ts';
import { actor, countingIds } from '../rig/state.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { cellsOf, type Fault, MemoryCells, standBefore, WorldProvider } from '../rig/world.ts';
import { gateProblems } from './gate-history.ts';
import { handmadePlan } from './handmade-plans.ts';
import { History } from './history.ts';
import { plannedRollout, standAsSeen } from './planned-rollouts.ts';
import { RolloutWatch, ToldCells } from './rollout-watch.ts';

const theirs: Json = { by: 'somebody else' };

/** Sessions with faults and deaths at first; then calm ones, in which everything must come to an end. */
const stormySessions = 8;
const mostSessions = 14;

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

/** What a seed plays with. */
interface Stage {
  readonly plan: Plan;
  readonly cells: MemoryCells;
  readonly start: Record<string, Json>;
  readonly watch: RolloutWatch | undefined;
  /** Whether changes look again in their own exchange; in every second world, so that the engine is tried both ways. */
  readonly looksAlong: boolean;
}

const looksAlong = (seed: number): boolean => seed % 2 === 1;

/** Plans that are written by hand. */
export const simulate = (seed: number): Promise<string[]> => {
  const random = new Random(seed);
  const plan = handmadePlan(random);
  const cells = new MemoryCells();
  const operations = plan.steps.map((step) => step.operation);
  standBefore(cells, operations);
  // Some of it may be there already: that was not this run's doing, and stays whatever the run undoes.
  for (const operation of operations) {
    if (operation.op === 'release.put' && random.chance(0.1)) {
      for (const cell of cellsOf(operation)) cells.set(cell.key, cell.to);
    }
  }
  return play(random, new VirtualClock(), new Deaths(), {
    plan,
    cells,
    start: visible(cells),
    watch: undefined,
    looksAlong: looksAlong(seed),
  });
};

/** Plans as the planner makes them, with somebody who watches users, and hosts that die. */
export const simulateRollout = (seed: number): Promise<string[]> => {
  const random = new Random(seed);
  const rollout = plannedRollout(random);
  const clock = new VirtualClock();
  const deaths = new Deaths();
  const cells = new ToldCells();
  standAsSeen(cells, rollout);
  const watch = new RolloutWatch(
    {
      ...rollout,
      floorPercent: rollout.plan.declared.policy.minInServicePercent,
      now: () => clock.now(),
      deadSince: (host) => deaths.since(host, clock.now()),
    },
    cells,
  );
  return play(random, clock, deaths, {
    plan: rollout.plan,
    cells,
    start: visible(cells),
    watch,
    looksAlong: looksAlong(seed),
  });
};

/** Hosts that are dead for a while. */
class Deaths {
  readonly #times: { readonly host: string; readonly from: number; readonly until: number }[] = [];

  plan(host: string, from: number, forMs: number): void {
    this.#times.push({ host, from, until: from + forMs });
  }

  since(host: string, now: number): number | undefined {
    return this.#times.find((each) => each.host === host && now >= each.from && now < each.until)?.from;
  }

  end(): void {
    this.#times.splice(0);
  }
}

/** What an analysis says in a storm, and afterwards. */
const judgeBy =
  (random: Random, isStormy: boolean): Judge =>
  () => ({
    intervalMs: 20_000,
    look: async () => {
      const isGood = !isStormy || random.chance(0.9);
      const grounds = { reason: 'the seed says so', requests: 100, failed: 0, dryRun: undefined, parts: [] };
      return isGood
        ? { verdict: 'pass', ...grounds }
        : random.chance(0.5)
          ? { verdict: 'fail', ...grounds }
          : { verdict: 'inconclusive', follows: random.pick(['wait', 'pause', 'fail'] as const), ...grounds };
    },
  });

async function play(random: Random, clock: VirtualClock, deaths: Deaths, stage: Stage): Promise<string[]> {
  const { plan, cells, start, watch } = stage;
  const operations = plan.steps.map((step) => step.operation);
  const finished = new MemoryCells();
  for (const [key, value] of Object.entries(cells.snapshot())) finished.set(key, value);
  for (const cell of operations.flatMap(cellsOf)) finished.set(cell.key, cell.to);
  const goal = visible(finished);

  await using store = openMemoryState(countingIds('lineage'));
  const history = new History(plan);
  const problems = history.violations;
  const faultRate = random.pick([0, 0, 0.02, 0.08, 0.25]);
  const instances = operations.flatMap((each) => ('instance' in each ? [each.instance] : []));
  const sick = instances.length > 0 && random.chance(0.25) ? random.pick(instances) : undefined;
  const foreign =
    watch === undefined && random.chance(0.15) ? random.pick(operations.flatMap(cellsOf)).key : undefined;
  let isForeign = false;
  let hasCalmed = false;
  /** Whoever wants it back in the end gets it back, from wherever it stands. */
  const isWantedBack = watch !== undefined && random.chance(0.25);
  const hosts = plan.declared.hosts.map(({ name }) => name);

  for (let session = 0; session < mostSessions && (await settled(store)) === undefined; session += 1) {
    const isStormy = session < stormySessions;
    const life: Life = {
      isDead: false,
      writesLeft: isStormy && random.chance(0.5) ? random.between(1, 40) : Number.POSITIVE_INFINITY,
      diesAfterWrite: random.chance(0.5),
    };
    const control = createControl();
    if (isStormy) meddle(random, clock, control);
    else {
      deaths.end();
      hasCalmed = true;
    }
    if (watch !== undefined) promoteInTime(random, clock, control);
    for (const host of watch === undefined || !isStormy || faultRate > 0.1 ? [] : hosts) {
      if (!random.chance(0.2)) continue;
      deaths.plan(host, clock.now() + random.between(0, 40_000), random.between(1_000, 200_000));
    }
    if (foreign !== undefined && !isForeign && random.chance(0.5)) {
      clock.at(clock.now() + random.between(0, 10_000), () => {
        cells.set(foreign, theirs);
        isForeign = true;
      });
    }
    const provider = new WorldProvider(cells, {
      isDead: () => life.isDead,
      looksAlong: () => stage.looksAlong,
      takesMs: () => (random.chance(0.1) ? random.between(0, 5_000) : random.between(0, 50)),
      isSick: (instance) => isStormy && instance === sick,
      isDown: (host) => deaths.since(host, clock.now()) !== undefined,
      ...(watch === undefined
        ? {}
        : {
            isUp: (instance: string) => watch.isUp(instance),
            onVerified: (instance: string) => watch.onVerified(instance),
          }),
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
      judge: judgeBy(random, isStormy),
    };
    const hasRun = (await store.runs()).length > 0;
    const goesBack = isStormy ? random.chance(0.15) : isWantedBack;
    const goes = !hasRun ? run(plan, options) : goesBack ? abort(options, 'enough') : resume(options);
    const result = await clock.drive(goes, () => life.isDead);
    if (life.isDead || watch !== undefined) clock.forget();
    if (!life.isDead) {
      if (result === undefined) problems.push(`session ${session} ended without a result`);
      const last = events.at(-1);
      if (last?.type !== 'summary' || last.outcome !== result?.outcome)
        problems.push('the last event is not the summary');
      if (events.some((event, index) => event.seq !== index + 1))
        problems.push('events are not numbered in order');
    }
  }

  const outcome = await settled(store);
  if (isWantedBack && hasCalmed && outcome !== 'reverted') problems.push(`wanted back, and ${outcome}`);
  if (outcome === undefined && !isForeign) problems.push('calm sessions did not settle the run');
  const journal = await store.journal(1);
  const end = visible(cells);
  const expected = outcome === 'complete' ? goal : outcome === 'reverted' ? start : end;
  const isLeftOut = leftOutBy(plan, journal);
  for (const key of new Set([...Object.keys(expected), ...Object.keys(end)])) {
    if (sameValue(end[key], expected[key]) || (key === foreign && isForeign) || isLeftOut(key)) continue;
    problems.push(
      `${outcome}, but ${key} is ${JSON.stringify(end[key])}, not ${JSON.stringify(expected[key])}`,
    );
  }
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
  return [...(watch?.problems ?? []), ...gateProblems(plan, journal), ...problems];
}

/** Somebody is there for what waits for approval, now and then. */
function promoteInTime(random: Random, clock: VirtualClock, control: LocalControl): void {
  for (let turn = 1; turn <= 20; turn += 1) {
    const after = turn * 600_000 + random.between(0, 300_000);
    clock.at(clock.now() + after, () => control.request({ kind: 'promote', by: 'kim', full: false }));
  }
}

/** What belongs to a host that was left out may stand anywhere on its way. */
function leftOutBy(plan: Plan, journal: readonly JournalEntry[]): (key: string) => boolean {
  const failed = new Set(
    journal
      .filter(({ detail }) => (detail as { follows?: string } | undefined)?.follows === 'leave_out')
      .map(({ step }) => step),
  );
  const hosts = plan.steps.flatMap(({ id, tolerance }) =>
    tolerance !== undefined && failed.has(id) ? [tolerance.host] : [],
  );
  return (key) =>
    hosts.some(
      (host) => key.endsWith(` ${host}`) || key.includes(` ${host} `) || key.includes(`host["${host}"]`),
    );
}

import { describe, expect, test } from 'vitest';
import { createControl } from '../../../src/engine/control.ts';
import { overStore } from '../../../src/engine/over-store.ts';
import { abort, resume, run } from '../../../src/engine/run.ts';
import {
  type Event,
  type HookDeclared,
  type Plan,
  StateFailure,
  type StateStore,
  type Step,
} from '../../../src/model/index.ts';
import { openMemoryState } from '../../../src/state/local/store.ts';
import { origin, planOf, shop, stepOf, switching } from '../../rig/plans.ts';
import { actor, countingIds } from '../../rig/state.ts';
import { VirtualClock } from '../../rig/virtual-clock.ts';
import {
  type Cells,
  cellsOf,
  MemoryCells,
  standBefore,
  WorldProvider,
  type WorldRules,
} from '../../rig/world.ts';

/** A plan on a world that stands where the plan starts. */
function stage(
  plan: Plan,
  rules: WorldRules = {},
  kept: (store: StateStore) => StateStore = (store) => store,
) {
  const clock = new VirtualClock();
  const cells = new MemoryCells();
  standBefore(
    cells,
    plan.steps.map((step) => step.operation),
  );
  const start = cells.snapshot();
  const store = openMemoryState(countingIds('lineage'));
  const control = createControl();
  const events: Event[] = [];
  const provider = new WorldProvider(cells, { takesMs: () => 100, ...rules });
  const options = {
    store: kept(store),
    providerOf: () => provider,
    clock,
    control,
    emit: (event: Event) => events.push(event),
    parallelism: 10,
    actor,
  };
  const finish = async <T>(promise: Promise<T>): Promise<T> => {
    const result = await clock.drive(promise);
    if (result === undefined) throw new Error('it ended without a result');
    return result;
  };
  return {
    clock,
    cells,
    start,
    store,
    control,
    events,
    run: () => finish(run(plan, options)),
    resume: (rest: WorldRules = {}) =>
      finish(
        resume({
          ...options,
          control: createControl(),
          providerOf: () => new WorldProvider(cells, { takesMs: () => 100, ...rest }),
        }),
      ),
    abort: () =>
      finish(
        abort(
          { ...options, control: createControl(), providerOf: () => new WorldProvider(cells) },
          'asked to',
        ),
      ),
    /** `name` of each event of a type, in order. */
    steps: (type: 'step_started' | 'step_done' | 'step_failed') =>
      events.flatMap((event) =>
        event.type === type ? [`${event.undoing ? 'undo ' : ''}${event.step}`] : [],
      ),
    marks: async (step: string) =>
      (await store.journal(1)).filter((entry) => entry.step === step).map((entry) => entry.mark),
  };
}

const stands = (cells: Cells, steps: readonly Step[], at: 'to' | 'from'): boolean =>
  steps.every((step) =>
    cellsOf(step.operation).every((cell) => JSON.stringify(cells.get(cell.key)) === JSON.stringify(cell[at])),
  );

const route = 'route load_balancer.edge shop';
const isOp = (op: string) => (operation: { readonly op: string }, call: string) =>
  operation.op === op && call === 'perform';

describe('a run that goes well', () => {
  test('does every step once, in the order of its needs, and becomes a deployment', async () => {
    const plan = switching([shop({ bakeMs: 5_000 })]);
    const world = stage(plan);
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'complete',
      exitCode: 0,
      failures: [],
      stepsDone: 12,
      stepsUndone: 0,
    });
    expect(world.steps('step_done')).toEqual(
      world
        .steps('step_started')
        .toSorted((a, b) => world.steps('step_done').indexOf(a) - world.steps('step_done').indexOf(b)),
    );
    expect(world.cells.get(`${route} runtime`)).toMatchObject({ stable: 'shop_green' });
    expect((await world.store.read()).deployments.map((each) => each.number)).toEqual([1]);
    expect((await world.store.read()).resources.length).toBeGreaterThan(0);
    expect(await world.marks('shop-switch')).toEqual(['intended', 'done']);
  });

  test('tells it in numbered events that begin with the plan and end with the sums', async () => {
    const world = stage(switching([shop()]));
    await world.run();
    expect(world.events.map((event) => event.seq)).toEqual(world.events.map((_, index) => index + 1));
    expect(world.events[0]).toMatchObject({ type: 'run_started', resumed: false, run: 1 });
    expect(world.events.at(-1)).toMatchObject({
      type: 'summary',
      outcome: 'complete',
      exitCode: 0,
      stepsDone: 11,
    });
  });

  test.for([
    [1, 1],
    [2, 2],
    [10, 4],
  ] as const)('runs at most %i steps at once', async ([parallelism, most]) => {
    let inHand = 0;
    let highest = 0;
    const plan = switching([shop({ hosts: ['a', 'b', 'c', 'd'] })]);
    const clock = new VirtualClock();
    const cells = new MemoryCells();
    standBefore(
      cells,
      plan.steps.map((step) => step.operation),
    );
    const provider = new WorldProvider(cells, { takesMs: () => 10 });
    const emit = (event: Event): void => {
      if (event.type === 'step_started') inHand += 1;
      if (event.type === 'step_done') inHand -= 1;
      highest = Math.max(highest, inHand);
    };
    const store = openMemoryState(countingIds());
    await clock.drive(
      run(plan, {
        store,
        providerOf: () => provider,
        clock,
        control: createControl(),
        emit,
        parallelism,
        actor,
      }),
    );
    expect(highest).toBe(most);
  });

  test.for([
    ['is looked at again, and once more for the record', false, ['look', 'perform', 'look', 'seen']],
    ['is not where it has looked again itself', true, ['look', 'perform']],
  ] as const)('what a change left behind %s', async ([, looksAlong, calls]) => {
    const called: string[] = [];
    const world = stage(switching([shop()]), {
      looksAlong: () => looksAlong,
      faultOf: (operation, call) => {
        if (operation.op === 'route.set') called.push(call);
        return undefined;
      },
    });
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
    expect(called).toEqual(calls);
    const { resources } = await world.store.read();
    expect(resources.find(({ address }) => address === route)).toMatchObject({
      spec: { runtime: { stable: 'shop_green' } },
    });
  });

  test('what looked right in a change whose reply was lost is looked at again', async () => {
    const called: string[] = [];
    const world = stage(switching([shop()]), {
      looksAlong: () => true,
      faultOf: (operation, call) => {
        if (operation.op !== 'route.set') return undefined;
        called.push(call);
        return call === 'perform' ? 'lost' : undefined;
      },
    });
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
    expect(called).toEqual(['look', 'perform', 'look', 'seen']);
  });

  test('a step whose effect is there already is done without touching anything', async () => {
    const plan = switching([shop()]);
    const world = stage(plan);
    world.cells.set('release service.shop web-1 2.0.0', true);
    await world.run();
    expect(
      world.events.find((event) => event.type === 'step_done' && event.step === 'shop-put-web-1'),
    ).toMatchObject({
      unchanged: true,
    });
  });

  test('the counters of the balancer are summed from the beginning, over a restart of it', async () => {
    const plan = switching([shop({ bakeMs: 10_000 })]);
    const world = stage(plan);
    world.cells.set('requests', 1_000);
    world.clock.at(world.clock.now() + 3_500, () => world.cells.set('requests', 1_700));
    world.clock.at(world.clock.now() + 6_500, () => world.cells.set('requests', 40));
    const result = await world.run();
    expect(result.traffic).toEqual({ requests: 740, failed: 0 });
  });
});

describe('a run that fails', () => {
  test.for(['pause', 'freeze'] as const)(
    'with %s, leaves the thing as it failed, though no traffic was moved yet',
    async (onFailure) => {
      const plan = switching([shop({ onFailure })]);
      const world = stage(plan, { isSick: (instance) => instance.includes('web-2') });
      const result = await world.run();
      expect(result).toMatchObject({ outcome: 'stopped', exitCode: 4, failures: [{ code: 'unhealthy' }] });
      expect(world.cells.get('process service.shop.slot["green"].host["web-2"]')).toMatchObject({
        release: '2.0.0',
      });
      const undone = await world.abort();
      expect(undone).toMatchObject({ outcome: 'reverted', stepsUndone: 8 });
      expect(world.cells.snapshot()).toEqual(world.start);
    },
  );

  test('with revert, undoes what it did', async () => {
    const plan = switching([shop({ onFailure: 'revert' })]);
    const world = stage(plan, { isSick: (instance) => instance.includes('web-2') });
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'reverted',
      exitCode: 3,
      failures: [{ code: 'unhealthy' }],
      stepsUndone: 8,
    });
    expect(world.cells.snapshot()).toEqual(world.start);
    expect((await world.store.read()).unfinished).toBeUndefined();
    expect(world.steps('step_done').filter((step) => step.startsWith('undo'))).toHaveLength(8);
  });

  test('undoes in the reverse of the order in which it was done', async () => {
    const plan = switching([shop({ hosts: ['a'], bakeMs: 3_000 })]);
    const world = stage(plan, { isSick: (_, cx) => cx.step === 'shop-bake' });
    await world.run();
    expect(world.steps('step_started').slice(-5)).toEqual(
      ['switch', 'start-a', 'link-a', 'stop-a', 'put-a'].map((verb) => `undo shop-${verb}`),
    );
    expect(world.events.find((event) => event.type === 'reverting')).toMatchObject({
      steps: ['shop-switch', 'shop-start-a', 'shop-link-a', 'shop-stop-a', 'shop-put-a'],
    });
  });

  test('with pause, lets the other services go on and stops', async () => {
    const plan = switching([
      shop({ name: 'api', bakeMs: 4_000, onFailure: 'pause' }),
      shop({ bakeMs: 60_000 }),
    ]);
    const world = stage(plan, {
      isSick: (instance, cx) => instance.includes('api') && cx.step === 'api-bake',
    });
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'stopped', exitCode: 4, failures: [{ code: 'unhealthy' }] });
    expect(world.steps('step_done')).toContain('shop-bake');
    expect(world.steps('step_failed')).toEqual(['api-bake']);
    expect((await world.store.read()).unfinished).toMatchObject({ run: 1, outcome: 'stopped' });
  });

  test('with freeze, starts nothing more and stops', async () => {
    const plan = switching([
      shop({ name: 'api', bakeMs: 4_000, onFailure: 'freeze' }),
      shop({ hosts: ['slow'] }),
    ]);
    const world = stage(plan, {
      takesMs: (operation) => ('place' in operation && operation.place?.host === 'slow' ? 2_000 : 10),
      isSick: (instance, cx) => instance.includes('api') && cx.step === 'api-bake',
    });
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'stopped', exitCode: 4 });
    expect(world.steps('step_done')).not.toContain('shop-switch');
    expect(world.cells.get('route load_balancer.edge api runtime')).toMatchObject({ stable: 'api_green' });
    expect(world.events.some((event) => event.type === 'stopping')).toBe(true);
  });

  test('and whose undo fails too, stops and tells both', async () => {
    const plan = switching([shop({ hosts: ['a'] })]);
    const world = stage(plan, {
      isSick: () => true,
      faultOf: (operation, call) =>
        isOp('slot.link')(operation, call) && 'from' in operation && operation.from === '2.0.0'
          ? 'refuse'
          : undefined,
    });
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'stopped',
      exitCode: 4,
      failures: [{ code: 'unhealthy' }, { code: 'refused' }],
    });
    const resumed = await world.resume();
    expect(resumed).toMatchObject({ outcome: 'reverted', exitCode: 3 });
    expect(world.cells.snapshot()).toEqual(world.start);
  });

  test.for([
    ['the reply is lost after the effect: it is seen, and the run goes on', 'lost', 'complete'],
    ['the connection breaks before the effect: it is done again', 'lost_before', 'complete'],
    ['only half of it arrives: the other half follows', 'half', 'complete'],
    ['it is refused: the run reverts', 'refuse', 'reverted'],
    ['no answer ever comes: the run reverts', 'hang', 'reverted'],
  ] as const)('%s', async ([, fault, outcome]) => {
    const plan = switching([shop()]);
    let isFirst = true;
    const world = stage(plan, {
      faultOf: (operation, call) => {
        if (!isOp('route.set')(operation, call) || (fault !== 'hang' && fault !== 'refuse' && !isFirst))
          return undefined;
        isFirst = false;
        return fault;
      },
    });
    expect((await world.run()).outcome).toBe(outcome);
    expect(
      outcome === 'complete'
        ? stands(
            world.cells,
            plan.steps.filter((step) => step.id === 'shop-switch'),
            'to',
          )
        : world.cells.snapshot(),
    ).toEqual(outcome === 'complete' ? true : world.start);
  });

  test('what somebody else changed is named and left as it is', async () => {
    const plan = switching([shop()]);
    const world = stage(plan);
    world.cells.set(`${route} runtime`, { stable: 'theirs' });
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'reverted',
      failures: [{ code: 'changed-by-someone-else', summary: 'The route was changed by someone else' }],
    });
    expect(world.cells.get(`${route} runtime`)).toEqual({ stable: 'theirs' });
  });

  test('a host that cannot be seen fails the step without anything being performed', async () => {
    const world = stage(switching([shop()]), {
      faultOf: (operation, call) => (operation.op === 'slot.link' && call === 'look' ? 'blind' : undefined),
    });
    const result = await world.run();
    expect(result).toMatchObject({ failures: [{ code: 'cannot-see' }, { code: 'cannot-see' }] });
    expect(world.cells.snapshot()).toEqual(world.start);
  });

  test('leaves what it found done by others when it undoes', async () => {
    const world = stage(switching([shop()]), { isSick: () => true });
    world.cells.set('release service.shop web-1 2.0.0', true);
    expect((await world.run()).outcome).toBe('reverted');
    expect(world.cells.get('release service.shop web-1 2.0.0')).toBe(true);
  });

  test('stops at a step without a way back, keeps what that step needed, and undoes the rest', async () => {
    const [first, second, third, ...rest] = switching([shop({ hosts: ['a'] })]).steps;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no steps');
    const steps = [
      first,
      second,
      { ...third, inverse: { kind: 'irreversible', because: 'nobody keeps the old one' } } as const,
      ...rest,
    ];
    const world = stage(
      { ...planOf({ steps }), declared: switching([shop()]).declared },
      { isSick: () => true },
    );
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'stopped',
      exitCode: 4,
      failures: [{ code: 'unhealthy' }, { code: 'no-way-back' }],
    });
    expect(world.steps('step_done').filter((step) => step.startsWith('undo'))).toEqual(['undo shop-start-a']);
  });
});

describe('a person', () => {
  test('who interrupts once gets the steps in hand finished and a run to resume', async () => {
    const plan = switching([shop({ bakeMs: 60_000 })]);
    const world = stage(plan);
    world.clock.at(world.clock.now() + 250, () => world.control.interrupt('kim', 'SIGINT'));
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'stopped', exitCode: 4, failures: [] });
    expect(result.stepsDone).toBe(2);
    expect(await world.resume()).toMatchObject({ outcome: 'complete', stepsDone: 12 });
    const resumed = world.events.findLast((event) => event.type === 'run_started');
    expect(resumed).toMatchObject({ resumed: true, done: { length: 2 }, doneWithWayBack: 2 });
  });

  test('who resumes is told what an abort would undo: not what only waited, nor what others had done', async () => {
    const plan = switching([shop({ bakeMs: 60_000 })]);
    const world = stage(plan);
    world.cells.set('release service.shop web-1 2.0.0', true);
    const bakes = world.clock.now() + 30_000;
    world.clock.at(bakes, () => world.control.interrupt('kim', 'SIGINT'));
    world.clock.at(bakes + 1, () => world.control.interrupt('kim', 'SIGINT'));
    expect((await world.run()).outcome).toBe('stopped');
    const moving = plan.steps.filter(({ inverse }) => inverse.kind === 'operation').map(({ id }) => id);
    const wouldUndo = world.events.filter(
      (event) => event.type === 'step_done' && !event.unchanged && moving.includes(event.step),
    );
    await world.resume();
    const resumed = world.events.findLast((event) => event.type === 'run_started');
    expect(resumed).toMatchObject({ resumed: true, doneWithWayBack: wouldUndo.length });
    expect(wouldUndo.length).toBeGreaterThan(4);
  });

  test('who interrupts a bake waits only for the rest of it after the resume', async () => {
    const plan = switching([shop({ bakeMs: 60_000 })]);
    const world = stage(plan);
    world.clock.at(world.clock.now() + 40_000, () => world.control.interrupt('kim', 'SIGINT'));
    const first = await world.run();
    expect(first.elapsedMs).toBeLessThan(41_000);
    const second = await world.resume();
    expect(second.outcome).toBe('complete');
    expect(first.elapsedMs + second.elapsedMs).toBeLessThan(63_000);
  });

  test('who interrupts twice does not wait for a host that hangs', async () => {
    const world = stage(switching([shop()]), {
      faultOf: (operation, call) => (isOp('slot.link')(operation, call) ? 'hang' : undefined),
    });
    world.clock.at(world.clock.now() + 5_000, () => world.control.interrupt('kim', 'SIGINT'));
    world.clock.at(world.clock.now() + 8_000, () => world.control.interrupt('kim', 'SIGINT'));
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'stopped', exitCode: 4 });
    expect(result.elapsedMs).toBeLessThan(12_000);
    expect(await world.marks('shop-link-web-1')).toEqual(['intended']);
    expect((await world.resume()).outcome).toBe('complete');
  });

  test('who pauses holds new steps back until it continues', async () => {
    const world = stage(switching([shop()]));
    const start = world.clock.now();
    world.clock.at(start + 250, () =>
      world.control.request({ kind: 'pause', by: 'kim', reason: 'let me look' }),
    );
    world.clock.at(start + 60_000, () => world.control.request({ kind: 'continue', by: 'kim' }));
    const result = await world.run();
    expect(result.outcome).toBe('complete');
    expect(result.elapsedMs).toBeGreaterThan(60_000);
    const during = world.events.filter(
      (event) => event.type === 'step_started' && event.at > start + 500 && event.at < start + 60_000,
    );
    expect(during).toEqual([]);
  });

  test('who aborts gets everything undone', async () => {
    const world = stage(switching([shop({ bakeMs: 60_000 })]));
    world.clock.at(world.clock.now() + 20_000, () =>
      world.control.request({ kind: 'abort', by: 'kim', reason: 'errors' }),
    );
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'reverted', exitCode: 3, failures: [] });
    expect(result.elapsedMs).toBeLessThan(25_000);
    expect(world.cells.snapshot()).toEqual(world.start);
  });

  test('can abort a run that stopped', async () => {
    const world = stage(switching([shop({ bakeMs: 60_000 })]));
    world.clock.at(world.clock.now() + 20_000, () => world.control.interrupt('kim', 'SIGINT'));
    await world.run();
    expect(await world.abort()).toMatchObject({ outcome: 'reverted', exitCode: 3, stepsUndone: 9 });
    expect(world.cells.snapshot()).toEqual(world.start);
  });
});

describe("the run's own hooks", () => {
  const hook = (point: HookDeclared['point']): HookDeclared => ({
    point,
    argv: ['/bin/notify', point],
    on: 'operator',
    timeoutMs: 1_000,
    environment: {},
    origin,
  });

  test('tell of the failure and of the revert, once each', async () => {
    const told: string[] = [];
    const plan = switching([shop()], { hooks: [hook('on_failure'), hook('on_revert')] });
    const world = stage(plan, {
      isSick: () => true,
      onEffect: (operation) => {
        if (operation.op === 'hook.run')
          told.push(`${operation.point} ${operation.environment.DEPLOYCTL_OUTCOME}`);
      },
    });
    await world.run();
    expect(told).toEqual(['on_failure reverted', 'on_revert reverted']);
  });

  test('that fail change nothing but are reported', async () => {
    const plan = switching([shop()], { hooks: [hook('on_failure')] });
    const world = stage(plan, {
      isSick: () => true,
      faultOf: (operation, call) => (isOp('hook.run')(operation, call) ? 'refuse' : undefined),
    });
    expect((await world.run()).exitCode).toBe(3);
    expect(world.events.find((event) => event.type === 'diagnostic')).toMatchObject({
      diagnostic: { code: 'refused', severity: 'warning' },
    });
  });

  test('stay silent when all is well', async () => {
    const plan = switching([shop()], { hooks: [hook('on_failure'), hook('on_revert')] });
    const told: string[] = [];
    await stage(plan, {
      onEffect: (operation) => operation.op === 'hook.run' && told.push(operation.point),
    }).run();
    expect(told).toEqual([]);
  });
});

test('a step that brings something back checks it before the undo goes on', async () => {
  const plan = switching([shop({ hosts: ['a'] })]);
  const verify = plan.steps.find((step) => step.operation.op === 'health.verify')?.operation;
  if (verify?.op !== 'health.verify') throw new Error('no verify');
  const steps = plan.steps.map((step) =>
    step.id === 'shop-stop-a' && step.inverse.kind === 'operation'
      ? { ...step, inverse: { ...step.inverse, verify: { ...verify, release: '0.9.0' } } }
      : step,
  );
  const world = stage({ ...plan, steps }, { isSick: (_, cx) => cx.step !== 'shop-stop-a-undo' });
  expect((await world.run()).outcome).toBe('reverted');
  const sick = stage({ ...plan, steps }, { isSick: () => true });
  expect(await sick.run()).toMatchObject({
    outcome: 'stopped',
    failures: [{ code: 'unhealthy' }, { code: 'unhealthy' }],
  });
  expect(sick.cells.get('release service.shop a 2.0.0')).toBe(true);
});

test('a plan without steps is complete at once', async () => {
  const world = stage(planOf());
  expect(await world.run()).toMatchObject({ outcome: 'complete', stepsDone: 0 });
});

test('a record that cannot be read begins nothing', async () => {
  const unreadable = new StateFailure({
    code: 'state-corrupted',
    severity: 'error',
    summary: 's',
    detail: 'd',
  });
  const world = stage(planOf(), {}, (store) =>
    overStore(store, {
      read: async () => {
        throw unreadable;
      },
    }),
  );
  await expect(world.run()).rejects.toBe(unreadable);
  expect(await world.store.runs()).toEqual([]);
});

test('without an unfinished run there is nothing to resume', async () => {
  const world = stage(
    planOf({
      steps: [stepOf('a', { op: 'pool.drain', balancer: 'b' as Step['address'], pool: 'p', withinMs: 1 })],
    }),
  );
  await world.run();
  await expect(world.resume()).rejects.toMatchObject({ diagnostic: { code: 'nothing-to-resume' } });
});

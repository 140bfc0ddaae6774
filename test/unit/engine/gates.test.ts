/** Gates: time, a person and an analysis, and hosts that may be left out; on plans as the planner makes them. */
import { describe, expect, test } from 'vitest';
import { createControl, type LocalControl } from '../../../src/engine/control.ts';
import { abort, resume, run } from '../../../src/engine/run.ts';
import type { Context, Event, Judge, Plan, Verdict } from '../../../src/model/index.ts';
import { openMemoryState } from '../../../src/state/local/store.ts';
import { planOf } from '../../rig/planning.ts';
import { actor, countingIds } from '../../rig/state.ts';
import { VirtualClock } from '../../rig/virtual-clock.ts';
import { MemoryCells, standBefore, WorldProvider, type WorldRules } from '../../rig/world.ts';
import { at, blueGreen, canary, declare, rolling, seen, service } from '../../rig/worlds.ts';

const analysis = [
  {
    kind: 'load_balancer' as const,
    name: 'load_balancer',
    intervalMs: 10_000,
    failures: 1,
    dryRun: false,
    deadlineMs: 60_000,
    inconclusive: 'pause' as const,
    confidence: 0.95,
    maxErrorRate: 0.01,
    maxLatencyRatio: undefined,
    minRequests: 100,
    origin: at(40),
  },
];

function canaryPlan(isJudged: boolean): Plan {
  const shop = service({ strategy: { ...canary, analysis: isJudged ? analysis : [] } });
  return planOf({ declared: declare([shop]), observations: seen(shop, { blue: '1.0.0' }, 'blue') });
}

function stage(plan: Plan, { judge, ...rules }: WorldRules & { readonly judge?: Judge } = {}) {
  const clock = new VirtualClock();
  const cells = new MemoryCells();
  standBefore(
    cells,
    plan.steps.map((step) => step.operation),
  );
  const start = cells.snapshot();
  const store = openMemoryState(countingIds('lineage'));
  const events: Event[] = [];
  const optionsWith = (control: LocalControl) => ({
    store,
    providerOf: () => new WorldProvider(cells, { takesMs: () => 100, ...rules }),
    clock,
    control,
    emit: (event: Event) => events.push(event),
    parallelism: 10,
    actor,
    ...(judge === undefined ? {} : { judge }),
  });
  const control = createControl();
  return {
    clock,
    cells,
    start,
    store,
    events,
    control,
    run: (parallelism = 10) =>
      clock.drive(run({ ...plan, lineage: 'lineage-1' }, { ...optionsWith(control), parallelism })),
    resume: (next = createControl()) => clock.drive(resume(optionsWith(next))),
    abort: () => clock.drive(abort(optionsWith(createControl()), 'asked to')),
    atStep: (step: string, type: 'step_started' | 'step_done') =>
      events.find((event) => event.type === type && event.step === step)?.at ?? Number.NaN,
  };
}

const verdict = (value: 'pass' | 'fail', failed = 0): Verdict => ({
  verdict: value,
  reason: `${failed} of 200 requests failed, at most 1% may`,
  requests: 200,
  failed,
  dryRun: undefined,
  parts: [],
});
const unknown = {
  verdict: 'inconclusive',
  follows: 'pause',
  reason: '3 of at least 100 requests',
  requests: 3,
  failed: 0,
  dryRun: undefined,
  parts: [],
} as const satisfies Verdict;
const route = 'route load_balancer.edge shop runtime';

describe('an approval', () => {
  test('holds the run until somebody promotes it, however long that takes', async () => {
    const world = stage(canaryPlan(false));
    world.clock.at(world.clock.now() + 10_000_000, () =>
      world.control.request({ kind: 'promote', by: 'kim', full: false }),
    );
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
    expect(world.events.find((event) => event.type === 'approval_needed')).toMatchObject({
      sharePercent: 50,
    });
    expect(world.atStep('shop/green/switch', 'step_started')).toBeGreaterThan(10_000_000);
    expect(world.cells.get(route)).toMatchObject({ stable: 'shop_green', canaryBasisPoints: 0 });
  });

  test('is not given by a promotion that came before it', async () => {
    const world = stage(canaryPlan(false));
    world.clock.at(world.clock.now() + 60_000, () =>
      world.control.request({ kind: 'promote', by: 'kim', full: false }),
    );
    world.clock.at(world.clock.now() + 5_000_000, () => world.control.interrupt('kim', 'SIGINT'));
    expect(await world.run()).toMatchObject({ outcome: 'stopped', exitCode: 4 });
    expect(
      world.events.some(
        (event) => event.type === 'diagnostic' && event.diagnostic.code === 'nothing-to-promote',
      ),
    ).toBe(true);
    expect(world.cells.get(route)).toMatchObject({ stable: 'shop_blue', canaryBasisPoints: 5_000 });
    expect(await world.abort()).toMatchObject({ outcome: 'reverted' });
    expect(world.cells.snapshot()).toEqual(world.start);
  });

  test('with --full, nothing more is waited for', async () => {
    const world = stage(canaryPlan(false));
    const began = world.clock.now();
    world.clock.at(began + 30_000, () => world.control.request({ kind: 'promote', by: 'kim', full: true }));
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
    expect(world.clock.now() - began).toBeLessThan(60_000);
  });
});

describe('an analysis', () => {
  const judging =
    (say: (now: number) => Verdict): Judge =>
    (_, cx) => ({ intervalMs: 10_000, look: async () => say(cx.clock.now()) });

  test('that says fail takes the canary back at once, and tells how many requests it cost', async () => {
    const world = stage(canaryPlan(true), { judge: judging(() => verdict('fail', 40)) });
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'reverted',
      exitCode: 3,
      failures: [{ code: 'analysis-failed' }],
    });
    expect(result?.failures[0]?.detail).toContain('200 requests in this step, of which 40 failed');
    expect(world.cells.snapshot()).toEqual(world.start);
    const recorded = (await world.store.journal(1)).filter(
      ({ detail }) => (detail as { kind?: string } | undefined)?.kind === 'verdict',
    );
    expect(recorded).toHaveLength(1);
  });

  test('that knows too little is no pass: the share stays, and the run can be resumed', async () => {
    let say: Verdict = unknown;
    const world = stage(canaryPlan(true), { judge: judging(() => say) });
    expect(await world.run()).toMatchObject({ outcome: 'stopped', exitCode: 4 });
    expect(world.cells.get(route)).toMatchObject({ canaryBasisPoints: 100 });
    say = verdict('pass');
    const control = createControl();
    world.clock.at(world.clock.now() + 9_000_000, () =>
      control.request({ kind: 'promote', by: 'kim', full: false }),
    );
    expect(await world.resume(control)).toMatchObject({ outcome: 'complete' });
  });
});

describe('the checks of a bake', () => {
  /** Checks of web-2 during the bake, by turns; so many of every so many fail. */
  const failing = (some: number, of: number) => {
    let checks = 0;
    return (instance: string, cx: Context): boolean => {
      if (!instance.includes('web-2') || !cx.step.endsWith('bake')) return false;
      checks += 1;
      return checks % of < some;
    };
  };
  const bluePlan = (): Plan => {
    const shop = service({ strategy: blueGreen });
    return planOf({ declared: declare([shop]), observations: seen(shop, { blue: '1.0.0' }, 'blue') });
  };

  test('one that fails every other time is sick, though it never fails twice in a row: it is taken back', async () => {
    const world = stage(bluePlan(), { isSick: failing(1, 2) });
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'reverted', exitCode: 3 });
    expect(result?.failures[0]?.detail).toMatch(
      /It comes and goes: of the last \d checks 4 failed, though never 2 in a row\./,
    );
    expect(world.cells.snapshot()).toEqual(world.start);
  });

  test('one that fails once in a while is not', async () => {
    const world = stage(bluePlan(), { isSick: failing(1, 5) });
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
  });
});

describe('hosts that may fail', () => {
  const hosts = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6'];
  const planWith = (maxFailures: number): Plan => {
    const shop = service({ hosts, strategy: { ...rolling, batch: { hosts: 2 }, maxFailures } });
    return planOf({ declared: declare([shop], 30), observations: seen(shop, { main: '1.0.0' }, 'main') });
  };
  const sick =
    (...names: readonly string[]) =>
    (instance: string): boolean =>
      names.some((name) => instance.includes(name));

  test('are left out of the pool, and the run goes on without them', async () => {
    const world = stage(planWith(2), { isSick: sick('web-2', 'web-3') });
    expect(await world.run()).toMatchObject({ outcome: 'complete', exitCode: 0 });
    expect(
      world.events.flatMap((event) => (event.type === 'left_out' ? [[event.host, event.failed]] : [])),
    ).toEqual([
      ['web-2', 1],
      ['web-3', 2],
    ]);
    const member = (host: string) => world.cells.get(`member load_balancer.edge shop_main ${host}`);
    expect(hosts.map(member)).toEqual(['ready', 'drain', 'drain', 'ready', 'ready', 'ready']);
  });

  test('are one too many together, and the run goes back', async () => {
    const world = stage(planWith(1), {
      isSick: (instance, cx) => sick('web-2', 'web-3')(instance) && !cx.step.endsWith('-undo'),
    });
    expect(await world.run()).toMatchObject({ outcome: 'reverted' });
    expect(world.cells.snapshot()).toEqual(world.start);
    expect(world.events.filter((event) => event.type === 'left_out')).toHaveLength(1);
  });
});

describe('the floor is held while the run goes on', () => {
  const hosts = ['web-1', 'web-2', 'web-3', 'web-4'];
  /** Two at a time leave, and two have to stay. */
  const planWith = (more: Partial<typeof rolling> = {}): Plan => {
    const strategy = { ...rolling, batch: { hosts: 2 }, pauseMs: 0, ...more };
    const shop = service({ hosts, strategy });
    return planOf({ declared: declare([shop], 50), observations: seen(shop, { main: '1.0.0' }, 'main') });
  };
  /** Hosts die when every release is where it belongs and nobody has left yet, and are back after so long. */
  const dying = (plan: Plan, dead: readonly string[], forMs: number) => {
    let fewest = hosts.length;
    const out = new Set<string>();
    const uploaded = () =>
      world.events.filter((event) => event.type === 'step_done' && event.step.endsWith('/upload'));
    const isDown = (host: string): boolean => {
      const since = uploaded()[hosts.length - 1]?.at ?? Number.POSITIVE_INFINITY;
      return dead.includes(host) && world.clock.now() >= since && world.clock.now() < since + forMs;
    };
    const world = stage(plan, {
      isDown,
      onEffect: (operation) => {
        if (operation.op !== 'member.set') return;
        if (operation.to === 'ready') out.delete(operation.member);
        else out.add(operation.member);
        fewest = Math.min(fewest, hosts.filter((host) => !out.has(host) && !isDown(host)).length);
      },
    });
    return { world, fewest: () => fewest };
  };
  const member = 'member load_balancer.edge shop_main';

  test('with a dead host the batch gets smaller by itself: the second leaves when the first is back', async () => {
    const { world, fewest } = dying(planWith(), ['web-4'], 5_000);
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
    expect(fewest()).toBeGreaterThanOrEqual(2);
    expect(hosts.map((host) => world.cells.get(`${member} ${host}`))).toEqual(hosts.map(() => 'ready'));
  });

  test('one at a time too, where only one step may be taken at once', async () => {
    const { world, fewest } = dying(planWith(), ['web-4'], 5_000);
    expect(await world.run(1)).toMatchObject({ outcome: 'complete' });
    expect(fewest()).toBeGreaterThanOrEqual(2);
  });

  test.for([
    ['revert', 'reverted'],
    ['pause', 'stopped'],
    ['freeze', 'stopped'],
  ] as const)(
    'where the others do not come back, it ends as on_failure = %s says',
    async ([onFailure, outcome]) => {
      const plan = planWith({ batch: { hosts: 1 }, onFailure });
      const gone = new Set(['web-3', 'web-4']);
      let isGone = false;
      const world = stage(plan, {
        isDown: (host) => isGone && gone.has(host),
        onEffect: (operation) => {
          // web-1 is back; then two die at once, and web-2 may not leave.
          if (operation.op === 'member.set' && operation.to === 'ready') isGone = true;
        },
      });
      const result = await world.run();
      expect(result?.failures[0]).toMatchObject({ code: 'floor-not-held' });
      expect(result?.failures[0]?.detail).toContain('1 host (web-1) of service.shop is in service');
      // On the way back too nobody leaves: web-1 stays as it is.
      expect(result?.outcome).toBe('stopped');
      expect(world.cells.get(`${member} web-1`)).toBe('ready');
      expect(world.cells.get(`${member} web-2`)).toBe('ready');
      isGone = false;
      gone.clear();
      expect(await world.resume()).toMatchObject({
        outcome: outcome === 'reverted' ? 'reverted' : 'complete',
      });
    },
  );

  test('a host that is out by itself may be taken out, however few the others are', async () => {
    const shop = service({ hosts, strategy: { ...rolling, batch: { hosts: 1 }, pauseMs: 0 } });
    const observations = seen(
      shop,
      { main: { ...Object.fromEntries(hosts.map((host) => [host, '1.0.0'])), 'web-1': 'stopped' } },
      'main',
    );
    const world = stage(planOf({ declared: declare([shop], 50), observations }));
    expect(await world.run()).toMatchObject({ outcome: 'complete' });
  });

  test('an abort does not wait for hosts that are gone', async () => {
    const { world } = dying(planWith(), ['web-3', 'web-4'], 3_000);
    world.clock.at(world.clock.now() + 3_000, () =>
      world.control.request({ kind: 'abort', by: 'kim', reason: 'enough' }),
    );
    const began = world.clock.now();
    expect(await world.run()).toMatchObject({ outcome: 'reverted' });
    expect(world.clock.now() - began).toBeLessThan(30_000);
  });
});

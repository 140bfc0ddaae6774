/** The stages of a rollout, as a plan tells them to people and to programs. */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/model/index.ts';
import { laddersOf } from '../../../src/ui/ladder.ts';
import { columns } from '../../../src/ui/layout.ts';
import { planJson } from '../../../src/ui/plan-json.ts';
import { renderPlan } from '../../../src/ui/plan-text.ts';
import { planOf } from '../../rig/planning.ts';
import { hostNamed } from '../../rig/sample-plans.ts';
import { canary, declare, judged, rolling, seen, service } from '../../rig/worlds.ts';

const canaryOf = (parts: Partial<typeof judged> = {}): Plan => {
  const shop = service({ strategy: { ...judged, ...parts } });
  return planOf({ declared: declare([shop], 75), observations: seen(shop, { blue: '1.0.0' }, 'blue') });
};

const hosts = hostNamed(300);
const inBatches = service({ strategy: { ...rolling, batch: { hosts: 10 }, maxFailures: 2 }, hosts });
const fleet = planOf({
  declared: declare([inBatches], 75),
  observations: seen(inBatches, { main: '1.0.0' }, 'main'),
});

const six = hostNamed(6);
const byHosts = service({ strategy: canary, slots: ['main'], hosts: six });
const oneSlot = planOf({
  declared: declare([byHosts], 75),
  observations: seen(byHosts, { main: '1.0.0' }, 'main'),
});

const text = (plan: Plan, width: number): string =>
  renderPlan(plan, { color: false, width, frame: ({ summary }) => summary });

describe('the stages of a rollout', () => {
  test('a canary with two slots says who is affected, for how long, and what decides', () => {
    const [ladder] = laddersOf(canaryOf());
    expect(ladder).toMatchObject({ kind: 'canary', of: 'requests', before: '1.0.0' });
    expect(
      ladder?.rungs.map((rung) => [
        rung.sharePercent,
        rung.audience.length,
        rung.bakeSeconds,
        rung.verdictSeconds,
        rung.needsApproval,
        rung.undoneBy,
      ]),
    ).toEqual([
      [0, 1, 60, 600, false, 'switch back'],
      [5, 1, 300, 600, false, 'back to 0% at once'],
      [25, 1, 600, 600, true, 'back to 0% at once'],
      [100, 0, 60, 600, false, 'switch back'],
    ]);
  });

  test('a canary with one slot names the hosts that have the release at each stage, a floor or not', () => {
    const [ladder] = laddersOf(oneSlot);
    expect(ladder?.rungs.map((rung) => [rung.sharePercent, rung.hosts])).toEqual([
      [1, ['web-1']],
      [10, ['web-1']],
      [50, ['web-1', 'web-2', 'web-3']],
      [100, six],
    ]);
  });

  test('what an analysis only tries out is told, and is not among what decides', () => {
    const plan = canaryOf({ analysis: judged.analysis.map((each) => ({ ...each, dryRun: true })) });
    expect(laddersOf(plan)[0]?.rungs.map(({ analysis }) => analysis)).toEqual([[], [], [], []]);
    expect(text(plan, 100)).toContain('dry run: it is told and decides nothing');
  });

  test('a fleet is told by its first batches and its last one', () => {
    const shown = text(fleet, 100);
    expect(shown).toContain('Rolling upgrade of shop: 1.0.0 -> 2.0.0, in 30 batches');
    expect(shown).toContain('web-1 to web-10 (10 of 300)');
    expect(shown).toContain('web-291 to web-300 (10 of 300)');
    expect(shown).toContain('… and 19 between …');
    expect(shown).toContain('2 hosts of the whole run');
    expect(shown).toContain('and it holds if 2 more fail');
  });

  test.for([40, 60, 72, 80, 100, 140])('fits into %i columns, and loses nothing', (width) => {
    for (const plan of [canaryOf(), oneSlot, fleet]) {
      const shown = text(plan, width);
      expect(Math.max(...shown.split('\n').map(columns))).toBeLessThanOrEqual(Math.max(48, width));
      expect(shown).toContain('100%');
    }
    const words = text(canaryOf(), width).replaceAll(/\s+/g, ' ');
    for (const part of ['header x-beta = 1', 'then until promoted', '10 to 20 min', 'a person']) {
      expect(words).toContain(part);
    }
  });

  test('--json has the stages with every figure, and no end where a person is waited for', () => {
    const { rollouts, duration_seconds: duration, steps } = planJson(canaryOf());
    expect(rollouts).toMatchObject([
      {
        service: 'service.shop',
        strategy: 'canary',
        share_of: 'requests',
        release_before: '1.0.0',
        release: '2.0.0',
        stable: { slot: 'blue', pool: 'shop_blue' },
        canary: { slot: 'green', pool: 'shop_green' },
        on_failure: 'revert',
        analysis: [
          { kind: 'load_balancer', max_error_rate: 0.01, max_latency_ratio: 1.5, min_requests: 500 },
        ],
      },
    ]);
    expect(rollouts[0]?.stages[2]).toMatchObject({
      share_percent: 25,
      hosts_total: 3,
      audience: [{ by: 'header', name: 'x-beta', value: '1' }],
      bake_seconds: 600,
      decided_by: { checks: true, analysis: ['load_balancer'], approval: true },
      seconds: { least: 600.2, most: null },
    });
    expect(duration.most).toBeNull();
    expect(duration.least).toBeGreaterThan(1020);
    const staged = steps.filter((step) => 'stage' in step).map(({ id }) => id);
    expect(rollouts.flatMap(({ stages }) => stages.flatMap((stage) => stage.steps))).toEqual(staged);
    expect(planJson(fleet).duration_seconds.most).toBeGreaterThan(planJson(fleet).duration_seconds.least);
  });
});

/** What holds for every plan, whatever the world it was made in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameValue } from '../../../src/model/index.ts';
import { outcomeOf } from '../../rig/outcome-of.ts';
import { planOf } from '../../rig/planning.ts';
import {
  at,
  blueGreen,
  canary,
  declare,
  inPlace,
  rolling,
  seen,
  service,
  type WorldWish,
} from '../../rig/worlds.ts';

const hostNames = ['web-1', 'web-2', 'web-3', 'web-4'];
const found = fc.constantFrom('1.0.0', '2.0.0', '0.9.0', 'nothing', 'stopped', 'unhealthy');
const slotFound = fc.oneof(found, fc.record(Object.fromEntries(hostNames.map((host) => [host, found]))));

const points = [
  'before_install',
  'after_install',
  'before_start',
  'after_start',
  'before_traffic',
  'after_traffic',
  'before_stop',
  'after_stop',
] as const;
const hookPlaces = ['each_host', 'first_host', 'operator'] as const;

const situations = fc.record({
  hosts: fc.integer({ min: 1, max: 4 }),
  kind: fc.constantFrom(
    'blue_green',
    'blue_green cold',
    'in_place',
    'canary',
    'canary of hosts',
    'rolling',
    'rolling with spare',
  ),
  basisPoints: fc.constantFrom(0, 0, 100, 1000, 5000),
  floor: fc.constantFrom(0, 25, 50, 75, 100),
  keep: fc.integer({ min: 1, max: 3 }),
  changedProcess: fc.boolean(),
  blue: slotFound,
  green: slotFound,
  active: fc.constantFrom('blue', 'green', undefined),
  persisted: fc.constantFrom('blue', 'green', undefined),
  hooks: fc.array(fc.record({ point: fc.constantFrom(...points), on: fc.constantFrom(...hookPlaces) }), {
    maxLength: 2,
  }),
});

type Situated = typeof situations extends fc.Arbitrary<infer T> ? T : never;

const one = ['main'];
const two = ['blue', 'green'];
const strategies = {
  blue_green: { strategy: blueGreen, slots: two },
  'blue_green cold': { strategy: { ...blueGreen, keepWarm: false } as typeof blueGreen, slots: two },
  in_place: { strategy: inPlace, slots: one },
  canary: { strategy: canary, slots: two },
  'canary of hosts': { strategy: canary, slots: one },
  rolling: { strategy: rolling, slots: one },
  'rolling with spare': { strategy: { ...rolling, maxFailures: 1 }, slots: one },
} as const;

function worldOf(each: Situated) {
  const single = strategies[each.kind].slots.length === 1;
  const hooks = each.hooks.map((hook) => ({
    ...hook,
    argv: ['bin/hook'],
    timeoutMs: 1000,
    environment: {},
    origin: at(40),
  }));
  const wish = { hosts: hostNames.slice(0, each.hosts), ...strategies[each.kind], keep: each.keep, hooks };
  const found = service(wish);
  const declared = service({ ...wish, environment: each.changedProcess ? { FEATURE: 'on' } : {} });
  const slots = single ? { main: each.blue } : { blue: each.blue, green: each.green };
  const named = (slot: string | undefined) => (slot === undefined ? undefined : single ? 'main' : slot);
  return {
    declared: declare([declared], each.floor),
    observations: seen(found, slots as WorldWish, named(each.active), {
      ...(each.persisted === undefined ? {} : { persisted: named(each.persisted) as string }),
      basisPoints: each.basisPoints,
      installed: ['0.7.0', '0.8.0', '0.9.0', '1.0.0'],
    }),
  };
}

const refused = new Set(['steps-unordered', 'unverified-traffic', 'no-way-back', 'below-floor']);

describe('every plan', () => {
  test('is proved: nothing unverified, no floor broken, a way back from everywhere', () => {
    fc.assert(
      fc.property(situations, (each) => {
        const plan = planOf(worldOf(each));
        const held = plan.held.filter(({ code }) => refused.has(code));
        // Half of the requests on each side, and neither can bear the whole: there is no good plan, and that is said.
        const isTorn = each.basisPoints > 0 && held.every(({ code }) => code === 'below-floor');
        expect(isTorn ? [] : held).toEqual([]);
        expect(plan.proof.noWayBackAfter).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('applied, then planned again, is empty', () => {
    fc.assert(
      fc.property(situations, (each) => {
        const world = worldOf(each);
        const plan = planOf(world);
        fc.pre(plan.held.length === 0);
        const after = outcomeOf(
          world.observations,
          plan.steps.map((step) => step.operation),
        );
        const again = planOf({ ...world, observations: after });
        expect(again.steps.map((step) => step.summary)).toEqual([]);
        expect(again.changes).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('undone from any step leads back to where it began', () => {
    fc.assert(
      fc.property(situations, fc.nat(), (each, cut) => {
        const world = worldOf(each);
        const { steps } = planOf(world);
        const done = steps.slice(0, steps.length === 0 ? 0 : cut % (steps.length + 1));
        // A release that was pruned does not come back; nothing that is undone needs it.
        const undoable = done.filter((step) => step.operation.op !== 'release.prune');
        const there = outcomeOf(
          world.observations,
          undoable.map((step) => step.operation),
        );
        const inverses = undoable
          .toReversed()
          .flatMap(({ inverse }) => (inverse.kind === 'operation' ? [inverse.operation] : []));
        const back = outcomeOf(there, inverses);
        expect(served(back)).toEqual(served(world.observations));
      }),
      { numRuns: 3000 },
    );
  });

  test('is the same for the same three inputs', () => {
    fc.assert(
      fc.property(situations, (each) => {
        const plan = planOf(worldOf(each));
        expect(sameValue(plan, planOf(worldOf(each)))).toBe(true);
        expect(sameValue(plan, JSON.parse(JSON.stringify(plan)))).toBe(true);
        expect(new Set(plan.steps.map((step) => step.id)).size).toBe(plan.steps.length);
        const done = new Set<string>();
        for (const step of plan.steps) {
          expect(step.needs.every((need) => done.has(need))).toBe(true);
          done.add(step.id);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** What users get: what runs, what is linked, where the route goes. Health and folders beside it do not count. */
const served = (observations: ReturnType<typeof seen>) =>
  observations
    .flatMap((each): readonly unknown[] => {
      if (each.kind === 'instance') {
        const spec = each.status === 'present' ? each.spec : undefined;
        return [[each.address, spec?.linked ?? null, spec?.running ?? null]];
      }
      if (each.kind === 'route')
        return [
          [each.address, each.status === 'present' ? (each.spec.runtime ?? each.spec.persisted) : null],
        ];
      if (each.kind === 'member') return [[each.address, each.status === 'present' ? each.spec.admin : null]];
      return [];
    })
    .toSorted();

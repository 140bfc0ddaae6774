/** Hooks among the steps of a plan: what waits for them, and that nothing is forgotten over it. */
import { describe, expect, test } from 'vitest';
import type { HookDeclared, HookPoint, Plan } from '../../../src/model/index.ts';
import { planOf } from '../../rig/planning.ts';
import { at, declare, inPlace, rolling, seen, service } from '../../rig/worlds.ts';

const hook = (point: HookPoint, on: HookDeclared['on'], argv: readonly string[] = ['bin/hook']) => ({
  point,
  on,
  argv,
  timeoutMs: 1000,
  environment: {},
  origin: at(40),
});

const upgraded = (hooks: readonly HookDeclared[], strategy = inPlace): Plan => {
  const shop = service({ strategy, slots: ['main'], hooks });
  return planOf({ declared: declare([shop]), observations: seen(shop, { main: '1.0.0' }, 'main') });
};

/** Ids of everything that is done whenever the step begins. */
function doneBefore({ steps }: Plan, id: string): ReadonlySet<string> {
  const done = new Set<string>();
  const visit = (each: string): void => {
    for (const need of steps.find((step) => step.id === each)?.needs ?? []) {
      if (done.has(need)) continue;
      done.add(need);
      visit(need);
    }
  };
  visit(id);
  return done;
}

const points: readonly HookPoint[] = [
  'before_install',
  'after_install',
  'before_start',
  'after_start',
  'before_traffic',
  'after_traffic',
  'before_stop',
  'after_stop',
];

describe('a hook that runs once for all hosts', () => {
  test.for(
    points.flatMap((point) => (['first_host', 'operator'] as const).map((on) => [point, on] as const)),
  )('at %s on %s leaves every host its own order', ([point, on]) => {
    for (const strategy of [inPlace, rolling]) {
      const plan = upgraded([hook(point, on)], strategy);
      expect(plan.held).toEqual([]);
      expect(plan.steps.filter(({ operation }) => operation.op === 'hook.run')).toHaveLength(1);
      for (const host of ['web-1', 'web-2', 'web-3']) {
        const own = ['remove', 'drain', 'stop', 'install', 'start', 'verify', 'return'].map(
          (verb) => `shop/main/${host}/${verb}`,
        );
        for (const [index, id] of own.entries()) {
          const missing = own.slice(0, index).filter((before) => !doneBefore(plan, id).has(before));
          expect(missing, `${id} does not wait for`).toEqual([]);
        }
      }
    }
  });
});

test("on hosts a hook runs as the process's user, on the operator's machine as who runs deployctl", () => {
  const shop = service({
    strategy: inPlace,
    slots: ['main'],
    hooks: [hook('before_start', 'first_host'), hook('after_traffic', 'operator')],
  });
  const asShop = {
    ...shop,
    slots: shop.slots.map((slot) => ({
      ...slot,
      instances: slot.instances.map(({ process, ...instance }) => ({
        ...instance,
        process: process === undefined ? undefined : { ...process, user: 'shop' },
      })),
    })),
  };
  const { steps } = planOf({
    declared: declare([asShop]),
    observations: seen(shop, { main: '1.0.0' }, 'main'),
  });
  const users = steps.flatMap(({ operation }) =>
    operation.op === 'hook.run' ? [[operation.point, operation.user]] : [],
  );
  expect(users).toEqual([
    ['before_start', 'shop'],
    ['after_traffic', undefined],
  ]);
});

test('hooks of one point run in the order in which they are declared', () => {
  const plan = upgraded([
    hook('before_start', 'each_host', ['first']),
    hook('before_start', 'operator', ['second']),
    hook('before_start', 'each_host', ['third']),
  ]);
  const idOf = (host: string, index: number): string => `shop/main/${host}/hook/before_start#${index}`;
  for (const host of ['web-1', 'web-2', 'web-3']) {
    expect(doneBefore(plan, idOf(host, 2))).toContain(idOf(host, 0));
    expect(doneBefore(plan, idOf(host, 2))).toContain(idOf('operator', 1));
    expect(doneBefore(plan, `shop/main/${host}/start`)).toContain(idOf(host, 2));
  }
  expect(doneBefore(plan, idOf('operator', 1))).toContain(idOf('web-1', 0));
});

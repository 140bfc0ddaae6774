/** Plans written by hand, each from one seed: services side by side that are switched, and hooks that must run once. */
import type { HookDeclared, Operation, Plan } from '../../src/model/index.ts';
import { origin, shop, stepOf, switching } from '../rig/plans.ts';
import type { Random } from '../rig/random.ts';

export function handmadePlan(random: Random): Plan {
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

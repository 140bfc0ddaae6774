import { expect, test } from 'vitest';
import { readSecretsOf } from '../../../src/app/plan-secrets.ts';
import type { HookDeclared } from '../../../src/model/index.ts';
import { declaring, origin, planOf, shop } from '../../rig/plans.ts';

const hook = (point: HookDeclared['point'], secret: string): HookDeclared => ({
  point,
  argv: ['bin/tell'],
  on: 'operator',
  timeoutMs: 1_000,
  environment: { TOKEN: { secret } },
  origin,
});

test('what is to be told of a failure can be told: its secrets are read before the run begins', async () => {
  const declared = declaring([shop()], [hook('on_failure', 'pager'), hook('on_revert', 'chat')]);
  const read: string[] = [];
  await readSecretsOf(planOf({ declared }), async (name) => {
    read.push(name);
    return 'value';
  });
  expect(read.toSorted()).toEqual(['chat', 'pager']);
});

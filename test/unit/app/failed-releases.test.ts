/** Whom a run that failed speaks against. */
import { expect, test } from 'vitest';
import { failedReleases } from '../../../src/app/failed-releases.ts';
import type { Diagnostic, JournalEntry, Plan, Run } from '../../../src/model/index.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, now, seen, service } from '../../rig/worlds.ts';

const [shop, api] = [service({ name: 'shop', version: '2.0.0' }), service({ name: 'api', version: '2.0.0' })];
const observations = [shop, api].flatMap((each) => seen(each, { blue: '1.0.0' }, 'blue'));
const plan: Plan = planOf({ declared: declare([shop, api]), observations });
const actor = { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' };
const failure: Diagnostic = { code: 'x', severity: 'error', summary: 'It did not work', detail: 'Really.' };

/** A record of one run that was taken back; `failed`: the service of the step that failed. */
const recordOf = (failed: string | undefined): Parameters<typeof failedReleases>[0] => {
  const run: Run = {
    run: 1,
    startedAt: now,
    endedAt: now,
    actor,
    intent: { kind: 'apply' },
    outcome: 'reverted',
    planDigest: '',
  };
  const step = plan.steps.find((each) => each.service === failed)?.id;
  const journal: readonly JournalEntry[] =
    failed === undefined ? [] : [{ seq: 1, at: now, run: 1, step, mark: 'failed', failure }];
  return {
    runs: async () => [run],
    planOf: async () => plan,
    journal: async () => journal,
  };
};

test.for([
  [api.address, [api.address]],
  [shop.address, [shop.address]],
  [undefined, [shop.address, api.address]],
] as const)('a step of %s failed: it speaks against %j', async ([failed, blamed]) => {
  const found = await failedReleases(recordOf(failed));
  expect(found.map((each) => each.service).toSorted()).toEqual(blamed.toSorted());
});

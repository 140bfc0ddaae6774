/**
 * 100,000 worlds, each planned and walked through. `DEPLOYCTL_PLAN_SEEDS=from-to` runs others: one to repeat a failure.
 * These are seeds of the planner; the engine has its own in engine.test.ts, fewer, since each is a whole run with deaths.
 */
import { expect, test } from 'vitest';
import { walkPlan } from './plan-seeds.ts';

const [from = 1, to = 100_000] = (process.env.DEPLOYCTL_PLAN_SEEDS ?? '')
  .split('-')
  .filter(Boolean)
  .map(Number);

test(`plans ${from} to ${to}: shares are whole, no traffic to what is not verified, the floor holds, every prefix goes back`, () => {
  const failed: string[] = [];
  let planned = 0;
  for (let seed = from; seed <= to && failed.length < 5; seed += 1) {
    const { problems, steps } = walkPlan(seed);
    if (steps > 0) planned += 1;
    if (problems.length > 0)
      failed.push(`DEPLOYCTL_PLAN_SEEDS=${seed}-${seed}: ${problems.slice(0, 3).join('; ')}`);
  }
  expect(failed).toEqual([]);
  // A generator that only makes worlds in which there is nothing to do would prove nothing.
  expect(planned).toBeGreaterThan((to - from) * 0.5);
}, 900_000);

/** `DEPLOYCTL_SEEDS=from-to` runs other seeds: one to repeat a failure, a million over night. */
import { expect, test } from 'vitest';
import { simulate } from './engine-seeds.ts';

const [from = 1, to = 1_000] = (process.env.DEPLOYCTL_SEEDS ?? '').split('-').filter(Boolean).map(Number);

test(`seeds ${from} to ${to}: every run ends, resumes converge, undone is undone, nothing acknowledged is lost`, async () => {
  const failed: string[] = [];
  for (let seed = from; seed <= to && failed.length < 5; seed += 1) {
    const problems = await simulate(seed).catch((cause: unknown) => [
      String(cause instanceof Error ? cause.stack : cause),
    ]);
    if (problems.length > 0)
      failed.push(`DEPLOYCTL_SEEDS=${seed}-${seed}: ${problems.slice(0, 4).join('; ')}`);
  }
  expect(failed).toEqual([]);
}, 600_000);

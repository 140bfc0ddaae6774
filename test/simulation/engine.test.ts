/**
 * `DEPLOYCTL_SEEDS=from-to` runs other seeds of the one, `DEPLOYCTL_ROLLOUT_SEEDS` of the other: one to repeat a failure, a
 * million over night.
 */
import { expect, test } from 'vitest';
import { simulate, simulateRollout } from './engine-seeds.ts';

const rangeOf = (variable: string, most: number): readonly [number, number] => {
  const [from = 1, to = most] = (process.env[variable] ?? '').split('-').filter(Boolean).map(Number);
  return [from, to];
};

async function play(variable: string, [from, to]: readonly [number, number], run: typeof simulate) {
  const failed: string[] = [];
  for (let seed = from; seed <= to && failed.length < 5; seed += 1) {
    const problems = await run(seed).catch((cause: unknown) => [
      String(cause instanceof Error ? cause.stack : cause),
    ]);
    if (problems.length > 0) failed.push(`${variable}=${seed}-${seed}: ${problems.slice(0, 4).join('; ')}`);
  }
  expect(failed).toEqual([]);
}

const byHand = rangeOf('DEPLOYCTL_SEEDS', 500);
test(
  `seeds ${byHand.join(' to ')}: every run ends, resumes converge, undone is undone, nothing acknowledged is lost`,
  () => play('DEPLOYCTL_SEEDS', byHand, simulate),
  600_000,
);

const planned = rangeOf('DEPLOYCTL_ROLLOUT_SEEDS', 700);
test(
  `rollouts ${planned.join(' to ')}: canary, rolling, in place and blue-green, by balancers and by DNS, with hosts that die: shares add up, no traffic to what is not verified, nobody is taken out below the floor, waits go on where they were, every prefix goes back`,
  () => play('DEPLOYCTL_ROLLOUT_SEEDS', planned, simulateRollout),
  600_000,
);

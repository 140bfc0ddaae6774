/**
 * kill -9 of a process that deploys, at every journal write and at every effect: before and after. All points are
 * enumerated: the loop ends when a run passes them all. Then the run is resumed and must end where it would have.
 */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { noFailpoint } from '../../src/engine/failpoint.ts';
import { resume, run } from '../../src/engine/run.ts';
import { type Json, sameValue } from '../../src/model/index.ts';
import { openLocalState } from '../../src/state/local/store.ts';
import { startChild } from '../rig/processes.ts';
import { temporaryFolder } from '../rig/state.ts';
import {
  cellsIn,
  prepareWorld,
  type Scenario,
  scenarioOptions,
  scenarioPlan,
  scenarios,
  stateFolder,
} from './scenario.ts';

const childScript = new URL('./engine-child.ts', import.meta.url);

interface Killed {
  readonly isKilled: boolean;
  readonly exitCode: number | null;
  readonly acknowledged: readonly number[];
}

async function killAt(folder: string, scenario: Scenario, point: string): Promise<Killed> {
  const child = startChild(childScript, [folder, scenario], { DEPLOYCTL_FAIL: point });
  const { code, signal, lines, stderr } = await child.ended;
  if (signal === null && stderr !== '') throw new Error(stderr);
  return { isKilled: signal === 'SIGKILL', exitCode: code, acknowledged: lines.map(Number) };
}

/** What is wrong after the run was resumed to its end; empty: nothing. */
async function resumeAndJudge(
  folder: string,
  scenario: Scenario,
  acknowledged: readonly number[],
  expected: Readonly<Record<string, Json>>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  await using store = await openLocalState(stateFolder(folder), { create: true, randomUUID });
  const options = scenarioOptions(folder, scenario, store, noFailpoint);
  const runs = await store.runs();
  if (runs.length === 0) await run(scenarioPlan(), options);
  else if ((await store.read()).unfinished !== undefined) await resume(options);

  const outcome = (await store.runs()).at(-1)?.outcome;
  if (outcome !== (scenario === 'switching' ? 'complete' : 'reverted')) problems.push(`it ended ${outcome}`);
  const world = cellsIn(folder).all();
  for (const key of new Set([...Object.keys(world), ...Object.keys(expected)])) {
    if (!sameValue(world[key], expected[key])) problems.push(`${key} is ${JSON.stringify(world[key])}`);
  }
  const kept = new Set((await store.journal(1)).map((entry) => entry.seq));
  for (const seq of acknowledged) if (!kept.has(seq)) problems.push(`acknowledged entry ${seq} is lost`);
  await store.verify();
  return problems;
}

/** Whether the run that was killed is still to be settled, or has not even begun. */
async function mayBeResumed(folder: string): Promise<boolean> {
  await using store = await openLocalState(stateFolder(folder), { create: false, randomUUID });
  return (await store.runs()).length === 0 || (await store.read()).unfinished !== undefined;
}

/** The world after a run that nobody kills: hooks ran once, and it stands where it should. */
async function undisturbed(scenario: Scenario): Promise<Readonly<Record<string, Json>>> {
  using folder = temporaryFolder();
  prepareWorld(folder.path);
  const { isKilled, exitCode } = await killAt(folder.path, scenario, 'kill@100000');
  expect(isKilled).toBe(false);
  expect(exitCode).toBe(scenario === 'switching' ? 0 : 3);
  const world = cellsIn(folder.path).all();
  const runs = Object.entries(world).filter(([key]) => key.startsWith('runs '));
  expect(runs.map(([, count]) => count)).toEqual(scenario === 'switching' ? [1] : [1, 1, 1]);
  return world;
}

test.for(scenarios.map((scenario) => [scenario] as const))(
  '%s: killed at every point, resumed, it ends as if nothing had been',
  { timeout: 600_000 },
  async ([scenario]) => {
    const expected = await undisturbed(scenario);
    const problems: string[] = [];
    const lanes = 2;
    // The first point that a run no longer reaches; a lane that lags behind still has to come up to it.
    let end = Number.POSITIVE_INFINITY;
    const lane = async (first: number): Promise<void> => {
      for (let point = first; point < end; point += lanes) {
        using folder = temporaryFolder();
        prepareWorld(folder.path);
        const killed = await killAt(folder.path, scenario, `kill@${point}`);
        if (!killed.isKilled) {
          end = Math.min(end, point);
          return;
        }
        const found = await resumeAndJudge(folder.path, scenario, killed.acknowledged, expected);
        problems.push(...found.map((problem) => `kill@${point}: ${problem}`));
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index + 1)));
    expect(problems).toEqual([]);
    expect(end).toBeGreaterThan(70);
  },
);

test('killed again while it is resumed, at every fifth point, it still ends there', async () => {
  const expected = await undisturbed('failing');
  const problems: string[] = [];
  for (let point = 3; ; point += 5) {
    using folder = temporaryFolder();
    prepareWorld(folder.path);
    const acknowledged: number[] = [];
    const first = await killAt(folder.path, 'failing', `kill@${point}`);
    if (!first.isKilled) break;
    acknowledged.push(...first.acknowledged);
    for (const next of [4, 7, 11]) {
      if (!(await mayBeResumed(folder.path))) break;
      acknowledged.push(...(await killAt(folder.path, 'failing', `kill@${next}`)).acknowledged);
    }
    const found = await resumeAndJudge(folder.path, 'failing', acknowledged, expected);
    problems.push(...found.map((problem) => `kill@${point}: ${problem}`));
  }
  expect(problems).toEqual([]);
}, 300_000);

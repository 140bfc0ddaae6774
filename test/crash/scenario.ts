/** What the killed process and the test that resumes it must agree on. */
import { join } from 'node:path';
import { createControl } from '../../src/engine/control.ts';
import type { Failpoint } from '../../src/engine/failpoint.ts';
import type { RunOptions } from '../../src/engine/options.ts';
import type { Event, HookDeclared, Plan, Provider, StateStore } from '../../src/model/index.ts';
import { fastClock } from '../rig/clock.ts';
import { FileCells } from '../rig/file-cells.ts';
import { origin, shop, stepOf, switching } from '../rig/plans.ts';
import { actor } from '../rig/state.ts';
import { standBefore, WorldProvider } from '../rig/world.ts';

/** `switching`: all goes well. `failing`: the check under full traffic fails, and everything is undone. */
export const scenarios = ['switching', 'failing'] as const;
export type Scenario = (typeof scenarios)[number];

const hook = (point: HookDeclared['point']): HookDeclared => ({
  point,
  argv: ['/bin/notify'],
  on: 'operator',
  timeoutMs: 1_000,
  environment: {},
  origin,
});

export const stateFolder = (folder: string): string => join(folder, 'state');
const worldFile = (folder: string): string => join(folder, 'world.json');
export const cellsIn = (folder: string): FileCells => new FileCells(worldFile(folder));

/** Blue-green of two hosts with a migration before it and a bake after it, told to the operator when it fails. */
export function scenarioPlan(): Plan {
  const plan = switching([shop({ bakeMs: 2_000 })], { hooks: [hook('on_failure'), hook('on_revert')] });
  const migrate = stepOf('migrate', {
    op: 'hook.run',
    point: 'before_install',
    place: undefined,
    folder: '/',
    argv: ['/bin/migrate'],
    environment: {},
    timeoutMs: 1_000,
  });
  const steps = plan.steps.map((step) => (step.needs.length === 0 ? { ...step, needs: [migrate.id] } : step));
  return { ...plan, steps: [migrate, ...steps] };
}

export function prepareWorld(folder: string): void {
  standBefore(
    cellsIn(folder),
    scenarioPlan().steps.map((step) => step.operation),
  );
}

export function scenarioOptions(
  folder: string,
  scenario: Scenario,
  store: StateStore,
  failpoint: Failpoint,
): RunOptions {
  const provider: Provider = new WorldProvider(cellsIn(folder), {
    isSick: (_, cx) => scenario === 'failing' && cx.step === 'shop-bake',
  });
  return {
    store,
    providerOf: () => provider,
    clock: fastClock(100),
    control: createControl(),
    emit: (_event: Event) => {},
    // One at a time: the n-th point is the same point in every process.
    parallelism: 1,
    actor,
    failpoint,
  };
}

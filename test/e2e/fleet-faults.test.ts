/**
 * Every fault of a fleet in every phase of a run, forwards and back: the whole matrix, which takes more than an hour.
 *
 *   DEPLOYCTL_TEST_FAULTS=all bin/test test/e2e/fleet-faults.test.ts
 *
 * 2/3 instead of all: the second of three parts, which may go on side by side. 7,31: these cells, by the numbers that their
 * names begin with. What of it is in every bin/test is in fleet.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cell, passCell } from '../fleet/cell.ts';
import { faults, pointsWith } from '../fleet/faults.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { type FleetScene, startFleetScene } from '../fleet/scene.ts';

const asked = process.env.DEPLOYCTL_TEST_FAULTS;
const [part = 1, parts = 1] = asked?.includes('/') === true ? asked.split('/').map(Number) : [];
const numbers = asked === undefined || /^all$|\//.test(asked) ? undefined : asked.split(',').map(Number);
const nowhere = asked === undefined ? 'DEPLOYCTL_TEST_FAULTS=all asks for it' : await whyNoFleet();

let scene: FleetScene;
let serves = '1.0.0';
let versions = 1;

const webHosts = 3;

/** Each fault meets each phase; whether before its effect or after it, and what ends it, goes in turns. */
const cells: readonly (readonly [number, Cell])[] = faults
  .flatMap((fault, row) =>
    (['forward', 'revert', 'back'] as const).flatMap((direction) =>
      pointsWith(webHosts)[direction === 'back' ? 'back' : 'forward'].map((phase, column): Cell => {
        const turn = row + column + (direction === 'revert' ? 1 : 0);
        const point = phase[turn % phase.length] ?? '';
        return { fault, direction, point, ending: turn % 4 < 2 ? 'resume' : 'abort' };
      }),
    ),
  )
  .map((cell, index) => [index + 1, cell] as const)
  .filter(([number]) => numbers?.includes(number) ?? (number - 1) % parts === part - 1);

const start = async (): Promise<void> => {
  scene = await startFleetScene(webHosts);
  // What is pruned and what is drained is there from the first cell on.
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
    scene.setVersion(version);
    const { code, stdout, stderr } = await scene.cli('apply', 'prod', '--auto-approve');
    expect([code, stderr, code === 0 ? '' : stdout]).toEqual([0, '', '']);
    serves = version;
  }
  versions = 3;
};

describe.skipIf(nowhere !== undefined)(
  `faults on a fleet${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    // Of several parts side by side none has the machine for itself.
    beforeAll(start, 300_000);
    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]();
    });

    let isClean = true;
    test.for(
      cells.map(
        ([number, cell]) => [number, cell.fault.name, cell.point, cell.direction, cell.ending, cell] as const,
      ),
    )('%i: %s at %s, %s, then %s', { timeout: 300_000 }, async ([number, , , , , cell]) => {
      if (!isClean) {
        // What one cell left behind must not be another's failure.
        await scene[Symbol.asyncDispose]();
        await start();
      }
      isClean = false;
      versions += 1;
      const passed = await passCell(scene, cell, serves, `${versions}.0.0`);
      serves = passed.serves;
      isClean = true;
      const { code, seconds, failed, slowestMs } = passed.outcome;
      console.log(
        `CELL ${number} | ${cell.fault.name} | ${cell.point} | ${cell.direction} | ${cell.ending} | exit ${code} after ${seconds} s | ${failed} failed | slowest ${slowestMs} ms`,
      );
    });
  },
);

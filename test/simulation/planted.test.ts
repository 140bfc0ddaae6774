/** The simulations are worth something only if they find: each fault is planted in the sources, and must be found by its seeds. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { compiled } from '../rig/processes.ts';
import { faults } from './planted-faults.ts';

const program = join(import.meta.dirname, 'planted.ts');
const run = promisify(execFile);
/** Each loads the same sources but for one: compiled once, it takes a fifth of the time to start. */
const env = { ...process.env, NODE_COMPILE_CACHE: compiled };

describe('a fault is found', () => {
  test('there are at least twenty', () => {
    expect(faults.length).toBeGreaterThanOrEqual(20);
  });

  test.for(faults.map((fault, index) => ({ ...fault, index })))(
    '$says',
    { timeout: 300_000 },
    async ({ index }) => {
      const { stdout } = await run(process.execPath, [program, String(index)], { timeout: 290_000, env });
      expect(stdout.trim()).toMatch(/^found at seed /);
    },
  );
});

/**
 * Every check and every test; the last line says how many passed and failed. bin/test calls it when all that it needs
 * is there. Arguments go to vitest: `node tools/test.ts test/unit/planner`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { project } from './build/project.ts';
import { runChecks } from './checks/checks.ts';
import type { CountedWord } from './checks/count-reporter.ts';
import { type InMemory, temporaryFilesInMemory } from './checks/memory-folder.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test that hangs must not hold the machine for ever; on two quiet cores everything takes a third of this. */
const LONGEST_MS = 75 * 60_000;

const checked = await runChecks();
console.log('');
const tested = await runTests(process.argv.slice(2));
const counts: Counts = {
  passed: checked.filter(({ ok }) => ok).length + tested.passed,
  failed: checked.filter(({ ok }) => !ok).length + tested.failed,
  skipped: tested.skipped,
};
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
if (counts.failed > 0) process.exitCode = 1;

async function runTests(filters: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-test-'));
  const file = join(folder, 'counts');
  writeFileSync(file, '');
  using memory = temporaryFilesInMemory();
  if (memory === undefined)
    console.log(
      'test: temporary files are on the disk (only root on Linux may mount memory): slower, and no less',
    );
  try {
    const code = await vitest(file, memory, [
      'run',
      ...filters,
      '--reporter=default',
      '--reporter=./tools/checks/count-reporter.ts',
    ]);
    const words = readFileSync(file, 'utf8').split('\n');
    const count = (wanted: CountedWord): number => words.filter((word) => word === wanted).length;
    const failed = count('failed');
    // A run that was cut off, or that could not begin, has failed even where no test has.
    return {
      passed: count('passed'),
      failed: failed === 0 && code !== 0 ? 1 : failed,
      skipped: count('skipped'),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves with its exit code; undefined: it did not end by itself. */
function vitest(
  counts: string,
  memory: InMemory | undefined,
  rest: readonly string[],
): Promise<number | undefined> {
  const [program, ...before] = [...(memory?.command ?? []), process.execPath] as const;
  return new Promise((resolve) => {
    const child = spawn(
      program ?? process.execPath,
      [...before, join(project.root, 'node_modules/vitest/vitest.mjs'), ...rest],
      {
        cwd: project.root,
        stdio: 'inherit',
        env: { ...process.env, ...memory?.environment, DEPLOYCTL_TEST_COUNTS: counts },
      },
    );
    const late = setTimeout(() => {
      console.log(`the tests took longer than ${LONGEST_MS / 60_000} minutes and were ended`);
      child.kill('SIGTERM');
    }, LONGEST_MS);
    child.on('error', (error) => {
      console.log(`vitest could not be started: ${error.message}`);
      clearTimeout(late);
      resolve(undefined);
    });
    child.on('exit', (code) => {
      clearTimeout(late);
      resolve(code ?? undefined);
    });
  });
}

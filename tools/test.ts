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
import type { CountedTest } from './checks/count-reporter.ts';
import { type InMemory, temporaryFilesInMemory } from './checks/memory-folder.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test that hangs must not hold the machine for ever; on two quiet cores everything takes a quarter of this. */
const LONGEST_MS = 75 * 60_000;
/** Of two hundred. */
const MOST_FILES_AGAIN = 8;

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

/**
 * In CI a file with a failed test is run again, whole and with nothing beside it: real servers on a shared machine can be
 * starved for seconds. What fails twice has failed; what passed then is named. A person sees the first failure.
 */
async function runTests(filters: readonly string[]): Promise<Counts> {
  using memory = temporaryFilesInMemory();
  if (memory === undefined)
    console.log(
      'test: temporary files are on the disk (only root on Linux may mount memory): slower, and no less',
    );
  const until = Date.now() + LONGEST_MS;
  const first = await vitest(memory, until, filters);
  const again = process.env.CI === 'true' ? filesToRunAgain(first) : [];
  if (again.length === 0) return countsOf(first);
  console.log(`\ntest: again, with nothing beside them: ${again.join(' ')}\n`);
  const second = await vitest(memory, until, ['--no-file-parallelism', ...again]);
  const recovered = again.filter((file) => !second.some((test) => isFailed(test) && test.file === file));
  for (const file of recovered) console.log(`test: ${file} failed beside the others, and passed alone`);
  return countsOf([...first.filter(({ file }) => !again.includes(file)), ...second]);
}

/** The files of those that failed. None where so much failed that it is no matter of chance, or something beside all files. */
function filesToRunAgain(tests: readonly CountedTest[]): readonly string[] {
  const files = [...new Set(tests.filter(isFailed).map(({ file }) => file))];
  return files.length > MOST_FILES_AGAIN || files.includes('') ? [] : files;
}

function isFailed({ state }: CountedTest): boolean {
  return state === 'failed';
}

function countsOf(tests: readonly CountedTest[]): Counts {
  const count = (wanted: CountedTest['state']): number =>
    tests.filter(({ state }) => state === wanted).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** Each test that ended. A run that was cut off, or could not begin, has failed even where no test has. */
async function vitest(
  memory: InMemory | undefined,
  until: number,
  rest: readonly string[],
): Promise<readonly CountedTest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-test-'));
  const file = join(folder, 'counts');
  writeFileSync(file, '');
  try {
    const code = await vitestProcess(file, memory, until, [
      'run',
      ...rest,
      '--reporter=default',
      '--reporter=./tools/checks/count-reporter.ts',
    ]);
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const tests = lines.map((line): CountedTest => JSON.parse(line));
    return code === 0 || tests.some(isFailed) ? tests : [...tests, { state: 'failed', file: '' }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves with its exit code; undefined: it did not end by itself. */
function vitestProcess(
  counts: string,
  memory: InMemory | undefined,
  until: number,
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
    }, until - Date.now());
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

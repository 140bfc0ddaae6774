/**
 * Every check and every test; the last line says how many passed and failed. bin/test calls it when all that it needs
 * is there. Arguments go to vitest: `node tools/test.ts test/unit/planner`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { project } from './build/project.ts';
import { runChecks } from './checks/checks.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** The whole of bin/test stays within a quarter of an hour; a test that hangs must not hold it longer. */
const LONGEST_MS = 13 * 60_000;

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
  const report = join(folder, 'report.json');
  try {
    const code = await vitest([
      'run',
      ...filters,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    return count(existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report) : undefined, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(rest: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(project.root, 'node_modules/vitest/vitest.mjs'), ...rest], {
      cwd: project.root,
      stdio: 'inherit',
    });
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

/** A file that fails as a whole, and a run that fails without a failed test, count as one failure each. */
function count(report: Report | undefined, code: number | undefined): Counts {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((each) => each.status === 'failed'),
  );
  for (const { name } of broken) console.log(`failed as a whole: ${name.replace(`${project.root}/`, '')}`);
  const failed = report.numFailedTests + broken.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

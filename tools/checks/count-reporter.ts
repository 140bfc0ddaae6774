/**
 * Counts tests while they end, into the file that DEPLOYCTL_TEST_COUNTS names: a line each, so that the counts are true
 * also of a run that is cut off.
 */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { project } from '../build/project.ts';

/** How a test ended, and the file that it stands in, from the top of the tree; no file: a failure outside of every test. */
export interface CountedTest {
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly file: string;
}

const counts = process.env.DEPLOYCTL_TEST_COUNTS;

const count = (test: CountedTest): void => {
  if (counts !== undefined) appendFileSync(counts, `${JSON.stringify(test)}\n`);
};

const fileOf = ({ moduleId }: TestModule): string => relative(project.root, moduleId);

export default class CountReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state !== 'pending') count({ state, file: fileOf(test.module) });
  }

  /** A file that cannot be loaded, or whose hooks fail, is a failure beside those of its tests. */
  onTestModuleEnd(module: TestModule): void {
    const failedTests = [...module.children.allTests('failed')].length;
    if (module.state() === 'failed' && failedTests === 0) count({ state: 'failed', file: fileOf(module) });
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    // The key that vitest's own report reads, too: the file whose test ran when the error came.
    for (const { VITEST_TEST_PATH: path } of unhandledErrors)
      count({ state: 'failed', file: typeof path === 'string' ? relative(project.root, path) : '' });
  }
}

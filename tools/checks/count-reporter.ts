/**
 * Counts tests while they end, into the file that DEPLOYCTL_TEST_COUNTS names: one word a line, so that the counts are
 * true also of a run that is cut off.
 */
import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export type CountedWord = 'passed' | 'failed' | 'skipped';

const file = process.env['DEPLOYCTL_TEST_COUNTS'];

const count = (word: CountedWord): void => {
  if (file !== undefined) appendFileSync(file, `${word}\n`);
};

export default class CountReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state !== 'pending') count(state);
  }

  /** A file that cannot be loaded, or whose hooks fail, is a failure beside those of its tests. */
  onTestModuleEnd(module: TestModule): void {
    const failedTests = [...module.children.allTests('failed')].length;
    if (module.state() === 'failed' && failedTests === 0) count('failed');
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    for (const _ of unhandledErrors) count('failed');
  }
}

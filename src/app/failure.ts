import type { Diagnostic } from '../model/index.ts';

/** Exit codes of cli.md that the application decides; the command's process ends with them. */
export type FailureCode = 1 | 4 | 5 | 6;

/** Ends what was asked for with what its user can mend. Nothing was changed unless a diagnostic says so. */
export class AppFailure extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: FailureCode;

  constructor(diagnostics: readonly Diagnostic[], exitCode: FailureCode = 1) {
    super(diagnostics.map(({ summary, detail }) => `${summary}: ${detail}`).join('\n'));
    this.name = 'AppFailure';
    this.diagnostics = diagnostics;
    this.exitCode = exitCode;
  }
}

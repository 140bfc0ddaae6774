/** What a command says to a program when it could not even begin: the same place and form as its result would have. */
import type { Declared, Diagnostic, Instant } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { outputsJson } from './outputs-text.ts';
import { isoTime } from './time-text.ts';

/** Commands whose JSON is one event a line. All others print one document. */
const tellEvents: ReadonlySet<string> = new Set(['apply', 'revert', 'abort']);

/** `exitCode` is that of the process. Nothing was changed by the command. */
export const refusalJson = (
  command: string,
  diagnostics: readonly Diagnostic[],
  exitCode: number,
  at: Instant,
): object =>
  tellEvents.has(command)
    ? summaryWithoutRun('refused', diagnostics, exitCode, at)
    : { format_version: '1.0', diagnostics: diagnostics.map(diagnosticJson) };

/** The one event where nothing had to be done. */
export const withoutStepsJson = (at: Instant, outputs: Declared['outputs'] = {}): object => ({
  ...summaryWithoutRun('complete', [], 0, at),
  outputs: outputsJson(outputs),
});

const summaryWithoutRun = (
  outcome: 'refused' | 'complete',
  failures: readonly Diagnostic[],
  exitCode: number,
  at: Instant,
): object => ({
  type: 'summary',
  at: isoTime(at),
  run: null,
  seq: 1,
  format_version: '1.0',
  outcome,
  exit_code: exitCode,
  elapsed_ms: 0,
  steps_done: 0,
  steps_undone: 0,
  failures: failures.map(diagnosticJson),
  traffic: null,
});

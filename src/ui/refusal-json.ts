/** What a command says to a program when it could not even begin: the same place and form as its result would have. */
import type { Diagnostic, Instant } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
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
    ? {
        type: 'summary',
        at: isoTime(at),
        run: null,
        seq: 1,
        format_version: '1.0',
        outcome: 'refused',
        exit_code: exitCode,
        elapsed_ms: 0,
        steps_done: 0,
        steps_undone: 0,
        failures: diagnostics.map(diagnosticJson),
        traffic: null,
      }
    : { format_version: '1.0', diagnostics: diagnostics.map(diagnosticJson) };

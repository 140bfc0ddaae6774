/** `validate --json`, in Terraform's format with our fields beside it. */
import { type Diagnostic, isError } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { Lines, offsetOf } from './source-lines.ts';

export const validateJson = (
  diagnostics: readonly Diagnostic[],
  sourceText: (file: string) => string | undefined,
) => {
  const errors = diagnostics.filter(isError).length;
  return {
    format_version: '1.0',
    valid: errors === 0,
    error_count: errors,
    warning_count: diagnostics.length - errors,
    diagnostics: diagnostics.map((each) => ({ ...diagnosticJson(each), ...snippetOf(each, sourceText) })),
  };
};

/** The lines of the subject, and which part of them is meant, in UTF-16 units from the start of `code` as Terraform's readers expect. */
function snippetOf({ subject }: Diagnostic, sourceText: (file: string) => string | undefined) {
  const text = subject === undefined ? undefined : sourceText(subject.file);
  if (subject === undefined || text === undefined) return {};
  const source = new Lines(text);
  const { start, end } = subject;
  const lines: string[] = [];
  for (let number = start.line; number <= end.line; number += 1) lines.push(source.line(number) ?? '');
  const before = lines.slice(0, -1).reduce((length, line) => length + line.length + 1, 0);
  return {
    snippet: {
      context: null,
      code: lines.join('\n'),
      start_line: start.line,
      highlight_start_offset: offsetOf(lines[0] ?? '', start),
      highlight_end_offset: before + offsetOf(lines.at(-1) ?? '', end),
      values: [],
    },
  };
}

/** `validate --json`, in Terraform's format with our fields beside it. */
import { type Diagnostic, isError } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';

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
  const lines = text.split(/\r?\n/).slice(subject.start.line - 1, subject.end.line);
  const last = lines.at(-1) ?? '';
  const before = lines.slice(0, -1).reduce((length, line) => length + line.length + 1, 0);
  return {
    snippet: {
      context: null,
      code: lines.join('\n'),
      start_line: subject.start.line,
      highlight_start_offset: subject.start.column - 1,
      highlight_end_offset: before + Math.min(last.length, subject.end.column - 1),
      values: [],
    },
  };
}

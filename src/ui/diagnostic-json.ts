import type { Diagnostic, SourceRange } from '../model/index.ts';

const rangeJson = (range: SourceRange) => ({ filename: range.file, start: range.start, end: range.end });

/** A diagnostic as every JSON document shows it: Terraform's field names, and ours beside them. */
export const diagnosticJson = (diagnostic: Diagnostic) => ({
  code: diagnostic.code,
  severity: diagnostic.severity,
  summary: diagnostic.summary,
  detail: diagnostic.detail,
  ...(diagnostic.hint === undefined ? {} : { hint: diagnostic.hint }),
  ...(diagnostic.address === undefined ? {} : { address: diagnostic.address }),
  ...(diagnostic.subject === undefined ? {} : { range: rangeJson(diagnostic.subject) }),
  ...(diagnostic.values === undefined ? {} : { values: diagnostic.values }),
});

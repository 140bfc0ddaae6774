import type { Diagnostic } from '../../model/diagnostic.ts';
import type { SourceText } from './source.ts';

/** An error of syntax, still in offsets: positions cost time, and most complaints are never shown. */
export interface Complaint {
  /** Kebab-case, starts with `hcl-`. */
  readonly code: string;
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
  /** The start of what should be shown around it, when that is more. */
  readonly contextStart?: number;
}

/** A file with more errors than this is of another kind; more would be noise, and could fill the memory. */
export const COMPLAINT_LIMIT = 100;

/** Complaints in the order of the source, one for each place, as diagnostics. */
export function toDiagnostics(complaints: readonly Complaint[], source: SourceText): Diagnostic[] {
  const sorted = complaints.toSorted((a, b) => a.start - b.start);
  const diagnostics: Diagnostic[] = [];
  let previous: Complaint | undefined;
  for (const complaint of sorted) {
    // The parser stumbles over the very token that the lexer has already explained, and better.
    if (previous?.start === complaint.start) continue;
    previous = complaint;
    diagnostics.push(toDiagnostic(complaint, source));
  }
  return diagnostics;
}

function toDiagnostic(complaint: Complaint, source: SourceText): Diagnostic {
  const { code, summary, detail, hint, start, end, contextStart } = complaint;
  return {
    code,
    severity: 'error',
    summary,
    detail,
    ...(hint === undefined ? {} : { hint }),
    subject: source.range(start, end),
    ...(contextStart === undefined || contextStart >= start
      ? {}
      : { context: source.range(contextStart, end) }),
  };
}

import type { Diagnostic } from '../../model/diagnostic.ts';
import type { Expression } from '../syntax/ast.ts';
import { stepInto } from './access.ts';
import { describeValue } from './describe.ts';
import { references, referenceText } from './references.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';
import { sensitive } from './values.ts';

/** Offsets of a stretch of the source. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * An error of an evaluation before anybody wants to read it. Most are thrown away, by `try` or by the side of a
 * conditional that was not taken; only the rest pay for positions and values.
 */
export interface Problem {
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string | undefined;
  readonly subject: Span;
  readonly context?: Span | undefined;
  /** The expression whose values matter, and where it was evaluated. */
  readonly expression?: Expression | undefined;
  readonly scope: Scope;
}

/** The code of an error is its summary in kebab case, which never changes: `Invalid index` is `hcl-invalid-index`. */
export const codeOf = (summary: string): string =>
  `hcl-${summary
    .toLowerCase()
    .replace(/'/g, '')
    .replace(/[^a-z0-9]+/g, '-')}`;

export function toDiagnostic(problem: Problem): Diagnostic {
  const { summary, detail, hint, subject, context, expression, scope } = problem;
  const values = expression === undefined ? [] : valuesOf(expression, scope);
  return {
    code: codeOf(summary),
    severity: 'error',
    summary,
    detail,
    ...(hint === undefined ? {} : { hint }),
    subject: scope.source.rangeOf(subject),
    ...(context === undefined ? {} : { context: scope.source.rangeOf(context) }),
    ...(values.length === 0 ? {} : { values }),
  };
}

/** `local.x is 3` for each reference in the expression, as far as it can be followed; nothing of what is sensitive. */
function valuesOf(expression: Expression, scope: Scope): string[] {
  const lines = new Set<string>();
  for (const reference of references(expression)) {
    const found = scope.resolve(reference.root, reference);
    if (found === undefined || found.problem !== undefined) continue;
    let value: Value | undefined = found.value;
    for (const step of reference.steps.slice(found.stepsTaken ?? 0)) {
      value = value === undefined ? undefined : stepInto(value, step);
    }
    if (value === undefined) continue;
    const isPrivate = scope.isHidden && scope.bound(reference.root) !== undefined;
    const description = describeValue(isPrivate ? sensitive(value) : value);
    if (description !== undefined) lines.add(`${referenceText(reference)} ${description}`);
  }
  return [...lines].sort();
}

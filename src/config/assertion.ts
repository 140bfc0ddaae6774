/** Conditions with messages: `validation`, `precondition` and `assert` blocks. */
import { ConversionFailure, convert } from '../hcl/eval/conversion.ts';
import { toDiagnostic } from '../hcl/eval/problem.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { BOOL, STRING } from '../hcl/eval/types.ts';
import { marksWithin, type Value } from '../hcl/eval/values.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import type { Reporter } from './evaluation.ts';

export interface Rule {
  readonly condition: Expression;
  readonly message: Expression;
  readonly scope: Scope;
}

/** What to say when a condition is false: `detail` gets the rule's own message. */
export interface FailedRule {
  readonly code: string;
  readonly summary: string;
  readonly severity: 'error' | 'warning';
  readonly detail: (message: string) => string;
}

/** Whether the condition holds. A false one is reported as `failed` says; one that cannot be told counts as true. */
export function holds({ condition, message, scope }: Rule, failed: FailedRule, report: Reporter): boolean {
  const given = report.evaluate(condition, scope);
  if (given === undefined || given.kind === 'unknown') return true;
  const invalid = (detail: string): boolean => {
    report.evaluation(
      { summary: 'Invalid condition result', detail, subject: condition, expression: condition, scope },
      'invalid-condition',
    );
    return true;
  };
  if (given.kind === 'null')
    return invalid('Condition expression must return either true or false, not null.');
  let value: Value = given;
  try {
    value = convert(given, BOOL);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    return invalid(`Invalid condition result value: ${failure.message}.`);
  }
  if (value.kind !== 'bool' || value.isTrue) return true;
  const { code, summary, severity, detail } = failed;
  const diagnostic = toDiagnostic({
    summary,
    detail: detail(messageText(message, scope, report)),
    subject: condition,
    expression: condition,
    scope,
  });
  report.problems.add({ ...diagnostic, code, severity });
  return false;
}

function messageText(expression: Expression, scope: Scope, report: Reporter): string {
  const value = report.evaluate(expression, scope);
  if (value === undefined) return 'The condition does not hold, and its message could not be worked out.';
  if (marksWithin(value).size > 0)
    return 'The condition does not hold. Its message contains a sensitive value, so it is not shown.';
  const text = value.kind === 'unknown' ? undefined : asText(value);
  return text === undefined || text === '' ? 'The condition does not hold.' : text;
}

/** undefined: null, or of a kind that is no text. */
function asText(value: Value): string | undefined {
  try {
    const text = convert(value, STRING);
    return text.kind === 'string' ? text.text.trim() : undefined;
  } catch (failure) {
    if (failure instanceof ConversionFailure) return undefined;
    throw failure;
  }
}

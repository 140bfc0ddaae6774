import type { Diagnostic } from '../../model/diagnostic.ts';
import type { Expression } from '../syntax/ast.ts';
import { parseExpression } from '../syntax/parser.ts';
import { Evaluator } from './evaluator.ts';
import { Budget, LimitFailure } from './limits.ts';
import { type Problem, toDiagnostic } from './problem.ts';
import type { Scope } from './scope.ts';
import { UNKNOWN, type Value } from './values.ts';

export interface Evaluation {
  /** Unknown where there are errors. */
  readonly value: Value;
  readonly diagnostics: readonly Diagnostic[];
}

const NOTHING_WRONG: readonly Diagnostic[] = [];

/** More of the same kind help nobody, and a loop can make one for each item. */
const MAX_DIAGNOSTICS = 100;

/**
 * The value of an expression. Never throws: what is wrong is in `diagnostics`, all of it. Reads and computes only
 * what the scope allows, and within its budget; going beyond it is an error like any other.
 */
export function evaluate(expression: Expression, scope: Scope): Evaluation {
  const evaluator = evaluatorFor(scope);
  try {
    const value = evaluator.value(expression, scope);
    const { problems, danglingReferences } = evaluator;
    if (problems.length === 0 && danglingReferences.length === 0) {
      idle = evaluator;
      return { value, diagnostics: NOTHING_WRONG };
    }
    return { value, diagnostics: toDiagnostics([...new Set([...problems, ...danglingReferences])]) };
  } catch (failure) {
    const limit = asLimit(failure);
    if (limit === undefined) throw failure;
    const about = { summary: 'Expression is too expensive', detail: limit, subject: expression, scope };
    return { value: UNKNOWN, diagnostics: toDiagnostics([...evaluator.problems, about]) };
  }
}

/** One that has found nothing wrong, and serves for the next evaluation with the same budget: there are thousands. */
let idle: Evaluator | undefined;

function evaluatorFor({ budget }: Scope): Evaluator {
  const known = idle;
  // An evaluation inside of this one needs another.
  idle = undefined;
  return known !== undefined && known.budget === budget ? known : new Evaluator(budget ?? new Budget());
}

function toDiagnostics(problems: readonly Problem[]): Diagnostic[] {
  const seen = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const problem of problems) {
    if (diagnostics.length >= MAX_DIAGNOSTICS) break;
    const diagnostic = toDiagnostic(problem);
    const key = JSON.stringify(diagnostic);
    if (seen.has(key)) continue;
    seen.add(key);
    diagnostics.push(diagnostic);
  }
  return diagnostics;
}

/** What JavaScript itself refuses is a limit of ours, too: its stack and its longest string. */
function asLimit(failure: unknown): string | undefined {
  if (failure instanceof LimitFailure) return failure.message;
  if (!(failure instanceof RangeError)) return undefined;
  if (/call stack/i.test(failure.message)) return 'It is nested too deeply.';
  return /string length|array length|BigInt/i.test(failure.message)
    ? 'A value would be too large.'
    : undefined;
}

/** Reads and evaluates a text: what `console` and flags need. `scope.at` is applied to the text read. */
export function evaluateText(text: string, scope: Scope, file = '<expression>'): Evaluation {
  const { expression, source, diagnostics } = parseExpression(text, file);
  if (diagnostics.length > 0) return { value: UNKNOWN, diagnostics };
  return evaluate(expression, scope.at(source));
}

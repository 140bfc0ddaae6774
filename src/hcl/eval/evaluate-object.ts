import type { ObjectExpression, ObjectItem } from '../syntax/ast.ts';
import { ConversionFailure, convert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import type { Evaluator } from './evaluator.ts';
import type { Marks } from './marks.ts';
import { joinMarks, NO_MARKS } from './marks.ts';
import type { Scope } from './scope.ts';
import { STRING } from './types.ts';
import type { Value } from './values.ts';
import { composed, object, UNKNOWN, unmark, withMarks } from './values.ts';

/**
 * `{ key = value }`. Of two equal keys the last counts. Marks of keys become the object's; an unknown key leaves
 * the whole object open.
 */
export function evaluateObject(evaluator: Evaluator, node: ObjectExpression, scope: Scope): Value {
  const entries = new Map<string, Value>();
  let marks: Marks = NO_MARKS;
  let isKnown = true;
  for (const item of node.items) {
    if (item.bareKey !== undefined) {
      entries.set(composed(item.bareKey), evaluator.value(item.value, scope));
      continue;
    }
    const before = evaluator.problems.length;
    const key = keyOf(evaluator, item, scope);
    const failed = evaluator.failedSince(before);
    const value = evaluator.value(item.value, scope);
    const name = failed ? undefined : keyText(evaluator, key, item, scope);
    if (!failed) marks = joinMarks(marks, key.marks);
    if (name === undefined) isKnown = false;
    else entries.set(name, value);
  }
  return isKnown ? withMarks(object(entries), marks) : UNKNOWN;
}

function keyOf(evaluator: Evaluator, item: ObjectItem, scope: Scope): Value {
  if (item.key.kind === 'traversal' && item.key.steps.length > 0) {
    return evaluator.report({
      summary: 'Ambiguous attribute key',
      detail:
        "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal name containing periods, wrap it in quotes to create a string literal.",
      subject: item.key,
      scope,
    });
  }
  return evaluator.value(item.key, scope);
}

/** Undefined when the key is unknown or cannot be one. */
function keyText(evaluator: Evaluator, key: Value, item: ObjectItem, scope: Scope): string | undefined {
  const about = { expression: item.key, scope };
  if (key.kind === 'null') {
    const detail = "Can't use a null value as a key.";
    evaluator.report({ summary: 'Null value as key', detail, subject: item.value, ...about });
    return undefined;
  }
  try {
    const text = convert(unmark(key), STRING);
    return text.kind === 'string' ? text.text : undefined;
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    const detail = `Can't use this value as a key: ${discreetReason(failure, key, scope)}.`;
    evaluator.report({ summary: 'Incorrect key type', detail, subject: item.key, ...about });
    return undefined;
  }
}

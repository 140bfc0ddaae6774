import type { Expression, For } from '../syntax/ast.ts';
import { ConversionFailure, convert, tryConvert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import type { Evaluator } from './evaluator.ts';
import type { Marks } from './marks.ts';
import { joinMarks } from './marks.ts';
import { fromCount } from './numbers.ts';
import { quote } from './quote.ts';
import type { Scope } from './scope.ts';
import { BOOL, friendlyName, isCollection, STRING } from './types.ts';
import type { Value } from './values.ts';
import {
  MappingValue,
  number,
  object,
  SequenceValue,
  string,
  tuple,
  UNKNOWN,
  unmark,
  withMarks,
} from './values.ts';

/** What the loops of an expression and of a template have in common. */
export interface Loop {
  readonly node: Expression;
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  readonly condition: Expression | undefined;
}

/** What a loop has gathered besides its items. */
interface Gathered {
  marks: Marks;
  /** False once an item, a key or a condition was not known, and so the whole result is not. */
  isKnown: boolean;
}

/** `[for ...]` and `{for ...}`. */
export function evaluateFor(evaluator: Evaluator, node: For, scope: Scope): Value {
  const loop: Loop = { ...node, node };
  const collection = iterable(evaluator, loop, scope);
  if (collection === undefined) return UNKNOWN;
  const { value, marks } = collection;
  const gathered: Gathered = { marks, isKnown: true };
  if (node.key === undefined) {
    const items: Value[] = [];
    forEachItem(evaluator, loop, value, gathered, scope, (inner) => {
      items.push(evaluator.value(node.value, inner));
    });
    return withMarks(gathered.isKnown ? tuple(items) : UNKNOWN, gathered.marks);
  }
  return buildObject(evaluator, loop, node, node.key, value, gathered, scope);
}

function buildObject(
  evaluator: Evaluator,
  loop: Loop,
  node: For,
  keyExpression: Expression,
  collection: Value,
  gathered: Gathered,
  scope: Scope,
): Value {
  const entries = new Map<string, Value>();
  const groups = new Map<string, Value[]>();
  forEachItem(evaluator, loop, collection, gathered, scope, (inner) => {
    const raw = evaluator.value(keyExpression, inner);
    const about = { subject: keyExpression, context: node, expression: keyExpression, scope: inner };
    const key = objectKey(evaluator, raw, about, gathered);
    if (key === undefined) return;
    const value = evaluator.value(node.value, inner);
    if (node.group) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [value]);
      else group.push(value);
    } else if (entries.has(key)) {
      const shown = raw.marks.size > 0 || inner.isHidden ? '(sensitive value)' : quote(key);
      evaluator.report({
        summary: 'Duplicate object key',
        detail: `Two different items produced the key ${shown} in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.`,
        ...about,
      });
    } else entries.set(key, value);
  });
  for (const [key, group] of groups) entries.set(key, tuple(group));
  return withMarks(gathered.isKnown ? object(entries) : UNKNOWN, gathered.marks);
}

type About = Pick<Parameters<Evaluator['report']>[0], 'subject' | 'context' | 'expression' | 'scope'>;

/** Undefined when the item has no key that is known. The first thing wrong is enough. */
function objectKey(evaluator: Evaluator, raw: Value, about: About, gathered: Gathered): string | undefined {
  const refuse = (detail: string): undefined => {
    if (gathered.isKnown) evaluator.report({ summary: 'Invalid object key', detail, ...about });
    gathered.isKnown = false;
  };
  if (raw.kind === 'null') return refuse("Key expression in 'for' expression must not produce a null value.");
  gathered.marks = joinMarks(gathered.marks, raw.marks);
  if (raw.kind === 'unknown') {
    gathered.isKnown = false;
    return undefined;
  }
  try {
    const key = convert(unmark(raw), STRING);
    return key.kind === 'string' ? key.text : undefined;
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    return refuse(
      `The key expression produced an invalid result: ${discreetReason(failure, raw, about.scope)}.`,
    );
  }
}

/**
 * The collection of a loop, without its marks; undefined when there is nothing to go through (the reason is
 * reported). An unknown collection is returned as such.
 */
export function iterable(
  evaluator: Evaluator,
  loop: Loop,
  scope: Scope,
): { readonly value: Value; readonly marks: Marks } | undefined {
  const value = evaluator.value(loop.collection, scope);
  const about = { subject: loop.collection, context: loop.node, expression: loop.collection, scope };
  if (value.kind === 'null') {
    const detail = "A null value cannot be used as the collection in a 'for' expression.";
    evaluator.report({ summary: 'Iteration over null value', detail, ...about });
    return undefined;
  }
  const { type } = value;
  if (type.kind === 'dynamic') return undefined;
  if (!isCollection(type) && type.kind !== 'tuple' && type.kind !== 'object') {
    const detail = `A value of type ${friendlyName(type)} cannot be used as the collection in a 'for' expression.`;
    evaluator.report({ summary: 'Iteration over non-iterable value', detail, ...about });
    return undefined;
  }
  return { value: unmark(value), marks: value.marks };
}

/** Visits each item that passes the condition, with a scope of its own. */
export function forEachItem(
  evaluator: Evaluator,
  loop: Loop,
  collection: Value,
  gathered: Gathered,
  scope: Scope,
  visit: (inner: Scope) => void,
): void {
  const { condition, keyName, valueName } = loop;
  if (condition !== undefined && !checkCondition(evaluator, condition, loop, gathered, scope)) return;
  if (collection.kind === 'unknown') {
    gathered.isKnown = false;
    return;
  }
  const visitItem = (value: Value, key: Value | undefined): void => {
    evaluator.budget.spend(2);
    const inner = scope.bindItem(valueName, value, keyName, key, gathered.marks.size > 0);
    if (condition === undefined || isIncluded(evaluator, condition, loop, gathered, inner)) visit(inner);
  };
  if (collection instanceof MappingValue) {
    for (const [key, value] of collection.entries)
      visitItem(value, keyName === undefined ? undefined : string(key));
  } else if (collection instanceof SequenceValue) {
    for (const [i, value] of collection.elements.entries()) {
      // A set's elements are their own keys.
      const key =
        collection.kind === 'set' ? value : keyName === undefined ? undefined : number(fromCount(i));
      visitItem(value, key);
    }
  }
}

/** What is wrong with the condition whatever the item is, said once: it is evaluated for an item not known yet. */
function checkCondition(
  evaluator: Evaluator,
  condition: Expression,
  loop: Loop,
  gathered: Gathered,
  scope: Scope,
): boolean {
  const before = evaluator.problems.length;
  const result = evaluator.value(condition, scope.bindItem(loop.valueName, UNKNOWN, loop.keyName, UNKNOWN));
  const about = { subject: condition, context: loop.node, expression: condition, scope };
  if (result.kind === 'null') {
    const detail = "The value of the 'if' clause must not be null.";
    evaluator.report({ summary: 'Condition is null', detail, ...about });
  } else if (tryConvert(result, BOOL) === undefined) {
    evaluator.report({ summary: "Invalid 'for' condition", detail: whyNotBool(result), ...about });
  }
  if (!evaluator.failedSince(before)) return true;
  gathered.isKnown = false;
  return false;
}

function whyNotBool(value: Value): string {
  try {
    convert(unmark(value), BOOL);
    return '';
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    return `The 'if' clause value is invalid: ${discreetReason(failure, value)}.`;
  }
}

function isIncluded(
  evaluator: Evaluator,
  condition: Expression,
  loop: Loop,
  gathered: Gathered,
  scope: Scope,
): boolean {
  const result = evaluator.value(condition, scope);
  const refuse = (detail: string): false => {
    const about = { subject: condition, context: loop.node, expression: condition, scope };
    if (gathered.isKnown) evaluator.report({ summary: "Invalid 'for' condition", detail, ...about });
    gathered.isKnown = false;
    return false;
  };
  if (result.kind === 'null') return refuse("The value of the 'if' clause must not be null.");
  gathered.marks = joinMarks(gathered.marks, result.marks);
  const include = tryConvert(unmark(result), BOOL);
  if (include === undefined) return refuse(whyNotBool(result));
  if (include.kind === 'unknown') gathered.isKnown = false;
  return include.kind === 'bool' && include.isTrue;
}

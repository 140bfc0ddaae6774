import type { Conditional, TemplateIf } from '../syntax/ast.ts';
import { ConversionFailure, convert, tryConvert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import type { Evaluator } from './evaluator.ts';
import type { Marks } from './marks.ts';
import { joinMarks } from './marks.ts';
import { compareNumbers } from './numbers.ts';
import { quote } from './quote.ts';
import type { Bound, Refinement } from './refinements.ts';
import type { Scope } from './scope.ts';
import type { Type } from './types.ts';
import { BOOL, DYNAMIC, friendlyName, isCollection, NUMBER, sameType } from './types.ts';
import { unify } from './unify.ts';
import type { Value } from './values.ts';
import {
  isNotNull,
  MappingValue,
  marksWithin,
  nullOf,
  SequenceValue,
  unknown,
  unmark,
  withMarks,
} from './values.ts';

/**
 * `condition ? a : b`. Both sides are evaluated, since the type of the result is the one they have in common, but
 * only the problems of the side taken count. The result has the marks of all three.
 */
export function evaluateConditional(
  evaluator: Evaluator,
  node: Conditional | TemplateIf,
  scope: Scope,
): Value {
  const start = evaluator.problems.length;
  const whenTrue = evaluator.value(node.whenTrue, scope);
  const trueProblems = evaluator.takeBack(start);
  const whenFalse = evaluator.value(node.whenFalse, scope);
  const falseProblems = evaluator.takeBack(start);

  const type = commonType(whenTrue, whenFalse);
  if (type === undefined) {
    const isSensitive = scope.isHidden || marksWithin(whenTrue).size + marksWithin(whenFalse).size > 0;
    return evaluator.report({
      summary: 'Inconsistent conditional result types',
      detail: `The true and false result expressions must have consistent types. ${describeMismatch(whenTrue.type, whenFalse.type, isSensitive)}.`,
      subject: { start: node.whenTrue.start, end: node.whenFalse.end },
      context: node,
      expression: node,
      scope,
    });
  }

  const given = evaluator.value(node.condition, scope);
  const about = { subject: node.condition, context: node, expression: node.condition, scope };
  if (given.kind === 'null') {
    const detail = 'The condition value is null. Conditions must either be true or false.';
    evaluator.report({ summary: 'Null condition', detail, ...about });
    return unknown(type);
  }
  const marks = joinMarks(given.marks, joinMarks(whenTrue.marks, whenFalse.marks));
  if (given.kind === 'unknown') return undecided(unmark(whenTrue), unmark(whenFalse), type, marks);
  const condition = tryConvert(unmark(given), BOOL);
  if (condition?.kind !== 'bool') {
    const detail = 'The condition expression must be of type bool.';
    evaluator.report({ summary: 'Incorrect condition type', detail, ...about });
    return unknown(type);
  }
  const [taken, side, name] = condition.isTrue
    ? [whenTrue, node.whenTrue, 'true']
    : [whenFalse, node.whenFalse, 'false'];
  for (const problem of condition.isTrue ? trueProblems : falseProblems) evaluator.report(problem);
  try {
    return withMarks(convert(unmark(taken), type), marks);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    evaluator.report({
      summary: 'Inconsistent conditional result types',
      detail: `The ${name} result value has the wrong type: ${discreetReason(failure, taken, scope)}.`,
      subject: side,
      context: node,
      expression: side,
      scope,
    });
    return withMarks(unknown(type), marks);
  }
}

const UNEVEN =
  "At least one deeply-nested attribute or element is not compatible across both the 'true' and the 'false' value";

/** A null without a type takes the other side's; a side of unknown type leaves the result open. */
function commonType(whenTrue: Value, whenFalse: Value): Type | undefined {
  const isBareNull = (value: Value): boolean =>
    value.kind === 'null' && value.type.kind === 'dynamic' && value.marks.size === 0;
  if (isBareNull(whenTrue)) return whenFalse.type;
  if (isBareNull(whenFalse)) return whenTrue.type;
  if (whenTrue.type.kind === 'dynamic' || whenFalse.type.kind === 'dynamic') return DYNAMIC;
  return unify([whenTrue.type, whenFalse.type]);
}

/** The result while the condition is not known: what both sides have in common. */
function undecided(a: Value, b: Value, type: Type, marks: Marks): Value {
  if (a.kind === 'null' && b.kind === 'null') return withMarks(nullOf(type), marks);
  const notNull: Refinement = isNotNull(a) && isNotNull(b) ? { notNull: true } : {};
  if (a.type.kind === 'number' && b.type.kind === 'number') {
    const [aLow, aHigh] = bounds(a);
    const [bLow, bHigh] = bounds(b);
    const lower = outer(aLow, bLow, -1);
    const upper = outer(aHigh, bHigh, 1);
    const range = { ...(lower === undefined ? {} : { lower }), ...(upper === undefined ? {} : { upper }) };
    return withMarks(unknown(NUMBER, { ...notNull, ...range }), marks);
  }
  if (isCollection(a.type) && sameType(a.type, b.type)) {
    const [aMin, aMax] = lengths(a);
    const [bMin, bMax] = lengths(b);
    const maxLength = Math.max(aMax, bMax);
    const range = { minLength: Math.min(aMin, bMin), ...(Number.isFinite(maxLength) ? { maxLength } : {}) };
    return withMarks(unknown(type, { ...notNull, ...range }), marks);
  }
  return withMarks(unknown(type, notNull), marks);
}

function bounds(value: Value): readonly [Bound | undefined, Bound | undefined] {
  if (value.kind === 'number') {
    const at = { at: value.number, inclusive: true };
    return [at, at];
  }
  return value.kind === 'unknown' ? [value.refinement.lower, value.refinement.upper] : [undefined, undefined];
}

function outer(a: Bound | undefined, b: Bound | undefined, direction: 1 | -1): Bound | undefined {
  if (a === undefined || b === undefined) return undefined;
  const difference = compareNumbers(a.at, b.at) * direction;
  if (difference !== 0) return difference > 0 ? a : b;
  return a.inclusive ? a : b;
}

function lengths(value: Value): readonly [number, number] {
  if (value.kind === 'unknown') {
    return [value.refinement.minLength ?? 0, value.refinement.maxLength ?? Number.POSITIVE_INFINITY];
  }
  if (value instanceof MappingValue) return [value.entries.size, value.entries.size];
  if (value instanceof SequenceValue) {
    const { length } = value.elements;
    return value.kind === 'set' && !value.isWhollyKnown && length > 1
      ? [0, Number.POSITIVE_INFINITY]
      : [length, length];
  }
  return [0, Number.POSITIVE_INFINITY];
}

/**
 * What keeps the two sides apart, in Terraform's words. Of sensitive values it goes no deeper than their types' names:
 * attributes may be called, and tuples be as long, as something sensitive says.
 */
function describeMismatch(whenTrue: Type, whenFalse: Type, isSensitive = false): string {
  if (isSensitive) {
    if (whenTrue.kind === whenFalse.kind) return UNEVEN;
  } else if (whenTrue.kind === 'object' && whenFalse.kind === 'object') {
    for (const [name, type] of whenTrue.attributes) {
      const other = whenFalse.attributes.get(name);
      if (other === undefined) {
        return `The 'true' value includes object attribute ${quote(name)}, which is absent in the 'false' value`;
      }
      if (!sameType(type, other)) {
        return `Type mismatch for object attribute ${quote(name)}: ${describeMismatch(type, other)}`;
      }
    }
    for (const name of whenFalse.attributes.keys()) {
      if (!whenTrue.attributes.has(name)) {
        return `The 'false' value includes object attribute ${quote(name)}, which is absent in the 'true' value`;
      }
    }
  } else if (whenTrue.kind === 'tuple' && whenFalse.kind === 'tuple') {
    const [count, otherCount] = [whenTrue.elements.length, whenFalse.elements.length];
    if (count !== otherCount) {
      return `The 'true' tuple has length ${count}, but the 'false' tuple has length ${otherCount}`;
    }
    for (const [i, type] of whenTrue.elements.entries()) {
      const other = whenFalse.elements[i] ?? DYNAMIC;
      if (!sameType(type, other))
        return `Type mismatch for tuple element ${i}: ${describeMismatch(type, other)}`;
    }
  } else if (isCollection(whenTrue) && isCollection(whenFalse) && whenTrue.kind === whenFalse.kind) {
    const [type, other] = [whenTrue.element, whenFalse.element];
    if (type.kind === other.kind && (type.kind === 'object' || type.kind === 'tuple')) {
      return `Mismatched ${whenTrue.kind} element types: ${describeMismatch(type, other)}`;
    }
  }
  const [name, otherName] = [friendlyName(whenTrue), friendlyName(whenFalse)];
  if (name === otherName) {
    return UNEVEN;
  }
  return `The 'true' value is ${name}, but the 'false' value is ${otherName}`;
}

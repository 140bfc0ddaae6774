import { equals } from './equality.ts';
import { joinMarks } from './marks.ts';
import type { Numeral } from './numbers.ts';
import { add, compareNumbers, divide, modulo, multiply, negate, subtract } from './numbers.ts';
import type { Bound } from './refinements.ts';
import { NOT_NULL } from './refinements.ts';
import { NUMBER } from './types.ts';
import type { Value } from './values.ts';
import { bool, FALSE, number, TRUE, UNKNOWN_BOOL, unknown, unmark, withMarks } from './values.ts';

/** An operand that an operator cannot work with although its type fits. */
export class OperandFailure extends Error {
  override readonly name = 'OperandFailure';
}

export type Arithmetic = '+' | '-' | '*' | '/' | '%';

const ARITHMETIC: Readonly<Record<Arithmetic, (a: Numeral, b: Numeral) => Numeral>> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': modulo,
};

const NOT_NULL_NUMBER: Value = unknown(NUMBER, NOT_NULL);

/** `a + b` and its kin, for operands already converted to numbers. Throws OperandFailure or NumberFailure. */
export function calculate(operator: Arithmetic, a: Value, b: Value): Value {
  const marks = joinMarks(a.marks, b.marks);
  if (a.kind === 'number' && b.kind === 'number') {
    return withMarks(number(ARITHMETIC[operator](a.number, b.number)), marks);
  }
  refuseNull(a, b);
  return withMarks(NOT_NULL_NUMBER, marks);
}

export function minus(value: Value): Value {
  if (value.kind === 'number') return withMarks(number(negate(value.number)), value.marks);
  refuseNull(value);
  return withMarks(NOT_NULL_NUMBER, value.marks);
}

export function not(value: Value): Value {
  if (value.kind === 'bool') return withMarks(bool(!value.isTrue), value.marks);
  refuseNull(value);
  return withMarks(UNKNOWN_BOOL, value.marks);
}

/** `&&` and `||`. As in Terraform 1.11 the answer is unknown as soon as one side is, whatever the other side. */
export function combine(operator: '&&' | '||', a: Value, b: Value): Value {
  const marks = joinMarks(a.marks, b.marks);
  if (a.kind === 'bool' && b.kind === 'bool') {
    return withMarks(bool(operator === '&&' ? a.isTrue && b.isTrue : a.isTrue || b.isTrue), marks);
  }
  refuseNull(a, b);
  return withMarks(UNKNOWN_BOOL, marks);
}

/** `<`, `<=`, `>` and `>=`. What is known of an unknown number may be enough for an answer. */
export function order(operator: '<' | '<=' | '>' | '>=', a: Value, b: Value): Value {
  const marks = joinMarks(a.marks, b.marks);
  refuseNull(a, b);
  const [left, right] = operator === '<' || operator === '<=' ? [a, b] : [b, a];
  let answer = lessThan(left, right);
  if (operator === '<=' || operator === '>=') answer = or(answer, equals(unmark(a), unmark(b)));
  return withMarks(answer, marks);
}

const or = (a: Value, b: Value): Value => {
  if (a.kind === 'bool' && b.kind === 'bool') return bool(a.isTrue || b.isTrue);
  return (a.kind === 'bool' && a.isTrue) || (b.kind === 'bool' && b.isTrue) ? TRUE : UNKNOWN_BOOL;
};

function lessThan(a: Value, b: Value): Value {
  if (a.kind === 'number' && b.kind === 'number') return bool(compareNumbers(a.number, b.number) < 0);
  const [aLow, aHigh] = boundsOf(a);
  const [bLow, bHigh] = boundsOf(b);
  if (aHigh !== undefined && bLow !== undefined && compareNumbers(aHigh.at, bLow.at) < 0) return TRUE;
  if (aLow !== undefined && bHigh !== undefined && compareNumbers(aLow.at, bHigh.at) > 0) return FALSE;
  return UNKNOWN_BOOL;
}

function boundsOf(value: Value): readonly [Bound | undefined, Bound | undefined] {
  if (value.kind === 'number') {
    const at = { at: value.number, inclusive: true };
    return [at, at];
  }
  return value.kind === 'unknown' ? [value.refinement.lower, value.refinement.upper] : [undefined, undefined];
}

function refuseNull(...operands: readonly Value[]): void {
  if (operands.some((operand) => operand.kind === 'null')) {
    throw new OperandFailure('argument must not be null');
  }
}

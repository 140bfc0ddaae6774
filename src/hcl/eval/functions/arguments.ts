import { ConversionFailure, convert } from '../conversion.ts';
import { fromCount, toInteger, truncate } from '../numbers.ts';
import type { Type } from '../types.ts';
import { BOOL, DYNAMIC, listType, NUMBER, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { number, SequenceValue } from '../values.ts';
import type { Parameter } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

// Parameters as most functions have them.
export const textParameter = (name: string): Parameter => ({ name, type: STRING });
export const numberParameter = (name: string): Parameter => ({ name, type: NUMBER });
export const anyParameter = (name: string): Parameter => ({ name, type: DYNAMIC });
export const listOf = (name: string, element: Type): Parameter => ({ name, type: listType(element) });
export const bools = (name: string): Parameter => listOf(name, BOOL);
export const texts = (name: string): Parameter => listOf(name, STRING);

/** An argument that the function takes as it is: null, unknown, marked, of any type. */
export const rawParameter = (name: string): Parameter => ({
  name,
  type: DYNAMIC,
  takesNull: true,
  takesUnknown: true,
  takesMarked: true,
  takesDynamic: true,
});

// What callFunction has made sure of: these never see anything but a known value of the parameter's type.
export function textOf(args: readonly Value[], index: number): string {
  const value = args[index];
  return value?.kind === 'string' ? value.text : '';
}

export const elementsOf = (value: Value | undefined): readonly Value[] =>
  value instanceof SequenceValue ? value.elements : [];

export function argument(args: readonly Value[], index: number): Value {
  const value = args[index];
  if (value === undefined) throw new FunctionFailure(`argument ${index + 1} is missing`);
  return value;
}

const NOT_WHOLE = 'value must be a whole number, between -9223372036854775808 and 9223372036854775807';
const LARGEST = 2n ** 63n;

/**
 * A whole number, as a function needs it for an index or a count. Throws FunctionFailure: about the argument that
 * `blame` names, or about the call, as Terraform does it. Numbers too large for a plain one are cut to
 * the largest, which no list is as long as.
 */
export function wholeOf(
  args: readonly Value[],
  index: number,
  blame?: { readonly argument?: number; readonly prefix?: string },
): number {
  const value = args[index];
  if (value?.kind !== 'number') return 0;
  const whole = toInteger(value.number);
  if (whole !== undefined && Number.isSafeInteger(whole)) return whole;
  const big = bigOf(value);
  if (big !== undefined && big < LARGEST && big >= -LARGEST) {
    return big > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  }
  throw discreet(`${blame?.prefix ?? ''}${NOT_WHOLE}`, blame?.argument);
}

/** A whole number of any size; undefined when there is a fraction. */
export function bigOf(value: Value | undefined): bigint | undefined {
  if (value?.kind !== 'number') return undefined;
  const { number } = value;
  if (typeof number !== 'number' && number.exponent < 0) return undefined;
  return truncate(number);
}

export const isTrue = (value: Value): boolean => value.kind === 'bool' && value.isTrue;
export const count = (n: number): Value => number(fromCount(n));

/** A set with unknown elements may be smaller than it looks. */
export const isLengthKnown = (value: Value): boolean =>
  value.kind !== 'unknown' &&
  !(
    value instanceof SequenceValue &&
    value.kind === 'set' &&
    value.elements.length > 1 &&
    !value.isWhollyKnown
  );

export function convertOrBlame(value: Value, type: Type, index: number): Value {
  try {
    return convert(value, type);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    throw new FunctionFailure(failure.message, index);
  }
}

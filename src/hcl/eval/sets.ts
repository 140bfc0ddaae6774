import { compareCodePoints } from './code-points.ts';
import { equals, identical } from './equality.ts';
import { joinMarks, NO_MARKS } from './marks.ts';
import { formatMagnitude } from './number-text.ts';
import { compareNumbers, sign } from './numbers.ts';
import { quote } from './quote.ts';
import type { Type } from './types.ts';
import { setType } from './types.ts';
import type { Value } from './values.ts';
import { adopt, MappingValue, marksWithin, SequenceValue, unmarkDeep } from './values.ts';

/**
 * A set of values of one type, in Terraform's order, each once. Elements must have the type `element` or be a null
 * or unknown without a type. A set cannot say which of its elements is marked, so their marks become the set's own.
 */
export function set(elements: Iterable<Value>, element: Type): SequenceValue {
  let marks = NO_MARKS;
  const plain: Value[] = [];
  for (const value of elements) {
    marks = joinMarks(marks, marksWithin(value));
    plain.push(unmarkDeep(adopt(value, element)));
  }
  return new SequenceValue('set', inSetOrder(distinct(plain)), setType(element), marks);
}

/** The values without repetitions, first come. Unknown ones all stay: they may turn out different. */
export function distinct(values: readonly Value[]): Value[] {
  const seen = new Map<string, Value[]>();
  const kept: Value[] = [];
  for (const value of values) {
    const key = setKey(value);
    const alike = seen.get(key);
    if (alike === undefined) seen.set(key, [value]);
    else if (alike.some((other) => isEqual(other, value))) continue;
    else alike.push(value);
    kept.push(value);
  }
  return kept;
}

const isEqual = (a: Value, b: Value): boolean => {
  const answer = equals(a, b);
  return answer.kind === 'bool' && answer.isTrue;
};

/** Tells of a value whether one of the elements is certainly equal to it. Only those hashed alike are compared. */
export function membership(elements: readonly Value[]): (value: Value) => boolean {
  const byKey = Map.groupBy(elements, setKey);
  return (value) => byKey.get(setKey(value))?.some((element) => isEqual(element, value)) === true;
}

/** Primitive elements by value, others by the text they are hashed by; unknown ones next to last, nulls last. */
function inSetOrder(values: Value[]): Value[] {
  const keys = new Map<Value, string>();
  const keyOf = (value: Value): string => {
    let key = keys.get(value);
    if (key === undefined) {
      key = setKey(value);
      keys.set(value, key);
    }
    return key;
  };
  const rank = (value: Value): number => (value.kind === 'unknown' ? 1 : value.kind === 'null' ? 2 : 0);
  return values.sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    if (a.kind === 'string' && b.kind === 'string') return compareCodePoints(a.text, b.text);
    if (a.kind === 'number' && b.kind === 'number') return compareNumbers(a.number, b.number);
    if (a.kind === 'bool' && b.kind === 'bool') return Number(a.isTrue) - Number(b.isTrue);
    return identical(a, b) ? 0 : compareCodePoints(keyOf(a), keyOf(b));
  });
}

/** The text by which Terraform's library hashes and orders the elements of a set. */
function setKey(value: Value): string {
  if (value.kind === 'unknown') return '?';
  if (value.kind === 'null') return '~';
  if (value.kind === 'string') return quote(value.text);
  if (value.kind === 'bool') return value.isTrue ? 'T' : 'F';
  if (value.kind === 'number')
    return (sign(value.number) < 0 ? '-' : '') + formatMagnitude(value.number, 'g', 10);
  if (value instanceof MappingValue) {
    if (value.kind === 'map') {
      return `{${[...value.entries].map(([key, part]) => `${quote(key)}:${setKey(part)};`).join('')}}`;
    }
    return `<${[...value.entries.values()].map((part) => `${setKey(part)};`).join('')}>`;
  }
  const parts = value.elements.map((part) => `${setKey(part)};`).join('');
  return value.kind === 'tuple' ? `<${parts}>` : `[${parts}]`;
}

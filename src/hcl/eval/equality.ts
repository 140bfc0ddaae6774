import type { Marks } from './marks.ts';
import { joinMarks } from './marks.ts';
import { compareNumbers } from './numbers.ts';
import { conforms, hasDynamic, isCollection, sameType } from './types.ts';
import type { UnknownValue, Value } from './values.ts';
import {
  bool,
  isNotNull,
  MappingValue,
  marksWithin,
  SequenceValue,
  UNKNOWN_BOOL,
  unmarkDeep,
  withMarks,
} from './values.ts';

/**
 * Terraform's `==`: values of different types are never equal, and the answer is unknown where it depends on
 * something unknown. Marks of both sides, however deep, go over to the answer.
 */
export function equals(a: Value, b: Value): Value {
  const marks = joinMarks(marksWithin(a), marksWithin(b));
  if (marks.size > 0) return withMarks(equals(unmarkDeep(a), unmarkDeep(b)), marks);
  const answer = compare(a, b);
  return answer === undefined ? UNKNOWN_BOOL : bool(answer);
}

/** Whether two values without marks are equal; undefined when that is not known yet. */
function compare(a: Value, b: Value): boolean | undefined {
  if (a.kind === 'null' && isNotNull(b)) return false;
  if (b.kind === 'null' && isNotNull(a)) return false;
  if (a.kind === 'unknown' || b.kind === 'unknown') return compareUnknown(a, b);
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  if (!isTypeSettled(a) || !isTypeSettled(b)) {
    return conforms(a.type, b.type) || conforms(b.type, a.type) ? undefined : false;
  }
  switch (a.kind) {
    case 'string':
      return b.kind === 'string' && a.text === b.text;
    case 'number':
      return b.kind === 'number' && compareNumbers(a.number, b.number) === 0;
    case 'bool':
      return b.kind === 'bool' && a.isTrue === b.isTrue;
  }
  if (a.kind !== b.kind || !sameType(a.type, b.type)) return false;
  if (a instanceof MappingValue && b instanceof MappingValue) return compareMappings(a, b);
  if (a instanceof SequenceValue && b instanceof SequenceValue) {
    return a.kind === 'set' ? compareSets(a, b) : compareSequences(a, b);
  }
  return false;
}

function compareUnknown(a: Value, b: Value): boolean | undefined {
  if (a.kind === 'unknown' && b.kind === 'unknown') return undefined;
  const [hidden, known] = a.kind === 'unknown' ? [a, b] : [b as UnknownValue, a];
  if (!couldBe(hidden, known)) return false;
  if (known.kind === 'null' || hasDynamic(hidden.type)) return undefined;
  return sameType(hidden.type, known.type) ? undefined : false;
}

/** Whether what is known of an unknown value allows it to turn out as this one. */
function couldBe(hidden: UnknownValue, known: Value): boolean {
  const { prefix, lower, upper, minLength, maxLength, notNull } = hidden.refinement;
  if (known.kind === 'null') return notNull !== true;
  if (!conforms(known.type, hidden.type)) return false;
  if (known.kind === 'string') return prefix === undefined || known.text.startsWith(prefix);
  if (known.kind === 'number') {
    const above = lower === undefined ? 1 : compareNumbers(known.number, lower.at);
    const below = upper === undefined ? -1 : compareNumbers(known.number, upper.at);
    return (
      (above > 0 || (above === 0 && lower?.inclusive === true)) &&
      (below < 0 || (below === 0 && upper?.inclusive === true))
    );
  }
  if (isCollection(known.type) && (known.kind === 'list' || known.kind === 'map' || known.kind === 'set')) {
    const length = known instanceof MappingValue ? known.entries.size : known.elements.length;
    if (known.kind === 'set' && !known.isWhollyKnown) return true;
    return length >= (minLength ?? 0) && length <= (maxLength ?? Number.POSITIVE_INFINITY);
  }
  return true;
}

/** Whether no part of the value waits for its type. A null has whatever type it has. */
function isTypeSettled(value: Value): boolean {
  if (value.type.kind === 'dynamic') return value.kind === 'null';
  if (value.kind === 'unknown') {
    return isCollection(value.type) || value.type.kind === 'tuple' || value.type.kind === 'object'
      ? !hasDynamic(value.type)
      : true;
  }
  if (value instanceof SequenceValue) return value.elements.every(isTypeSettled);
  return value instanceof MappingValue ? value.entries.values().every(isTypeSettled) : true;
}

function compareSequences(a: SequenceValue, b: SequenceValue): boolean | undefined {
  if (a.elements.length !== b.elements.length) return false;
  for (const [i, left] of a.elements.entries()) {
    const right = b.elements[i];
    if (right === undefined) return false;
    const same = compare(left, right);
    if (same !== true) return same;
  }
  return true;
}

/** Key by key; as in Terraform, the first part that differs or is not known decides. */
function compareMappings(a: MappingValue, b: MappingValue): boolean | undefined {
  if (a.entries.size !== b.entries.size) return false;
  for (const [key, left] of a.entries) {
    const right = b.entries.get(key);
    if (right === undefined) return false;
    const same = compare(left, right);
    if (same !== true) return same;
  }
  return true;
}

function compareSets(a: SequenceValue, b: SequenceValue): boolean | undefined {
  if (a.elements.some((e) => e.kind === 'unknown') || b.elements.some((e) => e.kind === 'unknown'))
    return undefined;
  if (a.elements.length !== b.elements.length) return false;
  // Both are in the same order, so that equal ones are equal element by element.
  if (compareSequences(a, b) === true) return true;
  if (a.isWhollyKnown && b.isWhollyKnown) return false;
  const has = (set: SequenceValue, element: Value) => set.elements.some((e) => compare(e, element) === true);
  return a.elements.every((e) => has(b, e)) && b.elements.every((e) => has(a, e));
}

/** Whether two values are the same in every respect: type, marks, nulls, and what is known of unknowns. */
export function identical(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || !sameMarks(a.marks, b.marks) || !sameType(a.type, b.type)) return false;
  if (a.kind === 'unknown' && b.kind === 'unknown') {
    return JSON.stringify(a.refinement, digits) === JSON.stringify(b.refinement, digits);
  }
  if (a instanceof SequenceValue && b instanceof SequenceValue) {
    return (
      a.elements.length === b.elements.length &&
      a.elements.every((e, i) => {
        const other = b.elements[i];
        return other !== undefined && identical(e, other);
      })
    );
  }
  if (a instanceof MappingValue && b instanceof MappingValue) {
    if (a.entries.size !== b.entries.size) return false;
    for (const [key, value] of a.entries) {
      const other = b.entries.get(key);
      if (other === undefined || !identical(value, other)) return false;
    }
    return true;
  }
  return a.kind === 'null' || compare(a, b) === true;
}

const digits = (_: string, part: unknown): unknown => (typeof part === 'bigint' ? part.toString() : part);

const sameMarks = (a: Marks, b: Marks): boolean => a === b || (a.size === b.size && a.isSubsetOf(b));

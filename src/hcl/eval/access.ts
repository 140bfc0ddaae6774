import type { Step } from '../syntax/ast.ts';
import { ConversionFailure, convert } from './conversion.ts';
import { joinMarks } from './marks.ts';
import { isWhole, parseNumber, sign, toInteger } from './numbers.ts';
import { quote } from './quote.ts';
import { didYouMean } from './suggestion.ts';
import type { Type } from './types.ts';
import { DYNAMIC, elementType, friendlyName, isPrimitive, NUMBER, STRING } from './types.ts';
import type { Value } from './values.ts';
import {
  bool,
  composed,
  MappingValue,
  NULL,
  number,
  SequenceValue,
  string,
  UNKNOWN,
  unknown,
  withMarks,
} from './values.ts';

/** Why a value has no such part, with Terraform's summary and detail. */
export class AccessFailure extends Error {
  override readonly name = 'AccessFailure';
  readonly summary: string;
  readonly hint: string | undefined;
  constructor(summary: string, detail: string, hint?: string) {
    super(detail);
    this.summary = summary;
    this.hint = hint;
  }
}

const INVALID_INDEX = 'Invalid index';
const UNSUPPORTED = 'Unsupported attribute';
const NOT_THERE = 'The given key does not identify an element in this collection value';

const open = (type: Type, from: Value): Value => withMarks(unknown(type), from.marks);

/** `value.name`. Throws AccessFailure. */
export function attributeOf(value: Value, name: string): Value {
  const { type } = value;
  if (value.kind === 'null') {
    throw new AccessFailure(
      'Attempt to get attribute from null value',
      'This value is null, so it does not have any attributes.',
    );
  }
  if (type.kind === 'dynamic') return open(DYNAMIC, value);
  const key = composed(name);
  if (type.kind === 'object') {
    if (value instanceof MappingValue) {
      const part = value.entries.get(key);
      if (part !== undefined) return withMarks(part, value.marks);
    }
    const attribute = type.attributes.get(key);
    if (attribute !== undefined) return open(attribute, value);
    throw new AccessFailure(
      UNSUPPORTED,
      `This object does not have an attribute named ${quote(key)}.`,
      suggest(key, type.attributes.keys(), value),
    );
  }
  if (type.kind === 'map') {
    if (!(value instanceof MappingValue)) return open(type.element, value);
    const part = value.entries.get(key);
    if (part !== undefined) return withMarks(part, value.marks);
    throw new AccessFailure(
      'Missing map element',
      `This map does not have an element with the key ${quote(key)}.`,
      suggest(key, value.entries.keys(), value),
    );
  }
  throw new AccessFailure(UNSUPPORTED, whyNoAttributes(type, key));
}

/** Keys of a marked value are not to be shown. */
const suggest = (name: string, candidates: Iterable<string>, value: Value): string | undefined =>
  value.marks.size > 0 ? undefined : didYouMean(name, candidates);

function whyNoAttributes(type: Type, name: string): string {
  if (type.kind === 'list' && type.element.kind === 'object') {
    const which = type.element.attributes.has(name) ? `attribute ${quote(name)}` : 'an attribute';
    return `Can't access attributes on a list of objects. Did you mean to access ${which} for a specific element of the list, or across all elements of the list?`;
  }
  if (type.kind === 'set' && type.element.kind === 'object') {
    return "Can't access attributes on a set of objects. Did you mean to access an attribute across all elements of the set?";
  }
  if (isPrimitive(type)) return `Can't access attributes on a primitive-typed value (${friendlyName(type)}).`;
  return 'This value does not have any attributes.';
}

/** `value[key]`. Throws AccessFailure. */
export function elementOf(value: Value, key: Value): Value {
  const { type } = value;
  if (value.kind === 'null') {
    throw new AccessFailure(
      'Attempt to index null value',
      'This value is null, so it does not have any indices.',
    );
  }
  if (key.kind === 'null')
    throw new AccessFailure(INVALID_INDEX, "Can't use a null value as an indexing key.");
  if (type.kind === 'dynamic' || key.type.kind === 'dynamic') {
    return withMarks(open(DYNAMIC, value), key.marks);
  }
  switch (type.kind) {
    case 'list':
    case 'tuple':
      return inSequence(value, convertKey(key, NUMBER));
    case 'map':
      return inMap(value, convertKey(key, STRING));
    case 'object':
      return inObject(value, key);
    case 'set':
      throw new AccessFailure(
        INVALID_INDEX,
        "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.",
      );
    default:
      throw new AccessFailure(INVALID_INDEX, 'This value does not have any indices.');
  }
}

function convertKey(key: Value, wanted: Type): Value {
  try {
    return convert(key, wanted);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    throw new AccessFailure(INVALID_INDEX, `${NOT_THERE}: ${failure.message}.`);
  }
}

function inSequence(value: Value, key: Value): Value {
  const { type } = value;
  const marks = joinMarks(value.marks, key.marks);
  if (key.kind !== 'number') return withMarks(open(elementType(type), value), marks);
  const length =
    value instanceof SequenceValue
      ? value.elements.length
      : type.kind === 'tuple'
        ? type.elements.length
        : undefined;
  const at = toInteger(key.number);
  if (at !== undefined && at >= 0 && (length === undefined || at < length)) {
    if (value instanceof SequenceValue) return withMarks(value.elements[at] ?? UNKNOWN, marks);
    return withMarks(
      unknown(type.kind === 'tuple' ? (type.elements[at] ?? DYNAMIC) : elementType(type)),
      marks,
    );
  }
  if (length === undefined) return withMarks(open(elementType(type), value), marks);
  if (!isWhole(key.number)) {
    throw new AccessFailure(
      INVALID_INDEX,
      `${NOT_THERE}: indexing a sequence requires a whole number, but the given index has a fractional part.`,
    );
  }
  if (sign(key.number) < 0) {
    throw new AccessFailure(
      INVALID_INDEX,
      `${NOT_THERE}: a negative number is not a valid index for a sequence.`,
    );
  }
  if (value.marks.size > 0) throw new AccessFailure(INVALID_INDEX, `${NOT_THERE}.`);
  throw new AccessFailure(
    INVALID_INDEX,
    length === 0
      ? `${NOT_THERE}: the collection has no elements.`
      : `${NOT_THERE}: the given index is greater than or equal to the length of the collection.`,
  );
}

function inMap(value: Value, key: Value): Value {
  const marks = joinMarks(value.marks, key.marks);
  if (!(value instanceof MappingValue) || key.kind !== 'string') {
    return withMarks(unknown(elementType(value.type)), marks);
  }
  const part = value.entries.get(key.text);
  if (part === undefined) throw new AccessFailure(INVALID_INDEX, `${NOT_THERE}.`);
  return withMarks(part, marks);
}

function inObject(value: Value, given: Value): Value {
  const key = convertKey(given, STRING);
  const marks = joinMarks(value.marks, key.marks);
  if (!(value instanceof MappingValue) || key.kind !== 'string') return withMarks(UNKNOWN, marks);
  const part = value.entries.get(key.text);
  if (part === undefined) {
    const hint =
      given.kind === 'number'
        ? ' An object only supports looking up attributes by name, not by numeric index.'
        : '';
    throw new AccessFailure(INVALID_INDEX, `${NOT_THERE}.${hint}`);
  }
  return withMarks(part, marks);
}

/** The value of a constant key. */
export function keyOf(step: Extract<Step, { kind: 'indexStep' }>): Value {
  switch (step.key.kind) {
    case 'string':
      return string(step.key.value);
    case 'boolean':
      return bool(step.key.value);
    case 'number': {
      const parsed = parseNumber(step.key.text);
      return parsed === undefined ? UNKNOWN : number(parsed);
    }
    case 'null':
      return NULL;
    default:
      return UNKNOWN;
  }
}

/** One step of a reference. Throws AccessFailure. */
export const takeStep = (value: Value, step: Step): Value =>
  step.kind === 'attributeStep' ? attributeOf(value, step.name) : elementOf(value, keyOf(step));

/** One step, or undefined where there is none. */
export function stepInto(value: Value, step: Step): Value | undefined {
  try {
    return takeStep(value, step);
  } catch (failure) {
    if (failure instanceof AccessFailure) return undefined;
    throw failure;
  }
}

import { inKeyOrder } from './code-points.ts';
import { CHARACTERS_PER_PART, checkSize, LimitFailure, MAX_DEPTH } from './limits.ts';
import type { Marks } from './marks.ts';
import { joinMarks, NO_MARKS, SENSITIVE } from './marks.ts';
import type { Numeral } from './numbers.ts';
import { compareNumbers } from './numbers.ts';
import type { Refinement } from './refinements.ts';
import { NOT_NULL, refineFurther, UNREFINED } from './refinements.ts';
import type { CollectionType, Type } from './types.ts';
import {
  BOOL,
  DYNAMIC,
  EMPTY_OBJECT,
  EMPTY_TUPLE,
  isCollection,
  listType,
  mapType,
  NUMBER,
  objectType,
  STRING,
  sameType,
  tupleType,
} from './types.ts';

/**
 * What an expression gives. A value never changes. `kind` says what it holds, `type` is its type also when it is
 * null or unknown, `marks` are its own, not those of its parts.
 *
 *     Value
 *       without content   null unknown
 *       primitives        string number bool
 *       sequences         list set tuple       elements in order; a set's in Terraform's order, without duplicates
 *       mappings          map object           entries in code point order of their keys
 */
export type Value =
  | NullValue
  | UnknownValue
  | StringValue
  | NumberValue
  | BoolValue
  | SequenceValue
  | MappingValue;

export class NullValue {
  readonly kind = 'null';
  readonly type: Type;
  readonly marks: Marks;
  constructor(type: Type, marks: Marks = NO_MARKS) {
    this.type = type;
    this.marks = marks;
  }
}

export class UnknownValue {
  readonly kind = 'unknown';
  readonly type: Type;
  readonly refinement: Refinement;
  readonly marks: Marks;
  constructor(type: Type, refinement: Refinement = UNREFINED, marks: Marks = NO_MARKS) {
    this.type = type;
    this.refinement = refinement;
    this.marks = marks;
  }
}

export class StringValue {
  readonly kind = 'string';
  readonly type = STRING;
  readonly text: string;
  readonly marks: Marks;
  /** `text` must be in NFC: see `string()`. */
  constructor(text: string, marks: Marks = NO_MARKS) {
    if (text.length > 1_000_000) checkSize(text.length / CHARACTERS_PER_PART);
    this.text = text;
    this.marks = marks;
  }
}

export class NumberValue {
  readonly kind = 'number';
  readonly type = NUMBER;
  readonly number: Numeral;
  readonly marks: Marks;
  constructor(value: Numeral, marks: Marks = NO_MARKS) {
    this.number = value;
    this.marks = marks;
  }
}

export class BoolValue {
  readonly kind = 'bool';
  readonly type = BOOL;
  readonly isTrue: boolean;
  readonly marks: Marks;
  constructor(isTrue: boolean, marks: Marks = NO_MARKS) {
    this.isTrue = isTrue;
    this.marks = marks;
  }
}

export class SequenceValue {
  readonly kind: 'list' | 'set' | 'tuple';
  readonly elements: readonly Value[];
  readonly marks: Marks;
  /** Its own marks and those of everything in it. */
  readonly marksWithin: Marks;
  readonly isWhollyKnown: boolean;
  /** How many parts it has, and how deep they are nested: see limits.ts. */
  readonly parts: number;
  readonly depth: number;
  #type: Type | undefined;

  /** `type` may be left out for a tuple: it follows from the elements. */
  constructor(
    kind: 'list' | 'set' | 'tuple',
    elements: readonly Value[],
    type: Type | undefined,
    marks: Marks = NO_MARKS,
  ) {
    this.kind = kind;
    this.elements = elements;
    this.marks = marks;
    this.#type = type;
    const all = new Together(marks);
    for (const part of elements) all.add(part);
    all.check();
    this.parts = all.parts;
    this.depth = all.depth;
    this.marksWithin = all.marks;
    this.isWhollyKnown = all.isKnown;
  }

  get type(): Type {
    this.#type ??= this.elements.length === 0 ? EMPTY_TUPLE : tupleType(this.elements.map((e) => e.type));
    return this.#type;
  }
}

export class MappingValue {
  readonly kind: 'map' | 'object';
  readonly entries: ReadonlyMap<string, Value>;
  readonly marks: Marks;
  /** Its own marks and those of everything in it. */
  readonly marksWithin: Marks;
  readonly isWhollyKnown: boolean;
  /** How many parts it has, and how deep they are nested: see limits.ts. */
  readonly parts: number;
  readonly depth: number;
  #type: Type | undefined;

  /** `entries` must be in key order: see `object()` and `map()`. `type` may be left out for an object. */
  constructor(
    kind: 'map' | 'object',
    entries: ReadonlyMap<string, Value>,
    type: Type | undefined,
    marks: Marks = NO_MARKS,
  ) {
    this.kind = kind;
    this.entries = entries;
    this.marks = marks;
    this.#type = type;
    const all = new Together(marks);
    for (const part of entries.values()) all.add(part);
    all.check();
    this.parts = all.parts;
    this.depth = all.depth;
    this.marksWithin = all.marks;
    this.isWhollyKnown = all.isKnown;
  }

  get type(): Type {
    if (this.#type === undefined) {
      const attributes = new Map<string, Type>();
      for (const [name, value] of this.entries) attributes.set(name, value.type);
      this.#type = attributes.size === 0 ? EMPTY_OBJECT : objectType(attributes);
    }
    return this.#type;
  }
}

/** What the parts of a value come to, and the value with them. */
class Together {
  marks: Marks;
  isKnown = true;
  parts = 1;
  depth = 1;

  constructor(own: Marks) {
    this.marks = own;
  }

  add(part: Value): void {
    this.parts += sizeOf(part);
    this.marks = joinMarks(this.marks, marksWithin(part));
    if (!isWhollyKnown(part)) this.isKnown = false;
    if (part instanceof SequenceValue || part instanceof MappingValue)
      this.depth = Math.max(this.depth, part.depth + 1);
  }

  /** Throws LimitFailure when there must not be such a value. */
  check(): void {
    checkSize(this.parts);
    if (this.depth > MAX_DEPTH)
      throw new LimitFailure(`A value would be nested more than ${MAX_DEPTH} levels deep.`);
  }
}

// ------------------------------------------------------------------------------------------ making values

export const TRUE: Value = new BoolValue(true);
export const FALSE: Value = new BoolValue(false);
export const NULL: Value = new NullValue(DYNAMIC);
/** A value of which nothing is known, not even its type. */
export const UNKNOWN: Value = new UnknownValue(DYNAMIC);
export const UNKNOWN_BOOL: Value = new UnknownValue(BOOL, NOT_NULL);

/** A string value. Terraform keeps every string in Unicode's NFC, so that "é" has one form. */
export const string = (text: string): StringValue => new StringValue(composed(text));

/** A text in NFC: names too are compared as Terraform does. */
export const composed = (text: string): string => (isComposed(text) ? text : text.normalize('NFC'));

/** Whether a short text is in NFC at a glance: below U+0300 there is nothing that composes. */
function isComposed(text: string): boolean {
  if (text.length > 256) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x300) return false;
  return true;
}
export const number = (value: Numeral): NumberValue => new NumberValue(value);
export const bool = (isTrue: boolean): Value => (isTrue ? TRUE : FALSE);
export const nullOf = (type: Type): Value => (type.kind === 'dynamic' ? NULL : new NullValue(type));

/** A value of this type that is not known yet. Where the refinement leaves one value only, that value. */
export function unknown(type: Type, refinement: Refinement = UNREFINED): Value {
  if (type.kind === 'dynamic') return UNKNOWN;
  if (refinement.notNull === true) {
    const { lower, upper, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = refinement;
    if (lower?.inclusive && upper?.inclusive && compareNumbers(lower.at, upper.at) === 0)
      return number(lower.at);
    if (isCollection(type) && minLength === maxLength) {
      if (maxLength === 0) return emptyCollection(type);
      const element = unknown(type.element);
      if (type.kind === 'list') return new SequenceValue('list', Array<Value>(maxLength).fill(element), type);
      if (type.kind === 'set' && maxLength === 1) return new SequenceValue('set', [element], type);
    }
  }
  return new UnknownValue(type, refinement);
}

export const emptyCollection = (type: CollectionType): Value =>
  type.kind === 'map' ? new MappingValue('map', new Map(), type) : new SequenceValue(type.kind, [], type);

export const tuple = (elements: readonly Value[]): SequenceValue =>
  new SequenceValue('tuple', elements, undefined);

export const object = (entries: ReadonlyMap<string, Value>): MappingValue =>
  new MappingValue('object', inKeyOrder(entries), undefined);

/** An object from a plain record. Convenient for the few values that a program makes itself. */
export const objectOf = (entries: Readonly<Record<string, Value>>): MappingValue =>
  object(new Map(Object.entries(entries)));

/**
 * A list. Every element must have the type `element` or be a null or unknown without a type, which then takes it.
 */
export const list = (elements: readonly Value[], element: Type): SequenceValue =>
  new SequenceValue('list', adoptAll(elements, element), listType(element));

export function map(entries: ReadonlyMap<string, Value>, element: Type): MappingValue {
  const adopted = new Map<string, Value>();
  for (const [key, value] of entries) adopted.set(key, adopt(value, element));
  return new MappingValue('map', inKeyOrder(adopted), mapType(element));
}

function adoptAll(elements: readonly Value[], type: Type): readonly Value[] {
  return type.kind !== 'dynamic' && elements.some((e) => e.type.kind === 'dynamic')
    ? elements.map((e) => adopt(e, type))
    : elements;
}

/** A value inside of a collection has the collection's element type, also when it is null or unknown. */
export function adopt(value: Value, type: Type): Value {
  if (value.type.kind !== 'dynamic' || type.kind === 'dynamic') return value;
  return withMarks(value.kind === 'null' ? nullOf(type) : unknown(type), value.marks);
}

/** The type that all of these values have, where `dynamic` fits to any; undefined when they differ. */
export function sharedType(values: Iterable<Value>): Type | undefined {
  let shared: Type = DYNAMIC;
  for (const { type } of values) {
    if (shared.kind === 'dynamic') shared = type;
    else if (type.kind !== 'dynamic' && !sameType(shared, type)) return undefined;
  }
  return shared;
}

// ------------------------------------------------------------------------------------------------- marks

/** The value with these marks as well as its own. */
export function withMarks(value: Value, marks: Marks): Value {
  const all = joinMarks(value.marks, marks);
  return all === value.marks ? value : marked(value, all);
}

export const sensitive = (value: Value): Value => withMarks(value, new Set([SENSITIVE]));

function marked(value: Value, marks: Marks): Value {
  switch (value.kind) {
    case 'null':
      return new NullValue(value.type, marks);
    case 'unknown':
      return new UnknownValue(value.type, value.refinement, marks);
    case 'string':
      return new StringValue(value.text, marks);
    case 'number':
      return new NumberValue(value.number, marks);
    case 'bool':
      return new BoolValue(value.isTrue, marks);
    case 'map':
    case 'object':
      return new MappingValue(
        value.kind,
        value.entries,
        value.kind === 'map' ? value.type : undefined,
        marks,
      );
    default:
      return new SequenceValue(
        value.kind,
        value.elements,
        value.kind === 'tuple' ? undefined : value.type,
        marks,
      );
  }
}

/** The value with these marks only; its parts keep theirs. */
export const setMarks = (value: Value, marks: Marks): Value =>
  value.marks.size === 0 && marks.size === 0 ? value : marked(value, marks);

export const unmark = (value: Value): Value => setMarks(value, NO_MARKS);

/** The marks of a value and of everything in it. */
export function marksWithin(value: Value): Marks {
  return value instanceof SequenceValue || value instanceof MappingValue ? value.marksWithin : value.marks;
}

/** The value without any mark, and its parts likewise. */
export function unmarkDeep(value: Value): Value {
  if (marksWithin(value).size === 0) return value;
  return mapParts(unmark(value), unmarkDeep);
}

/** The value with each of its direct parts replaced; parts must keep their types. */
export function mapParts(value: Value, change: (part: Value) => Value): Value {
  if (value instanceof SequenceValue) {
    const type = value.kind === 'tuple' ? undefined : value.type;
    return new SequenceValue(value.kind, value.elements.map(change), type, value.marks);
  }
  if (value instanceof MappingValue) {
    const entries = new Map<string, Value>();
    for (const [key, part] of value.entries) entries.set(key, change(part));
    return new MappingValue(value.kind, entries, value.kind === 'map' ? value.type : undefined, value.marks);
  }
  return value;
}

// ------------------------------------------------------------------------------------------- asking values

/** Whether the value and everything in it is known. */
export function isWhollyKnown(value: Value): boolean {
  if (value instanceof SequenceValue || value instanceof MappingValue) return value.isWhollyKnown;
  return value.kind !== 'unknown';
}

/** Whether the value is known not to be null. */
export const isNotNull = (value: Value): boolean =>
  value.kind === 'unknown' ? value.refinement.notNull === true : value.kind !== 'null';

/** The value with more said about it, when it is unknown. */
export function refine(value: Value, refinement: Refinement): Value {
  if (value.kind !== 'unknown' || value.type.kind === 'dynamic') return value;
  return withMarks(unknown(value.type, refineFurther(value.refinement, refinement)), value.marks);
}

export const refineNotNull = (value: Value): Value =>
  value.kind === 'unknown' && value.refinement.notNull !== true ? refine(value, NOT_NULL) : value;

/** How many parts a value counts for: see limits.ts. */
export function sizeOf(value: Value): number {
  if (value.kind === 'string') return 1 + value.text.length / CHARACTERS_PER_PART;
  return value instanceof SequenceValue || value instanceof MappingValue ? value.parts : 1;
}

/** The elements of a list, set or tuple, or the values of a map or object; none for anything else. */
export function partsOf(value: Value): readonly Value[] {
  if (value instanceof SequenceValue) return value.elements;
  return value instanceof MappingValue ? [...value.entries.values()] : [];
}

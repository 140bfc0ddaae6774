import { mismatch } from './mismatch.ts';
import { numberText } from './number-text.ts';
import { parseNumber } from './numbers.ts';
import { quote } from './quote.ts';
import type { Refinement } from './refinements.ts';
import { set } from './sets.ts';
import type { CollectionType, ObjectType, TupleType, Type } from './types.ts';
import {
  DYNAMIC,
  elementType,
  isCollection,
  isPrimitive,
  listType,
  mapType,
  objectType,
  sameType,
  setType,
  tupleType,
  withoutOptional,
} from './types.ts';
import { unify } from './unify.ts';
import type { Value } from './values.ts';
import {
  bool,
  emptyCollection,
  list,
  MappingValue,
  map,
  nullOf,
  number,
  object,
  SequenceValue,
  sharedType,
  string,
  tuple,
  unknown,
  unmark,
  withMarks,
} from './values.ts';

/** A value that cannot become what it should. `path` leads to the part that is in the way: `.port`, `[2]`, `["a"]`. */
export class ConversionFailure extends Error {
  override readonly name = 'ConversionFailure';
  readonly path: string;
  constructor(message: string, path = '') {
    super(message);
    this.path = path;
  }

  /** The message after the path of the part: `[0]: a number is required`. */
  get whereAndWhy(): string {
    return this.path === '' ? this.message : `${this.path}: ${this.message}`;
  }
}

/** Turns a value of one type into another. Throws ConversionFailure. */
type Conversion = (value: Value, path: string) => Value;

/**
 * The value as `wanted`, as Terraform converts: between strings, numbers and bools, from tuples and objects to
 * lists, sets and maps and back, part by part. Nulls and unknowns take the type, marks stay.
 *
 * @throws ConversionFailure with Terraform's words for what is required.
 */
export function convert(value: Value, wanted: Type): Value {
  const from = value.type;
  if (from === wanted || wanted.kind === 'dynamic' || sameType(from, withoutOptional(wanted))) return value;
  const conversion = conversionFor(from, wanted, true);
  if (conversion === undefined) throw new ConversionFailure(mismatch(from, wanted));
  return conversion(value, '');
}

/** Whether values of one type can become another; `lossy` includes conversions that fail for some values. */
export const canConvert = (from: Type, wanted: Type, lossy: boolean): boolean =>
  conversionFor(from, wanted, lossy) !== undefined;

function conversionFor(from: Type, wanted: Type, lossy: boolean): Conversion | undefined {
  const known = conversionOfKnown(from, wanted, lossy);
  if (known === undefined) return undefined;
  return (value, path) => {
    if (value.marks.size > 0) return withMarks(convertPlain(unmark(value), wanted, known, path), value.marks);
    return convertPlain(value, wanted, known, path);
  };
}

function convertPlain(value: Value, wanted: Type, conversion: Conversion, path: string): Value {
  if (wanted.kind === 'dynamic') return value;
  if (value.kind === 'unknown') {
    const type = fillIn(value.type, withoutOptional(wanted));
    return unknown(type, keptRefinement(value.refinement, value.type, type));
  }
  if (value.kind === 'null') return nullOf(fillIn(value.type, withoutOptional(wanted)));
  return conversion(value, path);
}

/** What is known of an unknown value that still holds after the conversion. */
function keptRefinement(known: Refinement, from: Type, to: Type): Refinement {
  const notNull = known.notNull === true ? { notNull: true } : {};
  if (from.kind === 'object' && to.kind === 'map') {
    return { ...notNull, minLength: from.attributes.size, maxLength: from.attributes.size };
  }
  if (from.kind === 'tuple' && (to.kind === 'list' || to.kind === 'set')) {
    const length = from.elements.length;
    return { ...notNull, minLength: to.kind === 'set' ? Math.min(length, 1) : length, maxLength: length };
  }
  if (isCollection(from) && isCollection(to)) {
    const { minLength = 0, maxLength } = known;
    return {
      ...notNull,
      minLength: to.kind === 'set' ? Math.min(minLength, 1) : minLength,
      ...(maxLength === undefined ? {} : { maxLength }),
    };
  }
  return notNull;
}

function conversionOfKnown(from: Type, wanted: Type, lossy: boolean): Conversion | undefined {
  if (wanted.kind === 'dynamic') return (value) => value;
  if (lossy && from.kind === 'dynamic') return (value, path) => within(path, () => convert(value, wanted));
  if (isPrimitive(from) && isPrimitive(wanted)) return primitiveConversion(from, wanted, lossy);
  switch (wanted.kind) {
    case 'object':
      if (from.kind === 'object') return objectToObject(from, wanted, lossy);
      return from.kind === 'map' && lossy ? mapToObject(from, wanted) : undefined;
    case 'tuple':
      return from.kind === 'tuple' ? tupleToTuple(from, wanted, lossy) : undefined;
    case 'list':
    case 'set':
      if (from.kind === 'tuple') return tupleToCollection(from, wanted, lossy);
      if (from.kind !== 'list' && from.kind !== 'set') return undefined;
      if (wanted.kind === 'set' && from.kind === 'list' && !lossy) return undefined;
      return collectionToSequence(from, wanted, lossy);
    case 'map':
      if (from.kind === 'object') return objectToMap(from, wanted, lossy);
      return from.kind === 'map' ? mapToMap(from, wanted, lossy) : undefined;
    default:
      return undefined;
  }
}

function within(path: string, attempt: () => Value): Value {
  try {
    return attempt();
  } catch (failure) {
    if (failure instanceof ConversionFailure && path !== '') {
      throw new ConversionFailure(failure.message, path + failure.path);
    }
    throw failure;
  }
}

// ------------------------------------------------------------------------------------------------ primitives

function primitiveConversion(from: Type, wanted: Type, lossy: boolean): Conversion | undefined {
  if (from.kind === wanted.kind) return undefined;
  if (wanted.kind === 'string') return toText;
  if (from.kind !== 'string' || !lossy) return undefined;
  return wanted.kind === 'number' ? toNumber : toBool;
}

function toText(value: Value): Value {
  if (value.kind === 'number') return string(numberText(value.number));
  return string(value.kind === 'bool' && value.isTrue ? 'true' : 'false');
}

function toNumber(value: Value, path: string): Value {
  const parsed = value.kind === 'string' ? parseNumber(value.text) : undefined;
  if (parsed === undefined) throw new ConversionFailure('a number is required', path);
  return number(parsed);
}

function toBool(value: Value, path: string): Value {
  const text = value.kind === 'string' ? value.text : '';
  if (text === 'true' || text === '1') return bool(true);
  if (text === 'false' || text === '0') return bool(false);
  const lower = text.toLowerCase();
  const hint =
    lower === 'true' || lower === 'false' ? `; to convert from string, use lowercase "${lower}"` : '';
  throw new ConversionFailure(`a bool is required${hint}`, path);
}

// ----------------------------------------------------------------------------------------------- collections

const elementsOf = (value: Value): readonly Value[] => (value instanceof SequenceValue ? value.elements : []);
const entriesOf = (value: Value): ReadonlyMap<string, Value> =>
  value instanceof MappingValue ? value.entries : new Map();

/** A null part never carries the optional attributes of the constraint it was converted to. */
const plainNull = (value: Value): Value =>
  value.kind === 'null' ? withMarks(nullOf(withoutOptional(value.type)), value.marks) : value;

/** How to convert a part; the identity where the types agree already; undefined where there is no way. */
const partConversion = (from: Type, wanted: Type, lossy: boolean): Conversion | undefined =>
  sameType(from, wanted) ? (value) => value : conversionFor(from, wanted, lossy);

function collectionToSequence(
  from: CollectionType,
  wanted: CollectionType,
  lossy: boolean,
): Conversion | undefined {
  const part = partConversion(from.element, wanted.element, lossy);
  if (part === undefined) return undefined;
  return (value, path) => {
    if (from.kind === 'set' && wanted.kind === 'list' && isLengthOpen(value))
      return unknown(listType(from.element));
    const elements = elementsOf(value).map((e, i) => plainNull(part(e, `${path}[${i}]`)));
    return sequence(
      wanted.kind,
      elements,
      wanted.element.kind === 'dynamic' ? from.element : wanted.element,
      path,
    );
  };
}

/** A set with unknown elements may turn out smaller, since some of them may be equal. */
const isLengthOpen = (value: Value): boolean =>
  value instanceof SequenceValue && value.kind === 'set' && value.elements.length > 1 && !value.isWhollyKnown;

function sequence(
  kind: CollectionType['kind'],
  elements: readonly Value[],
  ifEmpty: Type,
  path: string,
): Value {
  const type = elements.length === 0 ? withoutOptional(ifEmpty) : sharedType(elements);
  if (type === undefined) {
    throw new ConversionFailure(`element types must all match for conversion to ${kind}`, path);
  }
  return kind === 'set' ? set(elements, type) : list(elements, type);
}

function tupleToCollection(from: TupleType, wanted: CollectionType, lossy: boolean): Conversion | undefined {
  if (from.elements.length === 0) {
    const element = withoutOptional(wanted.element);
    return () => emptyCollection({ kind: wanted.kind, element });
  }
  const element = commonElement(from.elements, wanted.element, lossy);
  if (element === undefined) return undefined;
  const parts: Conversion[] = [];
  for (const type of from.elements) {
    const part = partConversion(type, element, lossy);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return (value, path) => {
    let elements = elementsOf(value).map((e, i) => plainNull(parts[i]?.(e, `${path}[${i}]`) ?? e));
    if (wanted.kind === 'list') elements = unifyParts(elements, lossy, `${path}[${elements.length - 1}]`);
    return sequence(wanted.kind, elements, element, path);
  };
}

/** The element type itself, or, where it is open, the one that the parts agree on. */
function commonElement(types: readonly Type[], wanted: Type, lossy: boolean): Type | undefined {
  if (wanted.kind !== 'dynamic') return wanted;
  const unified = unify(types, lossy);
  return unified?.kind === 'dynamic' && types.some((type) => type.kind !== 'dynamic') ? undefined : unified;
}

/** After conversion to an element type that is open inside, the parts may still differ; bring them together. */
function unifyParts(parts: readonly Value[], lossy: boolean, path: string): Value[] {
  const [first] = parts;
  if (first === undefined || parts.every((part) => sameType(part.type, first.type))) return [...parts];
  const type = unify(
    parts.map((part) => part.type),
    lossy,
  );
  if (type === undefined)
    throw new ConversionFailure('cannot find a common base type for all elements', path);
  return parts.map((part, i) => partConversion(part.type, type, lossy)?.(part, `${path}[${i}]`) ?? part);
}

function mapOf(entries: Map<string, Value>, ifEmpty: Type, noun: string, path: string): Value {
  const type = entries.size === 0 ? withoutOptional(ifEmpty) : sharedType(entries.values());
  if (type === undefined)
    throw new ConversionFailure(`${noun} types must all match for conversion to map`, path);
  return map(entries, type);
}

function unifyEntries(
  entries: Map<string, Value>,
  element: Type,
  lossy: boolean,
  path: string,
): Map<string, Value> {
  if (!isCollection(element) && element.kind !== 'object') return entries;
  const keys = [...entries.keys()];
  const parts = unifyParts([...entries.values()], lossy, path);
  return new Map(parts.map((part, i) => [keys[i] ?? '', part]));
}

function mapToMap(from: CollectionType, wanted: CollectionType, lossy: boolean): Conversion | undefined {
  const part =
    conversionFor(from.element, wanted.element, lossy) ?? partConversion(from.element, wanted.element, lossy);
  if (part === undefined) return undefined;
  return (value, path) => {
    const entries = new Map<string, Value>();
    for (const [key, e] of entriesOf(value)) entries.set(key, part(e, `${path}[${quote(key)}]`));
    const ifEmpty = wanted.element.kind === 'dynamic' ? from.element : wanted.element;
    return mapOf(unifyEntries(entries, wanted.element, false, path), ifEmpty, 'element', path);
  };
}

function objectToMap(from: ObjectType, wanted: CollectionType, lossy: boolean): Conversion | undefined {
  if (from.attributes.size === 0) {
    const element = withoutOptional(wanted.element);
    return () => emptyCollection({ kind: 'map', element });
  }
  const element =
    wanted.element.kind === 'dynamic' ? unify([...from.attributes.values()], lossy) : wanted.element;
  if (element === undefined) return undefined;
  const parts = new Map<string, Conversion>();
  for (const [name, type] of from.attributes) {
    const part = partConversion(type, element, lossy);
    if (part === undefined) return undefined;
    parts.set(name, part);
  }
  return (value, path) => {
    const entries = new Map<string, Value>();
    for (const [key, e] of entriesOf(value))
      entries.set(key, parts.get(key)?.(e, `${path}[${quote(key)}]`) ?? e);
    return mapOf(unifyEntries(entries, element, lossy, path), element, 'attribute', path);
  };
}

// --------------------------------------------------------------------------------------------- structural types

function tupleToTuple(from: TupleType, wanted: TupleType, lossy: boolean): Conversion | undefined {
  if (from.elements.length !== wanted.elements.length) return undefined;
  const parts: Conversion[] = [];
  for (const [i, type] of from.elements.entries()) {
    const part = partConversion(type, wanted.elements[i] ?? DYNAMIC, lossy);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return (value, path) => tuple(elementsOf(value).map((e, i) => parts[i]?.(e, `${path}[${i}]`) ?? e));
}

function objectToObject(from: ObjectType, wanted: ObjectType, lossy: boolean): Conversion | undefined {
  const parts = new Map<string, Conversion>();
  for (const [name, type] of wanted.attributes) {
    const given = from.attributes.get(name);
    if (given === undefined) {
      if (wanted.optional.has(name)) continue;
      return undefined;
    }
    const part = partConversion(given, type, lossy);
    if (part === undefined) return undefined;
    parts.set(name, part);
  }
  return (value, path) => {
    const entries = new Map<string, Value>();
    for (const [name, e] of entriesOf(value)) {
      const part = parts.get(name);
      if (part !== undefined) entries.set(name, plainNull(part(e, `${path}.${name}`)));
    }
    return object(withAbsent(entries, wanted));
  };
}

/** Optional attributes that are absent become nulls of their type. */
function withAbsent(entries: Map<string, Value>, wanted: ObjectType): Map<string, Value> {
  for (const [name, type] of wanted.attributes) {
    if (!entries.has(name) && wanted.optional.has(name)) entries.set(name, nullOf(withoutOptional(type)));
  }
  return entries;
}

function mapToObject(from: CollectionType, wanted: ObjectType): Conversion | undefined {
  const parts = new Map<string, Conversion | undefined>();
  for (const [name, type] of wanted.attributes) {
    const part = partConversion(from.element, type, true);
    if (part === undefined && !wanted.optional.has(name)) return undefined;
    parts.set(name, part);
  }
  return (value, path) => {
    const entries = new Map<string, Value>();
    for (const [name, e] of entriesOf(value)) {
      const type = wanted.attributes.get(name);
      if (type === undefined) continue;
      const part = parts.get(name);
      if (part === undefined) {
        throw new ConversionFailure(
          `map element type is incompatible with attribute ${quote(name)}: ${mismatch(e.type, type)}`,
          path,
        );
      }
      entries.set(name, plainNull(part(e, `${path}[${quote(name)}]`)));
    }
    withAbsent(entries, wanted);
    for (const name of wanted.attributes.keys()) {
      if (!entries.has(name)) {
        throw new ConversionFailure(`map has no element for required attribute ${quote(name)}`, path);
      }
    }
    return object(entries);
  };
}

// ------------------------------------------------------------------------------------------------ open types

/** The constraint with its open parts taken from the type of the value: what a null or unknown value becomes. */
function fillIn(from: Type, wanted: Type): Type {
  if (from.kind === 'dynamic') return wanted;
  switch (wanted.kind) {
    case 'dynamic':
      return from;
    case 'map':
      if (from.kind === 'map') return mapType(fillIn(from.element, wanted.element));
      if (from.kind === 'object') {
        return mapType(fillIn(unify([...from.attributes.values()]) ?? DYNAMIC, wanted.element));
      }
      return wanted;
    case 'list':
    case 'set': {
      const make = wanted.kind === 'list' ? listType : setType;
      if (from.kind === 'list' || from.kind === 'set') return make(fillIn(from.element, wanted.element));
      if (from.kind === 'tuple') return make(fillIn(unify(from.elements) ?? DYNAMIC, wanted.element));
      return wanted;
    }
    case 'tuple':
      if (from.kind !== 'tuple') return wanted;
      return tupleType(wanted.elements.map((type, i) => fillIn(from.elements[i] ?? DYNAMIC, type)));
    case 'object': {
      const attributes = new Map<string, Type>();
      for (const [name, type] of wanted.attributes) {
        const given = from.kind === 'object' ? from.attributes.get(name) : elementType(from);
        attributes.set(name, given === undefined ? type : fillIn(given, type));
      }
      return objectType(attributes);
    }
    default:
      return wanted;
  }
}

/** For callers that only want to try: undefined instead of a failure. */
export function tryConvert(value: Value, wanted: Type): Value | undefined {
  try {
    return convert(value, wanted);
  } catch (failure) {
    if (failure instanceof ConversionFailure) return undefined;
    throw failure;
  }
}

import { tryConvert } from './conversion.ts';
import { set } from './sets.ts';
import { elementType, type Type } from './types.ts';
import { unify } from './unify.ts';
import type { Value } from './values.ts';
import {
  isNotNull,
  list,
  MappingValue,
  map,
  object,
  refineNotNull,
  SequenceValue,
  setMarks,
  tuple,
  withMarks,
} from './values.ts';

/** What `optional(type, value)` says in a type constraint, in the shape of the type. */
export interface Defaults {
  /** For an object: the values of attributes that are absent or null. */
  readonly values: ReadonlyMap<string, Value>;
  /** Defaults inside of attributes, by name, or of tuple elements, by index. */
  readonly children: ReadonlyMap<string, Defaults>;
  /** Defaults inside of every element of a list, set or map. */
  readonly elements: Defaults | undefined;
}

const NO_VALUES: ReadonlyMap<string, Value> = new Map();
const NO_CHILDREN: ReadonlyMap<string, Defaults> = new Map();

/** Undefined when there is nothing to fill in. */
export const collectionDefaults = (elements: Defaults | undefined): Defaults | undefined =>
  elements === undefined ? undefined : { values: NO_VALUES, children: NO_CHILDREN, elements };

export const structuralDefaults = (
  values: ReadonlyMap<string, Value>,
  children: ReadonlyMap<string, Defaults>,
): Defaults | undefined =>
  values.size === 0 && children.size === 0 ? undefined : { values, children, elements: undefined };

/**
 * The value with its absent and null attributes filled in, before it is converted: lists may become tuples and maps
 * objects where the parts no longer have one type. What is null or unknown as a whole stays.
 */
export function applyDefaults(value: Value, defaults: Defaults): Value {
  if (value instanceof SequenceValue) return withMarks(fillSequence(value, defaults), value.marks);
  if (value instanceof MappingValue) return withMarks(fillMapping(value, defaults), value.marks);
  return value;
}

function fillSequence(value: SequenceValue, defaults: Defaults): Value {
  const filled = value.elements.map((element, i) => {
    const inner = defaults.children.get(String(i)) ?? defaults.elements;
    return inner === undefined ? element : applyDefaults(element, inner);
  });
  if (value.kind === 'tuple') return tuple(filled);
  const type = filled.length === 0 ? elementType(value.type) : commonType(filled);
  const converted = type === undefined ? undefined : convertAll(filled, type);
  if (type === undefined || converted === undefined) return tuple(filled);
  return value.kind === 'set' ? set(converted, type) : list(converted, type);
}

function fillMapping(value: MappingValue, defaults: Defaults): Value {
  const filled = new Map<string, Value>();
  for (const [name, part] of value.entries) {
    const inner = defaults.children.get(name) ?? defaults.elements;
    filled.set(name, inner === undefined ? part : applyDefaults(part, inner));
  }
  for (const [name, fallback] of defaults.values) {
    const given = filled.get(name);
    if (given === undefined || given.kind === 'null') {
      const inner = defaults.children.get(name);
      filled.set(name, inner === undefined ? fallback : applyDefaults(fallback, inner));
    } else if (isNotNull(fallback)) filled.set(name, refineNotNull(given));
  }
  if (value.kind === 'object') return object(filled);
  if (filled.size === 0) return setMarks(value, new Set());
  const type = commonType([...filled.values()]);
  const converted = type === undefined ? undefined : convertAll([...filled.values()], type);
  if (type === undefined || converted === undefined) return object(filled);
  const names = [...filled.keys()];
  return map(new Map(converted.map((part, i) => [names[i] ?? '', part])), type);
}

const commonType = (parts: readonly Value[]): Type | undefined => unify(parts.map(({ type }) => type));

function convertAll(parts: readonly Value[], type: Type): readonly Value[] | undefined {
  const converted = parts.map((part) => tryConvert(part, type));
  return converted.every((part) => part !== undefined) ? converted : undefined;
}

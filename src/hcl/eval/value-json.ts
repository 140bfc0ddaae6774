import { numberText } from './number-text.ts';
import { parseNumber } from './numbers.ts';
import { set } from './sets.ts';
import type { TypeJson } from './type-text.ts';
import { typeFromJson, typeToJson } from './type-text.ts';
import type { Type } from './types.ts';
import { elementType } from './types.ts';
import type { Value } from './values.ts';
import {
  bool,
  isWhollyKnown,
  list,
  map,
  marksWithin,
  nullOf,
  number,
  object,
  SequenceValue,
  string,
  tuple,
} from './values.ts';

/** A value as JSON that loses nothing: numbers are texts with every digit, and the type says what is what. */
export interface ValueJson {
  readonly type: TypeJson;
  readonly value: Json;
}

export type Json = null | boolean | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A value as JSON, to be kept and read back by `fromJson`.
 *
 * @throws Error when a part of it is unknown or marked. Whoever keeps values decides before what becomes of those: a
 * sensitive value must never get into a file by mistake.
 */
export function toJson(value: Value): ValueJson {
  if (!isWhollyKnown(value)) throw new Error('an unknown value cannot be kept');
  if (marksWithin(value).size > 0) throw new Error('a sensitive value cannot be kept');
  return { type: typeToJson(value.type), value: partToJson(value) };
}

function partToJson(value: Value): Json {
  switch (value.kind) {
    case 'string':
      return value.text;
    case 'bool':
      return value.isTrue;
    case 'number':
      return numberText(value.number);
    case 'null':
    case 'unknown':
      return null;
  }
  if (value instanceof SequenceValue) return value.elements.map(partToJson);
  return Object.fromEntries([...value.entries].map(([key, part]) => [key, partToJson(part)]));
}

/** The reverse of `toJson`; undefined when the JSON is something else. */
export function fromJson(json: unknown): Value | undefined {
  if (typeof json !== 'object' || json === null || !('type' in json) || !('value' in json)) return undefined;
  const type = typeFromJson(json.type);
  return type === undefined ? undefined : partFromJson(json.value, type);
}

function partFromJson(json: unknown, type: Type): Value | undefined {
  if (json === null) return nullOf(type);
  switch (type.kind) {
    case 'string':
      return typeof json === 'string' ? string(json) : undefined;
    case 'bool':
      return typeof json === 'boolean' ? bool(json) : undefined;
    case 'number': {
      const parsed = typeof json === 'string' ? parseNumber(json.replace(/^\+/, '')) : undefined;
      return parsed === undefined ? undefined : number(parsed);
    }
    case 'list':
    case 'set': {
      const elements = partsFromJson(json, () => type.element);
      if (elements === undefined) return undefined;
      return type.kind === 'list' ? list(elements, type.element) : set(elements, type.element);
    }
    case 'tuple': {
      const elements = partsFromJson(json, (i) => type.elements[i]);
      return elements?.length === type.elements.length ? tuple(elements) : undefined;
    }
    case 'map':
    case 'object':
      return mappingFromJson(json, type);
    default:
      return undefined;
  }
}

function partsFromJson(json: unknown, typeOf: (index: number) => Type | undefined): Value[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const parts: Value[] = [];
  for (const [i, part] of json.entries()) {
    const type = typeOf(i);
    const value = type === undefined ? undefined : partFromJson(part, type);
    if (value === undefined) return undefined;
    parts.push(value);
  }
  return parts;
}

function mappingFromJson(json: unknown, type: Type): Value | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const entries = new Map<string, Value>();
  for (const [key, part] of Object.entries(json)) {
    const partType = type.kind === 'object' ? type.attributes.get(key) : elementType(type);
    const value = partType === undefined ? undefined : partFromJson(part, partType);
    if (value === undefined) return undefined;
    entries.set(key, value);
  }
  if (type.kind !== 'object') return map(entries, elementType(type));
  return entries.size === type.attributes.size ? object(entries) : undefined;
}

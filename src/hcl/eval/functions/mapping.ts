import { compareCodePoints } from '../code-points.ts';
import { tryConvert } from '../conversion.ts';
import type { Marks } from '../marks.ts';
import { joinMarks, NO_MARKS } from '../marks.ts';
import { quote } from '../quote.ts';
import type { Type } from '../types.ts';
import {
  DYNAMIC,
  elementType,
  friendlyName,
  listType,
  mapType,
  objectType,
  STRING,
  sameType,
  tupleType,
} from '../types.ts';
import type { Value } from '../values.ts';
import {
  isWhollyKnown,
  list,
  MappingValue,
  map,
  marksWithin,
  object,
  partsOf,
  string,
  tuple,
  unknown,
  unmark,
  withMarks,
} from '../values.ts';
import { anyParameter, argument, convertOrBlame, elementsOf, texts } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

const entriesOf = (value: Value): ReadonlyMap<string, Value> =>
  value instanceof MappingValue ? value.entries : new Map();

const keys: FunctionDefinition = {
  name: 'keys',
  family: 'collection',
  summary: 'The keys of a map or the names of the attributes of an object, in order.',
  parameters: [{ ...anyParameter('inputMap'), takesUnknown: true, takesMarked: true }],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'map') return listType(STRING);
    if (type.kind === 'object') return tupleType(Array<Type>(type.attributes.size).fill(STRING));
    throw discreet('must have map or object type', 0);
  },
  call: (args, _, returns) => {
    const given = argument(args, 0);
    const { type, marks } = given;
    if (type.kind === 'object') return withMarks(tuple([...type.attributes.keys()].map(string)), marks);
    if (given.kind === 'unknown') return withMarks(unknown(returns), marks);
    return withMarks(list([...entriesOf(given).keys()].map(string), STRING), marks);
  },
};

const values: FunctionDefinition = {
  name: 'values',
  family: 'collection',
  summary: 'The values of a map or object, in the order of their keys.',
  parameters: [{ ...anyParameter('mapping'), takesMarked: true }],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'map') return listType(type.element);
    if (type.kind === 'object') return tupleType([...type.attributes.values()]);
    throw discreet('values() requires a map as the first argument');
  },
  call: (args, _, returns) => {
    const given = argument(args, 0);
    const parts = partsOf(given);
    return withMarks(returns.kind === 'list' ? list(parts, returns.element) : tuple(parts), given.marks);
  },
};

const lookup: FunctionDefinition = {
  name: 'lookup',
  family: 'collection',
  summary: 'The value of a key, or a default where there is none.',
  parameters: [
    { ...anyParameter('inputMap'), takesMarked: true },
    { name: 'key', type: STRING, takesMarked: true },
  ],
  variadic: {
    name: 'default',
    type: DYNAMIC,
    takesNull: true,
    takesUnknown: true,
    takesMarked: true,
    takesDynamic: true,
  },
  mayBeNull: true,
  returns: (args) => {
    if (args.length > 3) throw discreet(`lookup() takes two or three arguments, got ${args.length}`);
    const { type } = argument(args, 0);
    const key = argument(args, 1);
    const fallback = args[2];
    if (type.kind === 'object') {
      if (key.kind !== 'string') return DYNAMIC;
      const attribute = type.attributes.get(key.text) ?? fallback?.type;
      if (attribute !== undefined) return attribute;
      throw new FunctionFailure(`the given object has no attribute ${shown(key)}`, 0, key.marks.size > 0);
    }
    if (type.kind !== 'map') throw discreet('lookup() requires a map as the first argument', 0);
    if (fallback !== undefined && tryConvert(fallback, type.element) === undefined) {
      throw discreet('the default value must have the same type as the map elements', 2);
    }
    return type.element;
  },
  call: (args, _, returns) => {
    const [given, key, fallback] = [argument(args, 0), argument(args, 1), args[2]];
    const marks = joinMarks(given.marks, key.marks);
    if (key.kind !== 'string' || !(given instanceof MappingValue)) return withMarks(unknown(returns), marks);
    const found = given.entries.get(key.text);
    if (found !== undefined) return withMarks(found, marks);
    if (fallback !== undefined) return withMarks(convertOrBlame(fallback, returns, 2), marks);
    throw new FunctionFailure(`lookup failed to find key ${shown(key)}`, undefined, true);
  },
};

const shown = (key: Value): string =>
  key.kind === 'string' && key.marks.size === 0 ? quote(key.text) : '(sensitive value)';

const notMappings = (type: Type): FunctionFailure =>
  discreet(`arguments must be maps or objects, got ${quote(friendlyName(type))}`);

const merge: FunctionDefinition = {
  name: 'merge',
  family: 'collection',
  summary: 'All entries of several maps or objects; of equal keys the last one counts.',
  parameters: [],
  variadic: { name: 'maps', type: DYNAMIC, takesNull: true, takesMarked: true, takesDynamic: true },
  returns: (args) => {
    const attributes = new Map<string, Type>();
    let isMatching = true;
    let isKnown = true;
    const [first] = args;
    if (first === undefined) return objectType(new Map());
    for (const arg of args) {
      const { type } = arg;
      if (type.kind === 'dynamic') return DYNAMIC;
      if (type.kind !== 'map' && type.kind !== 'object') {
        throw notMappings(type);
      }
      if (type.kind === 'object') {
        if (arg.kind !== 'null') for (const [name, t] of type.attributes) attributes.set(name, t);
      } else if (arg.kind === 'unknown') isKnown = false;
      else for (const name of entriesOf(arg).keys()) attributes.set(name, type.element);
      if (!sameType(type, first.type)) isMatching = false;
    }
    if (isMatching) return first.type;
    return isKnown ? objectType(attributes) : DYNAMIC;
  },
  call: (args, _, returns) => {
    const merged = new Map<string, Value>();
    let marks: Marks = NO_MARKS;
    for (const arg of args) {
      if (arg.kind === 'null') continue;
      // Behind a null without a type, nothing has looked at the types yet.
      if (!(arg instanceof MappingValue)) {
        if (partsOf(arg).length === 0) continue;
        throw notMappings(arg.type);
      }
      marks = joinMarks(marks, arg.marks);
      for (const [key, value] of arg.entries) merged.set(key, value);
    }
    return withMarks(returns.kind === 'map' ? map(merged, returns.element) : object(merged), marks);
  },
};

const transpose: FunctionDefinition = {
  name: 'transpose',
  family: 'collection',
  summary: 'A map of lists turned round: from each text to the keys of the lists it was in.',
  parameters: [{ name: 'values', type: mapType(listType(STRING)) }],
  returns: mapType(listType(STRING)),
  call: (args) => {
    const given = argument(args, 0);
    if (!isWhollyKnown(given)) return unknown(mapType(listType(STRING)));
    const found = new Map<string, string[]>();
    for (const [key, items] of entriesOf(given)) {
      if (items.kind === 'null') throw discreet('input must not contain null list');
      for (const item of elementsOf(items)) {
        if (item.kind !== 'string') throw discreet('input list must not contain null string');
        const keysOf = found.get(item.text);
        if (keysOf === undefined) found.set(item.text, [key]);
        else keysOf.push(key);
      }
    }
    const turned = new Map<string, Value>();
    for (const [key, items] of found)
      turned.set(key, list(items.sort(compareCodePoints).map(string), STRING));
    return map(turned, listType(STRING));
  },
};

const zipmap: FunctionDefinition = {
  name: 'zipmap',
  family: 'collection',
  summary: 'A map from a list of keys and a list of values.',
  parameters: [
    { ...texts('keys'), takesMarked: true },
    { ...anyParameter('values'), takesMarked: true },
  ],
  returns: (args) => {
    const [names, parts] = [argument(args, 0), argument(args, 1)];
    const { type } = parts;
    if (type.kind === 'list') return mapType(type.element);
    if (type.kind !== 'tuple') throw discreet('values argument must be a list or tuple value');
    if (!isWhollyKnown(names)) return DYNAMIC;
    checkCounts(elementsOf(names).length, type.elements.length);
    const attributes = new Map<string, Type>();
    for (const [i, name] of elementsOf(names).entries()) {
      attributes.set(keyText(name, i), type.elements[i] ?? DYNAMIC);
    }
    return objectType(attributes);
  },
  call: (args, _, returns) => {
    const [names, parts] = [argument(args, 0), argument(args, 1)];
    let marks = joinMarks(names.marks, parts.marks);
    if (!isWhollyKnown(names)) return withMarks(unknown(returns), joinMarks(marks, marksWithin(names)));
    const elements = elementsOf(parts);
    checkCounts(elementsOf(names).length, elements.length);
    const entries = new Map<string, Value>();
    for (const [i, name] of elementsOf(names).entries()) {
      marks = joinMarks(marks, name.marks);
      const value = elements[i];
      if (value !== undefined) entries.set(keyText(unmark(name), i), value);
    }
    return withMarks(returns.kind === 'map' ? map(entries, elementType(returns)) : object(entries), marks);
  },
};

function checkCounts(names: number, parts: number): void {
  if (names !== parts) throw discreet(`number of keys (${names}) does not match number of values (${parts})`);
}

function keyText(name: Value, at: number): string {
  if (name.kind !== 'string') throw discreet(`keys list has null value at index ${at}`);
  return name.text;
}

export const MAPPING_FUNCTIONS: readonly FunctionDefinition[] = [
  keys,
  lookup,
  merge,
  transpose,
  values,
  zipmap,
];

import { canConvert } from './conversion.ts';
import type { CollectionType, ObjectType, TupleType, Type } from './types.ts';
import {
  DYNAMIC,
  elementType,
  isPrimitive,
  listType,
  mapType,
  objectType,
  sameType,
  setType,
  tupleType,
} from './types.ts';

/**
 * The one type that values of all these types can be converted to, as Terraform looks for it when the parts of a
 * list or the two sides of a conditional differ: numbers and bools become strings, tuples lists, objects maps.
 * Undefined when there is none. `lossy` also allows conversions that may fail for some values, as string to number.
 */
export function unify(types: readonly Type[], lossy = true): Type | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  if (types.every((type) => type === first)) return first;
  const count = (kind: Type['kind']): number =>
    types.reduce((n, type) => (type.kind === kind ? n + 1 : n), 0);
  const all = types.length;
  const [maps, lists, sets, objects, tuples, open] = [
    count('map'),
    count('list'),
    count('set'),
    count('object'),
    count('tuple'),
    count('dynamic'),
  ];
  if (maps > 0 && maps + open === all) return unifyCollections(mapType, types, open > 0, lossy);
  if (maps > 0 && maps + objects + open === all) {
    const unified = unifyWith(types, 'object', unifyAsMap(types.filter(isObject), lossy), 'map', lossy);
    if (unified !== undefined) return unified;
  } else if (lists > 0 && lists + open === all) return unifyCollections(listType, types, open > 0, lossy);
  else if (lists > 0 && lists + tuples + open === all) {
    const unified = unifyWith(types, 'tuple', unifyAsList(types.filter(isTuple), lossy), 'list', lossy);
    if (unified !== undefined) return unified;
  } else if (sets > 0 && sets + open === all) return unifyCollections(setType, types, open > 0, lossy);
  else if (objects > 0 && objects + open === all) {
    return open > 0 ? DYNAMIC : unifyObjects(types.filter(isObject), lossy);
  } else if (tuples > 0 && tuples + open === all) {
    return open > 0 ? DYNAMIC : unifyTuples(types.filter(isTuple), lossy);
  } else if (objects > 0 && tuples > 0) return undefined;
  return mostGeneral(types, lossy);
}

const isObject = (type: Type): type is ObjectType => type.kind === 'object';
const isTuple = (type: Type): type is TupleType => type.kind === 'tuple';

/** The first of the types, the most general ones tried first, that all the others convert to. */
function mostGeneral(types: readonly Type[], lossy: boolean): Type | undefined {
  return inOrderOfGenerality(types).find((wanted) =>
    types.every((type) => sameType(type, wanted) || canConvert(type, wanted, lossy)),
  );
}

/** Replaces the structural types by the collection they agree on and unifies that with the rest. */
function unifyWith(
  types: readonly Type[],
  structural: 'object' | 'tuple',
  collection: Type | undefined,
  wanted: 'map' | 'list',
  lossy: boolean,
): Type | undefined {
  if (collection === undefined) return undefined;
  const unified = unify(
    types.map((type) => (type.kind === structural ? collection : type)),
    lossy,
  );
  return unified?.kind === wanted ? unified : undefined;
}

function unifyCollections(
  make: (element: Type) => Type,
  types: readonly Type[],
  hasOpen: boolean,
  lossy: boolean,
): Type | undefined {
  if (hasOpen) return DYNAMIC;
  const element = unify(
    types.map((type) => elementType(type as CollectionType)),
    lossy,
  );
  return element === undefined ? undefined : ifAllConvert(types, make(element), lossy);
}

function unifyObjects(types: readonly ObjectType[], lossy: boolean): Type | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  const sameNames = types.every(
    ({ attributes }) =>
      attributes.size === first.attributes.size &&
      attributes.keys().every((name) => first.attributes.has(name)),
  );
  if (!sameNames) return unifyAsMap(types, lossy);
  const attributes = new Map<string, Type>();
  for (const name of first.attributes.keys()) {
    const unified = unify(
      types.map((type) => type.attributes.get(name) ?? DYNAMIC),
      lossy,
    );
    if (unified === undefined) return undefined;
    attributes.set(name, unified);
  }
  return ifAllConvert(types, objectType(attributes), lossy) ?? unifyAsMap(types, lossy);
}

function unifyTuples(types: readonly TupleType[], lossy: boolean): Type | undefined {
  const [first] = types;
  if (first === undefined) return undefined;
  if (types.some((type) => type.elements.length !== first.elements.length)) return unifyAsList(types, lossy);
  const elements: Type[] = [];
  for (const i of first.elements.keys()) {
    const unified = unify(
      types.map((type) => type.elements[i] ?? DYNAMIC),
      lossy,
    );
    if (unified === undefined) return undefined;
    elements.push(unified);
  }
  return ifAllConvert(types, tupleType(elements), lossy) ?? unifyAsList(types, lossy);
}

function unifyAsMap(types: readonly ObjectType[], lossy: boolean): Type | undefined {
  const element = unify(
    types.flatMap((type) => [...type.attributes.values()]),
    lossy,
  );
  return element === undefined ? undefined : ifAllConvert(types, mapType(element), lossy);
}

function unifyAsList(types: readonly TupleType[], lossy: boolean): Type | undefined {
  const element = unify(
    types.flatMap((type) => type.elements),
    lossy,
  );
  return element === undefined ? undefined : ifAllConvert(types, listType(element), lossy);
}

const ifAllConvert = (types: readonly Type[], wanted: Type, lossy: boolean): Type | undefined =>
  types.every((type) => sameType(type, wanted) || canConvert(type, wanted, lossy)) ? wanted : undefined;

/** Negative when `a` is the more general of the two, positive when `b` is, 0 when neither. */
function compareGenerality(a: Type, b: Type): number {
  if (a.kind === 'dynamic' || b.kind === 'dynamic') {
    if (a.kind !== 'dynamic') return -1;
    return b.kind === 'dynamic' ? 0 : 1;
  }
  if (isPrimitive(a) && isPrimitive(b)) {
    if (a.kind === b.kind) return 0;
    return a.kind === 'string' ? -1 : b.kind === 'string' ? 1 : 0;
  }
  if (a.kind === b.kind) {
    if (a.kind === 'tuple' && b.kind === 'tuple') return comparePairs(pairTuples(a, b));
    if (a.kind === 'object' && b.kind === 'object') return comparePairs(pairObjects(a, b));
    return compareGenerality(elementType(a), elementType(b));
  }
  const rank = GENERALITY[`${a.kind} ${b.kind}`];
  if (rank !== undefined) return rank;
  const reverse = GENERALITY[`${b.kind} ${a.kind}`];
  return reverse === undefined ? 0 : -reverse;
}

const GENERALITY: Readonly<Record<string, number>> = {
  'list set': -1,
  'tuple set': -1,
  'list tuple': -1,
  'map object': -1,
};

function pairTuples(a: TupleType, b: TupleType): (readonly [Type, Type])[] {
  if (a.elements.length !== b.elements.length) return [];
  return a.elements.map((type, i) => [type, b.elements[i] ?? DYNAMIC] as const);
}

function pairObjects(a: ObjectType, b: ObjectType): (readonly [Type, Type])[] {
  if (a.attributes.size !== b.attributes.size) return [];
  const pairs: (readonly [Type, Type])[] = [];
  for (const [name, type] of a.attributes) {
    const other = b.attributes.get(name);
    if (other === undefined) return [];
    pairs.push([type, other]);
  }
  return pairs;
}

function comparePairs(pairs: readonly (readonly [Type, Type])[]): number {
  let [aWins, bWins] = [false, false];
  for (const [a, b] of pairs) {
    const order = compareGenerality(a, b);
    if (order < 0) aWins = true;
    else if (order > 0) bWins = true;
  }
  if (aWins === bWins) return 0;
  return aWins ? -1 : 1;
}

/** The types with the more general before the less general ones, otherwise in the order given. */
function inOrderOfGenerality(types: readonly Type[]): Type[] {
  const distinct: Type[] = [];
  for (const type of types) if (!distinct.some((known) => sameType(known, type))) distinct.push(type);
  const below = distinct.map(() => new Set<number>());
  const above = distinct.map(() => 0);
  for (let i = 0; i < distinct.length; i++) {
    for (let j = i + 1; j < distinct.length; j++) {
      const order = compareGenerality(distinct[i] ?? DYNAMIC, distinct[j] ?? DYNAMIC);
      if (order === 0) continue;
      const [general, special] = order < 0 ? [i, j] : [j, i];
      below[general]?.add(special);
      above[special] = (above[special] ?? 0) + 1;
    }
  }
  const queue = [...distinct.keys()].filter((i) => above[i] === 0);
  const ordered: Type[] = [];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    ordered.push(distinct[at] ?? DYNAMIC);
    for (const special of below[at] ?? []) {
      const left = (above[special] ?? 0) - 1;
      above[special] = left;
      if (left === 0) queue.push(special);
    }
  }
  return ordered;
}

import { inKeyOrder } from './code-points.ts';

/**
 * The types a value can have. `dynamic` is the type of a null literal and of a value of which nothing is known yet;
 * in a constraint it stands for "any type". Tuples and objects keep the type of each part, lists, sets and maps
 * have one for all of them: `tolist([1]) == [1]` is false.
 */
export type Type = PrimitiveType | CollectionType | TupleType | ObjectType;

export interface PrimitiveType {
  readonly kind: 'string' | 'number' | 'bool' | 'dynamic';
}

export interface CollectionType {
  readonly kind: 'list' | 'set' | 'map';
  readonly element: Type;
}

export interface TupleType {
  readonly kind: 'tuple';
  readonly elements: readonly Type[];
}

/** Attributes are in code point order. `optional` names those a type constraint lets be absent. */
export interface ObjectType {
  readonly kind: 'object';
  readonly attributes: ReadonlyMap<string, Type>;
  readonly optional: ReadonlySet<string>;
}

export const STRING: Type = { kind: 'string' };
export const NUMBER: Type = { kind: 'number' };
export const BOOL: Type = { kind: 'bool' };
export const DYNAMIC: Type = { kind: 'dynamic' };

const NONE_OPTIONAL: ReadonlySet<string> = new Set();
const collectionTypes = new WeakMap<Type, Partial<Record<'list' | 'set' | 'map', Type>>>();

function collectionType(kind: 'list' | 'set' | 'map', element: Type): Type {
  const known: Partial<Record<'list' | 'set' | 'map', Type>> = collectionTypes.get(element) ?? {};
  if (known[kind] === undefined) collectionTypes.set(element, known);
  known[kind] ??= { kind, element };
  return known[kind];
}

export const listType = (element: Type): Type => collectionType('list', element);
export const setType = (element: Type): Type => collectionType('set', element);
export const mapType = (element: Type): Type => collectionType('map', element);

export const tupleType = (elements: readonly Type[]): TupleType => ({ kind: 'tuple', elements });

export function objectType(
  attributes: ReadonlyMap<string, Type>,
  optional: ReadonlySet<string> = NONE_OPTIONAL,
): ObjectType {
  return { kind: 'object', attributes: inKeyOrder(attributes), optional };
}

export const EMPTY_TUPLE: TupleType = tupleType([]);
export const EMPTY_OBJECT: ObjectType = objectType(new Map());

export const isCollection = (type: Type): type is CollectionType =>
  type.kind === 'list' || type.kind === 'set' || type.kind === 'map';

export const isPrimitive = (type: Type): boolean =>
  type.kind === 'string' || type.kind === 'number' || type.kind === 'bool';

/** A list, set or tuple. */
export const isSequenceType = (type: Type): boolean =>
  type.kind === 'list' || type.kind === 'set' || type.kind === 'tuple';

/** The element type of a list, set or map; `dynamic` for anything else. */
export const elementType = (type: Type): Type => (isCollection(type) ? type.element : DYNAMIC);

/** The same type in every part, optional attributes included. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (isCollection(a)) return sameType(a.element, (b as CollectionType).element);
  if (a.kind === 'tuple') {
    const others = (b as TupleType).elements;
    return (
      a.elements.length === others.length &&
      a.elements.every((type, i) => sameType(type, others[i] ?? DYNAMIC))
    );
  }
  if (a.kind === 'object') {
    const other = b as ObjectType;
    if (a.attributes.size !== other.attributes.size || a.optional.size !== other.optional.size) return false;
    for (const [name, type] of a.attributes) {
      const counterpart = other.attributes.get(name);
      if (counterpart === undefined || !sameType(type, counterpart)) return false;
      if (a.optional.has(name) !== other.optional.has(name)) return false;
    }
  }
  return true;
}

/** Whether any part of the type is still open. */
export function hasDynamic(type: Type): boolean {
  if (type.kind === 'dynamic') return true;
  if (isCollection(type)) return hasDynamic(type.element);
  if (type.kind === 'tuple') return type.elements.some(hasDynamic);
  if (type.kind === 'object') return type.attributes.values().some(hasDynamic);
  return false;
}

/** Whether a value of this type fits the constraint without a conversion. */
export function conforms(type: Type, constraint: Type): boolean {
  if (constraint.kind === 'dynamic' || type === constraint) return true;
  if (type.kind !== constraint.kind) return false;
  if (isCollection(type)) return conforms(type.element, (constraint as CollectionType).element);
  if (type.kind === 'tuple') {
    const wanted = (constraint as TupleType).elements;
    return (
      wanted.length === type.elements.length &&
      type.elements.every((t, i) => conforms(t, wanted[i] ?? DYNAMIC))
    );
  }
  if (type.kind === 'object') {
    const wanted = (constraint as ObjectType).attributes;
    if (wanted.size !== type.attributes.size) return false;
    for (const [name, t] of type.attributes) {
      const counterpart = wanted.get(name);
      if (counterpart === undefined || !conforms(t, counterpart)) return false;
    }
  }
  return true;
}

/** The type with every optional attribute made an ordinary one: what a converted value has. */
export function withoutOptional(type: Type): Type {
  if (isCollection(type)) {
    const element = withoutOptional(type.element);
    return element === type.element ? type : collectionType(type.kind, element);
  }
  if (type.kind === 'tuple') {
    const elements = type.elements.map(withoutOptional);
    return elements.every((t, i) => t === type.elements[i]) ? type : tupleType(elements);
  }
  if (type.kind === 'object') {
    let changed = type.optional.size > 0;
    const attributes = new Map<string, Type>();
    for (const [name, t] of type.attributes) {
      const plain = withoutOptional(t);
      if (plain !== t) changed = true;
      attributes.set(name, plain);
    }
    return changed ? objectType(attributes) : type;
  }
  return type;
}

/** The type in the words of Terraform's messages: `list of string`, `object`. */
export function friendlyName(type: Type): string {
  if (isCollection(type)) return `${type.kind} of ${friendlyName(type.element)}`;
  return type.kind;
}

/** The same for a constraint, where an open type reads "any type". */
export function friendlyConstraint(type: Type): string {
  if (type.kind === 'dynamic') return 'any type';
  if (isCollection(type)) {
    return `${type.kind} of ${type.element.kind === 'dynamic' ? 'any single type' : friendlyConstraint(type.element)}`;
  }
  return type.kind;
}

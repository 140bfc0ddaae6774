import { graphemeCount } from '../code-points.ts';
import { tryConvert } from '../conversion.ts';
import { equals } from '../equality.ts';
import type { Marks } from '../marks.ts';
import { joinMarks, NO_MARKS } from '../marks.ts';
import type { Type } from '../types.ts';
import {
  BOOL,
  DYNAMIC,
  elementType,
  friendlyName,
  isCollection,
  isSequenceType,
  listType,
  NUMBER,
  STRING,
  tupleType,
} from '../types.ts';
import { unify } from '../unify.ts';
import type { Value } from '../values.ts';
import {
  FALSE,
  isWhollyKnown,
  list,
  MappingValue,
  nullOf,
  SequenceValue,
  sharedType,
  TRUE,
  tuple,
  UNKNOWN_BOOL,
  unknown,
  withMarks,
} from '../values.ts';
import {
  anyParameter,
  argument,
  bools,
  convertOrBlame,
  count,
  elementsOf,
  isLengthKnown,
  isTrue,
  listOf,
  texts,
} from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet } from './definition.ts';

/** `length` of a list, set or map. */
function lengthOf(value: Value): Value {
  if (value instanceof MappingValue) return count(value.entries.size);
  if (value instanceof SequenceValue) {
    if (isLengthKnown(value)) return count(value.elements.length);
    return unknown(NUMBER, {
      notNull: true,
      lower: { at: 1, inclusive: true },
      upper: { at: value.elements.length, inclusive: true },
    });
  }
  const { minLength = 0, maxLength } = value.kind === 'unknown' ? value.refinement : {};
  const upper = maxLength === undefined ? {} : { upper: { at: maxLength, inclusive: true } };
  return unknown(NUMBER, { notNull: true, lower: { at: minLength, inclusive: true }, ...upper });
}

const length: FunctionDefinition = {
  name: 'length',
  family: 'collection',
  summary: 'How many elements, attributes or characters there are.',
  parameters: [{ name: 'value', type: DYNAMIC, takesDynamic: true, takesUnknown: true, takesMarked: true }],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'number' || type.kind === 'bool') {
      throw discreet('argument must be a string, a collection type, or a structural type');
    }
    return NUMBER;
  },
  call: (args) => {
    const value = argument(args, 0);
    const { type } = value;
    if (type.kind === 'tuple') return withMarks(count(type.elements.length), value.marks);
    if (type.kind === 'object') return withMarks(count(type.attributes.size), value.marks);
    if (value.kind === 'string') return withMarks(count(graphemeCount(value.text)), value.marks);
    if (type.kind === 'string' && value.kind === 'unknown') {
      const at = graphemeCount(value.refinement.prefix ?? '');
      return withMarks(unknown(NUMBER, { notNull: true, lower: { at, inclusive: true } }), value.marks);
    }
    return withMarks(isCollection(type) ? lengthOf(value) : unknown(NUMBER), value.marks);
  },
};

const alltrue: FunctionDefinition = {
  name: 'alltrue',
  family: 'collection',
  summary: 'Whether every element is true.',
  parameters: [bools('list')],
  returns: BOOL,
  call: (args) => {
    for (const element of elementsOf(args[0])) {
      if (element.kind === 'unknown') return UNKNOWN_BOOL;
      if (!isTrue(element)) return FALSE;
    }
    return TRUE;
  },
};

const anytrue: FunctionDefinition = {
  name: 'anytrue',
  family: 'collection',
  summary: 'Whether at least one element is true.',
  parameters: [bools('list')],
  returns: BOOL,
  call: (args) => {
    const elements = elementsOf(args[0]);
    if (elements.some(isTrue)) return TRUE;
    return elements.some((element) => element.kind === 'unknown') ? UNKNOWN_BOOL : FALSE;
  },
};

/** Arguments that `coalesce` and its like look at one by one. */
const values = {
  name: 'vals',
  type: DYNAMIC,
  takesNull: true,
  takesUnknown: true,
  takesDynamic: true,
} as const;

const coalesce: FunctionDefinition = {
  name: 'coalesce',
  family: 'collection',
  summary: 'The first argument that is neither null nor an empty text.',
  parameters: [],
  variadic: values,
  returns: (args) => {
    const type = unify(args.map((arg) => arg.type));
    if (type === undefined) throw discreet('all arguments must have the same type');
    return type;
  },
  call: (args, _, returns) => {
    for (const arg of args) {
      const value = tryConvert(arg, returns);
      // Types may agree where a value does not: `coalesce(["a"], toset([1]))` is the set.
      if (value === undefined) continue;
      if (value.kind === 'unknown') return unknown(returns);
      if (value.kind === 'null' || (value.kind === 'string' && value.text === '')) continue;
      return value;
    }
    throw discreet('no non-null, non-empty-string arguments');
  },
};

const coalescelist: FunctionDefinition = {
  name: 'coalescelist',
  family: 'collection',
  summary: 'The first list that is not empty.',
  parameters: [],
  variadic: values,
  returns: (args) => {
    const [first] = args;
    if (first === undefined) throw discreet('at least one argument is required');
    for (const arg of args) {
      if (arg.kind === 'unknown') return DYNAMIC;
      if (arg.type.kind !== 'list' && arg.type.kind !== 'tuple') {
        throw discreet('coalescelist arguments must be lists or tuples');
      }
    }
    return DYNAMIC;
  },
  call: (args, _, returns) => {
    for (const arg of args) {
      if (arg.kind === 'unknown') return unknown(returns);
      if (elementsOf(arg).length > 0) return arg;
    }
    throw discreet('no non-null arguments');
  },
};

const compact: FunctionDefinition = {
  name: 'compact',
  family: 'collection',
  summary: 'The texts of a list without those that are empty or null.',
  parameters: [texts('list')],
  returns: listType(STRING),
  call: (args) => {
    if (!isWhollyKnown(argument(args, 0))) return unknown(listType(STRING));
    const kept = elementsOf(args[0]).filter((element) => element.kind === 'string' && element.text !== '');
    return list(kept, STRING);
  },
};

const concat: FunctionDefinition = {
  name: 'concat',
  family: 'collection',
  summary: 'The elements of several lists, one list after the other.',
  parameters: [],
  variadic: { name: 'seqs', type: DYNAMIC, takesMarked: true },
  returns: (args) => {
    if (args.length === 0) throw discreet('at least one argument is required');
    if (args.every((arg) => arg.type.kind === 'list')) {
      const shared = unify(args.map((arg) => arg.type));
      if (shared !== undefined) return shared;
    }
    const types: Type[] = [];
    for (const [i, arg] of args.entries()) {
      if (arg.type.kind === 'tuple') types.push(...arg.type.elements);
      else if (arg.type.kind !== 'list') {
        throw discreet(`all arguments must be lists or tuples; got ${friendlyName(arg.type)}`, i);
      } else if (arg.kind === 'unknown') return DYNAMIC;
      else types.push(...Array<Type>(elementsOf(arg).length).fill(arg.type.element));
    }
    return tupleType(types);
  },
  call: (args, _, returns) => {
    let marks: Marks = NO_MARKS;
    const all: Value[] = [];
    for (const [i, arg] of args.entries()) {
      marks = joinMarks(marks, arg.marks);
      const given = returns.kind === 'list' ? convertOrBlame(arg, returns, i) : arg;
      for (const element of elementsOf(given)) all.push(element);
    }
    if (returns.kind !== 'list') return withMarks(tuple(all), marks);
    // An empty list of an open type adds nothing to what the elements are.
    const element = returns.element.kind === 'dynamic' ? sharedType(all) : returns.element;
    if (element === undefined) throw discreet('the elements of all lists together must be of one type');
    return withMarks(list(all, element), marks);
  },
};

const contains: FunctionDefinition = {
  name: 'contains',
  family: 'collection',
  summary: 'Whether a list, set or tuple has an element equal to a value.',
  parameters: [anyParameter('list'), anyParameter('value')],
  returns: BOOL,
  call: (args) => {
    const [haystack, needle] = [argument(args, 0), argument(args, 1)];
    if (!isSequenceType(haystack.type)) throw discreet('argument must be list, tuple, or set');
    let open = false;
    for (const element of elementsOf(haystack)) {
      const same = equals(needle, element);
      if (isTrue(same)) return TRUE;
      if (same.kind === 'unknown') open = true;
    }
    return open ? UNKNOWN_BOOL : FALSE;
  },
};

/** The elements with those that are sequences replaced by theirs; undefined where a length is not known. */
function flattened(value: Value, into: Value[]): { marks: Marks; isKnown: boolean } {
  let { marks } = value;
  let isKnown = isLengthKnown(value);
  for (const element of isKnown ? elementsOf(value) : []) {
    if (element.kind === 'unknown' && element.type.kind === 'dynamic') isKnown = false;
    if (element.kind === 'null' || !isSequenceType(element.type)) {
      into.push(element);
      continue;
    }
    const inner = flattened(element, into);
    marks = joinMarks(marks, inner.marks);
    if (!inner.isKnown) isKnown = false;
  }
  return { marks, isKnown };
}

const flatten: FunctionDefinition = {
  name: 'flatten',
  family: 'collection',
  summary: 'The elements of all nested lists, sets and tuples as one tuple.',
  parameters: [{ ...anyParameter('list'), takesMarked: true }],
  returns: (args) => {
    const value = argument(args, 0);
    if (isWhollyKnown(value) && !isSequenceType(value.type)) {
      throw discreet('can only flatten lists, sets and tuples');
    }
    return DYNAMIC;
  },
  call: (args) => {
    const value = argument(args, 0);
    if (!isSequenceType(value.type)) throw discreet('can only flatten lists, sets and tuples');
    const elements: Value[] = [];
    const { marks, isKnown } = flattened(value, elements);
    return withMarks(isKnown ? tuple(elements) : unknown(DYNAMIC), marks);
  },
};

const matchkeys: FunctionDefinition = {
  name: 'matchkeys',
  family: 'collection',
  summary: 'The values whose key, at the same place in another list, is one of those searched for.',
  parameters: [listOf('values', DYNAMIC), listOf('keys', DYNAMIC), listOf('searchset', DYNAMIC)],
  returns: (args) => {
    if (unify([argument(args, 1).type, argument(args, 2).type]) === undefined) {
      throw discreet('keys and searchset must be of the same type');
    }
    return argument(args, 0).type;
  },
  call: (args, _, returns) => {
    const [given, keys, searched] = [argument(args, 0), argument(args, 1), argument(args, 2)];
    const elements = elementsOf(given);
    if (elements.length !== elementsOf(keys).length)
      throw discreet('length of keys and values should be equal');
    const type = unify([keys.type, searched.type]) ?? keys.type;
    const wanted = elementsOf(tryConvert(searched, type));
    if (wanted.length === 0) return list([], elementType(returns));
    if (!isWhollyKnown(given) || !isWhollyKnown(keys)) return unknown(returns);
    const kept: Value[] = [];
    for (const [i, key] of elementsOf(tryConvert(keys, type)).entries()) {
      for (const search of wanted) {
        const same = equals(key, search);
        if (same.kind === 'unknown') return list([], elementType(returns));
        const value = elements[i];
        if (isTrue(same) && value !== undefined) {
          kept.push(value);
          break;
        }
      }
    }
    return list(kept, elementType(returns));
  },
};

const NOT_ONE = 'must be a list, set, or tuple value with either zero or one elements';

const one: FunctionDefinition = {
  name: 'one',
  family: 'collection',
  summary: 'The only element of a list, set or tuple, or null when it is empty.',
  parameters: [anyParameter('list')],
  mayBeNull: true,
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'list' || type.kind === 'set') return type.element;
    if (type.kind === 'tuple' && type.elements.length <= 1) return type.elements[0] ?? DYNAMIC;
    throw discreet(NOT_ONE, 0);
  },
  call: (args, _, returns) => {
    const given = argument(args, 0);
    if (!isLengthKnown(given)) return unknown(returns);
    const elements = elementsOf(given);
    if (elements.length > 1) throw discreet(NOT_ONE, 0);
    return elements[0] ?? nullOf(returns);
  },
};

export const COLLECTION_FUNCTIONS: readonly FunctionDefinition[] = [
  alltrue,
  anytrue,
  coalesce,
  coalescelist,
  compact,
  concat,
  contains,
  flatten,
  length,
  matchkeys,
  one,
];

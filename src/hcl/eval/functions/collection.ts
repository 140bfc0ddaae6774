import { compareCodePoints, graphemeCount } from '../code-points.ts';
import { ConversionFailure, convert, tryConvert } from '../conversion.ts';
import { equals } from '../equality.ts';
import type { Marks } from '../marks.ts';
import { joinMarks, NO_MARKS } from '../marks.ts';
import { add, compareNumbers, fromCount } from '../numbers.ts';
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
  number,
  SequenceValue,
  string,
  TRUE,
  tuple,
  UNKNOWN_BOOL,
  unknown,
  unmark,
  withMarks,
} from '../values.ts';
import {
  anyParameter,
  argument,
  bigOf,
  bools,
  elementsOf,
  listOf,
  numberParameter,
  texts,
  wholeOf,
} from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

const isTrue = (value: Value): boolean => value.kind === 'bool' && value.isTrue;
export const count = (n: number): Value => number(fromCount(n));

/** A set with unknown elements may be smaller than it looks. */
export const isLengthKnown = (value: Value): boolean =>
  value.kind !== 'unknown' &&
  !(
    value instanceof SequenceValue &&
    value.kind === 'set' &&
    value.elements.length > 1 &&
    !value.isWhollyKnown
  );

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
      const value = tryConvert(arg, returns) ?? arg;
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
    return withMarks(returns.kind === 'list' ? list(all, returns.element) : tuple(all), marks);
  },
};

export function convertOrBlame(value: Value, type: Type, index: number): Value {
  try {
    return convert(value, type);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    throw new FunctionFailure(failure.message, index);
  }
}

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

const chunklist: FunctionDefinition = {
  name: 'chunklist',
  family: 'collection',
  summary: 'A list cut into lists of at most this many elements.',
  parameters: [
    { ...listOf('list', DYNAMIC), takesMarked: true },
    { ...numberParameter('size'), takesMarked: true },
  ],
  returns: (args) => listType(argument(args, 0).type),
  call: (args, _, returns) => {
    const [given, sizeArgument] = [argument(args, 0), argument(args, 1)];
    const marks = joinMarks(given.marks, sizeArgument.marks);
    const size = wholeOf([unmark(sizeArgument)], 0, { prefix: 'invalid size: ' });
    if (size < 0) throw discreet('the size argument must be positive');
    const elements = elementsOf(given);
    const { type } = given;
    const chunks: Value[] = [];
    if (size === 0 && elements.length > 0) chunks.push(unmark(given));
    else {
      for (let at = 0; at < elements.length; at += size) {
        chunks.push(list(elements.slice(at, at + size), elementType(type)));
      }
    }
    return withMarks(list(chunks, elementType(returns)), marks);
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

const index: FunctionDefinition = {
  name: 'index',
  family: 'collection',
  summary: 'The place of the first element equal to a value.',
  parameters: [anyParameter('list'), anyParameter('value')],
  returns: NUMBER,
  call: (args) => {
    const [given, wanted] = [argument(args, 0), argument(args, 1)];
    if (given.type.kind !== 'list' && given.type.kind !== 'tuple') {
      throw discreet('argument must be a list or tuple');
    }
    const elements = elementsOf(given);
    if (elements.length === 0) throw discreet('cannot search an empty list');
    for (const [i, element] of elements.entries()) {
      const same = equals(element, wanted);
      if (same.kind === 'unknown') return unknown(NUMBER);
      if (isTrue(same)) return count(i);
    }
    throw discreet('item not found');
  },
};

const element: FunctionDefinition = {
  name: 'element',
  family: 'collection',
  summary: 'An element by its place, counting on from the first after the last.',
  parameters: [{ ...anyParameter('list'), takesMarked: true }, numberParameter('index')],
  mayBeNull: true,
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'list') return type.element;
    if (type.kind !== 'tuple') throw discreet(`cannot read elements from ${friendlyName(type)}`);
    if (argument(args, 1).kind === 'unknown') return DYNAMIC;
    return type.elements[placeIn(args, type.elements.length)] ?? DYNAMIC;
  },
  call: (args) => {
    const given = argument(args, 0);
    const elements = elementsOf(given);
    const found = elements[placeIn(args, elements.length)];
    return withMarks(found ?? unknown(DYNAMIC), given.marks);
  },
};

function placeIn(args: readonly Value[], length: number): number {
  wholeOf(args, 1, { prefix: 'invalid index: ' });
  const at = bigOf(argument(args, 1)) ?? 0n;
  if (length === 0) throw discreet('cannot use element function with an empty list');
  // Terraform 1.11 counts lists from the end, and ends with a stack trace for tuples.
  if (at < 0n && argument(args, 0).type.kind === 'tuple') throw discreet('the index must not be negative');
  const rest = Number(at % BigInt(length));
  return rest < 0 ? rest + length : rest;
}

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

const MAX_RANGE = 1024;

const range: FunctionDefinition = {
  name: 'range',
  family: 'collection',
  summary: 'Numbers from a start up to, not including, a limit.',
  parameters: [],
  variadic: numberParameter('params'),
  returns: listType(NUMBER),
  call: (args) => {
    const given = args.map((arg) => (arg.kind === 'number' ? arg.number : 0));
    if (given.length < 1 || given.length > 3) throw discreet('must have one, two, or three arguments');
    const start = given.length === 1 ? fromCount(0) : (given[0] ?? 0);
    const end = given.length === 1 ? (given[0] ?? 0) : (given[1] ?? 0);
    const step = given[2] ?? fromCount(compareNumbers(end, start) < 0 ? -1 : 1);
    const down = compareNumbers(step, 0) < 0;
    const direction = compareNumbers(end, start);
    if (down && direction > 0) throw discreet('end must be less than start when step is negative', 1);
    if (!down && direction < 0) throw discreet('end must be greater than start when step is positive', 1);
    const items: Value[] = [];
    for (let n = start; down ? compareNumbers(n, end) > 0 : compareNumbers(n, end) < 0; n = add(n, step)) {
      if (items.length >= MAX_RANGE) {
        throw discreet(
          `more than ${MAX_RANGE} values were generated; either decrease the difference between start and end or use a smaller step`,
        );
      }
      items.push(number(n));
    }
    return list(items, NUMBER);
  },
};

const reverse: FunctionDefinition = {
  name: 'reverse',
  family: 'collection',
  summary: 'The elements of a list or tuple in reverse order.',
  parameters: [{ ...anyParameter('list'), takesMarked: true }],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'tuple') return tupleType(type.elements.toReversed());
    if (type.kind === 'list' || type.kind === 'set') return listType(type.element);
    throw discreet(`can only reverse list or tuple values, not ${friendlyName(type)}`, 0);
  },
  call: (args, _, returns) => {
    const given = argument(args, 0);
    const elements = elementsOf(given).toReversed();
    return withMarks(
      returns.kind === 'list' ? list(elements, returns.element) : tuple(elements),
      given.marks,
    );
  },
};

const slice: FunctionDefinition = {
  name: 'slice',
  family: 'collection',
  summary: 'A part of a list, from a first place up to, not including, a last one.',
  parameters: [
    { ...anyParameter('list'), takesMarked: true },
    numberParameter('start_index'),
    numberParameter('end_index'),
  ],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind === 'set') {
      throw discreet(
        'cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering of the result is not important',
        0,
      );
    }
    if (!isSequenceType(type)) throw discreet('must be a list or tuple value', 0);
    const [start, end] = sliceBounds(args);
    if (type.kind !== 'tuple') return type;
    if (start === undefined || end === undefined) return DYNAMIC;
    return tupleType(type.elements.slice(start, end));
  },
  call: (args, _, returns) => {
    const given = argument(args, 0);
    const [start, end] = sliceBounds(args);
    const elements = elementsOf(given).slice(start, end);
    return withMarks(
      returns.kind === 'list' ? list(elements, returns.element) : tuple(elements),
      given.marks,
    );
  },
};

function sliceBounds(args: readonly Value[]): readonly [number | undefined, number | undefined] {
  const given = argument(args, 0);
  const size =
    given.type.kind === 'tuple'
      ? given.type.elements.length
      : given.kind === 'list'
        ? elementsOf(given).length
        : undefined;
  const bound = (i: number, name: string): number | undefined => {
    if (argument(args, i).kind === 'unknown') return undefined;
    const at = wholeOf(args, i, { argument: i, prefix: `invalid ${name} index: ` });
    if (at < 0) throw discreet(`${name} index must not be less than zero`, i);
    if (size !== undefined && at > size) {
      throw discreet(`${name} index must not be greater than the length of the list`, i);
    }
    return at;
  };
  const start = bound(1, 'start');
  const end = bound(2, 'end');
  if (start !== undefined && end !== undefined && start > end) {
    throw discreet('start index must not be greater than end index', 1);
  }
  return [start, end];
}

const sort: FunctionDefinition = {
  name: 'sort',
  family: 'collection',
  summary: 'Texts in the order of their code points.',
  parameters: [{ ...texts('list'), takesUnknown: true }],
  returns: listType(STRING),
  call: (args) => {
    const given = argument(args, 0);
    const elements = elementsOf(given);
    if (!isWhollyKnown(given)) {
      const { minLength, maxLength } =
        given.kind === 'unknown'
          ? given.refinement
          : { minLength: elements.length, maxLength: elements.length };
      return unknown(listType(STRING), {
        notNull: true,
        ...(minLength === undefined ? {} : { minLength }),
        ...(maxLength === undefined ? {} : { maxLength }),
      });
    }
    const items = elements.map((item, i) => {
      if (item.kind === 'string') return item.text;
      throw discreet(`given list element ${i} is null; a null string cannot be sorted`);
    });
    return list(items.sort(compareCodePoints).map(string), STRING);
  },
};

export const COLLECTION_FUNCTIONS: readonly FunctionDefinition[] = [
  alltrue,
  anytrue,
  chunklist,
  coalesce,
  coalescelist,
  compact,
  concat,
  contains,
  element,
  flatten,
  index,
  length,
  matchkeys,
  one,
  range,
  reverse,
  slice,
  sort,
];

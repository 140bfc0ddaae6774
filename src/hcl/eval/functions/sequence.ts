import { compareCodePoints } from '../code-points.ts';
import { equals } from '../equality.ts';
import { joinMarks } from '../marks.ts';
import { add, compareNumbers, fromCount } from '../numbers.ts';
import {
  DYNAMIC,
  elementType,
  friendlyName,
  isSequenceType,
  listType,
  NUMBER,
  STRING,
  tupleType,
} from '../types.ts';
import type { Value } from '../values.ts';
import { isWhollyKnown, list, number, string, tuple, unknown, unmark, withMarks } from '../values.ts';
import {
  anyParameter,
  argument,
  bigOf,
  count,
  elementsOf,
  isTrue,
  listOf,
  numberParameter,
  texts,
  wholeOf,
} from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet } from './definition.ts';

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

/** Functions of the places in a list. */
export const SEQUENCE_FUNCTIONS: readonly FunctionDefinition[] = [
  chunklist,
  element,
  index,
  range,
  reverse,
  slice,
  sort,
];

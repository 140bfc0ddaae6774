import { tryConvert } from '../conversion.ts';
import { checkSize } from '../limits.ts';
import type { Marks } from '../marks.ts';
import { joinMarks, NO_MARKS } from '../marks.ts';
import { membership, set, distinct as withoutRepetitions } from '../sets.ts';
import type { Type } from '../types.ts';
import { DYNAMIC, elementType, isCollection, listType, setType, tupleType } from '../types.ts';
import { unify } from '../unify.ts';
import type { Value } from '../values.ts';
import { isWhollyKnown, list, tuple, unknown, withMarks } from '../values.ts';
import { argument, convertOrBlame, elementsOf, isLengthKnown, listOf } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet } from './definition.ts';

const setParameter = (name: string) => ({ name, type: setType(DYNAMIC), takesDynamic: true }) as const;

function commonSetType(args: readonly Value[]): Type {
  const types: Type[] = [];
  for (const arg of args) {
    const type = elementType(arg.type);
    // An empty set without an element type fits to any.
    if (arg.kind === 'set' && elementsOf(arg).length === 0 && type.kind === 'dynamic') continue;
    types.push(type);
  }
  if (types.length === 0) return setType(DYNAMIC);
  const type = unify(types);
  if (type === undefined) throw discreet('given sets must all have compatible element types');
  return setType(type);
}

/** `takesUnknowns`: whether a result can be told although elements are unknown. */
function setOperation(
  name: string,
  summary: string,
  parameters: Pick<FunctionDefinition, 'parameters' | 'variadic'>,
  takesUnknowns: boolean,
  combine: (a: readonly Value[], b: readonly Value[]) => readonly Value[],
): FunctionDefinition {
  return {
    name,
    family: 'collection',
    summary,
    ...parameters,
    returns: commonSetType,
    call: (args, _, returns) => {
      let result: readonly Value[] | undefined;
      for (const [i, arg] of args.entries()) {
        const given = convertOrBlame(arg, returns, i);
        if (given.kind === 'unknown' || (!takesUnknowns && !isWhollyKnown(given))) return unknown(returns);
        result = result === undefined ? elementsOf(given) : combine(result, elementsOf(given));
      }
      return set(result ?? [], elementType(returns));
    },
  };
}

const several = { parameters: [setParameter('first_set')], variadic: setParameter('other_sets') };

const distinct: FunctionDefinition = {
  name: 'distinct',
  family: 'collection',
  summary: 'The elements of a list, each once, in the order of their first occurrence.',
  parameters: [listOf('list', DYNAMIC)],
  returns: (args) => argument(args, 0).type,
  call: (args, _, returns) => {
    const given = argument(args, 0);
    if (!isWhollyKnown(given)) return unknown(returns);
    return list(withoutRepetitions(elementsOf(given)), elementType(returns));
  },
};

const setproduct: FunctionDefinition = {
  name: 'setproduct',
  family: 'collection',
  summary: 'Every way to take one element out of each of several sets or lists.',
  parameters: [],
  variadic: { name: 'sets', type: DYNAMIC, takesMarked: true, takesUnknown: true },
  returns: (args) => {
    if (args.length < 2) throw discreet('at least two arguments are required');
    let lists = 0;
    const types = args.map(({ type }, i): Type => {
      if (type.kind !== 'set') lists++;
      if (type.kind === 'set' || type.kind === 'list') return type.element;
      if (type.kind !== 'tuple') throw discreet('a set or a list is required', i);
      const unified = type.elements.length === 0 ? DYNAMIC : unify(type.elements);
      if (unified === undefined) throw discreet('all elements must be of the same type', i);
      return unified;
    });
    return lists === args.length ? listType(tupleType(types)) : setType(tupleType(types));
  },
  call: (args, _, returns) => {
    const marks = args.reduce<Marks>((all, arg) => joinMarks(all, arg.marks), NO_MARKS);
    if (!args.every(isLengthKnown)) return withMarks(unknown(returns, productLength(args)), marks);
    const total = args.reduce((product, arg) => product * elementsOf(arg).length, 1);
    checkSize(total * (args.length + 1));
    const type = elementType(returns);
    const types = type.kind === 'tuple' ? type.elements : [];
    const columns = args.map((arg, i) =>
      elementsOf(arg).map((value) => tryConvert(value, types[i] ?? DYNAMIC) ?? value),
    );
    let rows: Value[][] = [[]];
    for (const column of columns) rows = rows.flatMap((row) => column.map((value) => [...row, value]));
    const tuples = rows.map((row) => tuple(row));
    return withMarks(returns.kind === 'list' ? list(tuples, type) : set(tuples, type), marks);
  },
};

/** How many combinations there may be when not every length is known. Terraform gives up beyond a few thousand. */
function productLength(args: readonly Value[]): { notNull: true; minLength?: number; maxLength?: number } {
  let maxLength = 1;
  for (const arg of args) {
    let longest: number | undefined;
    if (arg.type.kind === 'tuple') longest = arg.type.elements.length;
    else if (arg.kind === 'unknown') longest = arg.refinement.maxLength;
    else if (isCollection(arg.type) && isLengthKnown(arg)) longest = elementsOf(arg).length;
    if (longest === undefined || longest > 1024) return { notNull: true };
    maxLength *= longest;
    if (maxLength > 2048) return { notNull: true };
  }
  return { notNull: true, minLength: Math.min(maxLength, 1), maxLength };
}

export const SET_FUNCTIONS: readonly FunctionDefinition[] = [
  distinct,
  setOperation(
    'setintersection',
    'The elements that are in every one of the sets.',
    several,
    false,
    (a, b) => {
      const isMember = membership(b);
      return a.filter(isMember);
    },
  ),
  setproduct,
  setOperation(
    'setsubtract',
    'The elements of the first set that are not in the second.',
    { parameters: [setParameter('a'), setParameter('b')] },
    false,
    (a, b) => {
      const isMember = membership(b);
      return a.filter((value) => !isMember(value));
    },
  ),
  setOperation('setunion', 'The elements of all the sets.', several, true, (a, b) => [...a, ...b]),
];

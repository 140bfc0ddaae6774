import { tryConvert } from '../conversion.ts';
import { log, pow } from '../elementary.ts';
import type { Numeral } from '../numbers.ts';
import {
  absolute,
  add,
  compareNumbers,
  fromBigInt,
  fromCount,
  fromDouble,
  isWhole,
  sign,
  toDouble,
  truncate,
} from '../numbers.ts';
import { quote } from '../quote.ts';
import { friendlyName, isSequenceType, NUMBER } from '../types.ts';
import type { Value } from '../values.ts';
import { isWhollyKnown, number, partsOf, unknown } from '../values.ts';
import { anyParameter, argument, numberParameter, textOf, wholeOf } from './arguments.ts';
import type { FunctionDefinition, Parameter } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

const numeralOf = (value: Value | undefined): Numeral => (value?.kind === 'number' ? value.number : 0);

const unary = (name: string, summary: string, apply: (n: Numeral) => Numeral): FunctionDefinition => ({
  name,
  family: 'numeric',
  summary,
  parameters: [numberParameter('num')],
  returns: NUMBER,
  call: (args) => number(apply(numeralOf(args[0]))),
});

/** The number with a fraction cut off, and one more or less where that went the wrong way. */
function toWhole(n: Numeral, direction: 1 | -1): Numeral {
  if (isWhole(n) || typeof n === 'number') return sign(n) === 0 ? 0 : n;
  const cut = truncate(n) ?? 0n;
  const away = sign(n) === direction ? cut + BigInt(direction) : cut;
  return fromBigInt(away, n.precision);
}

const numbers: Parameter = numberParameter('numbers');

const extreme = (name: string, summary: string, direction: 1 | -1): FunctionDefinition => ({
  name,
  family: 'numeric',
  summary,
  parameters: [],
  variadic: numbers,
  returns: NUMBER,
  call: (args) => {
    const [first, ...others] = args.map(numeralOf);
    if (first === undefined) throw discreet('must pass at least one number');
    return number(others.reduce((best, n) => (compareNumbers(n, best) * direction > 0 ? n : best), first));
  },
});

/** The nearest double. A number beyond the largest is refused; an infinity is one already. */
function doubleOf(value: Value | undefined): number {
  const numeral = numeralOf(value);
  const double = toDouble(numeral);
  if (typeof numeral !== 'number' && !Number.isFinite(double)) {
    throw discreet(`value must be between ${-Number.MAX_VALUE} and ${Number.MAX_VALUE}`);
  }
  return double;
}

const inDoubles = (
  name: string,
  summary: string,
  second: string,
  apply: (a: number, b: number) => number,
): FunctionDefinition => ({
  name,
  family: 'numeric',
  summary,
  parameters: [numberParameter('num'), numberParameter(second)],
  returns: NUMBER,
  call: (args) => number(fromDouble(apply(doubleOf(args[0]), doubleOf(args[1])))),
});

const signum: FunctionDefinition = {
  ...unary('signum', '-1, 0 or 1: the sign of a whole number.', (n) => n),
  call: (args) => number(fromCount(Math.sign(wholeOf(args, 0)))),
};

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Digits up to base 36 in either case; above it, small letters come before capitals. */
function parseDigits(text: string, base: number): bigint | undefined {
  const match = /^([+-]?)([0-9A-Za-z]+)$/.exec(text);
  const digits = match?.[2];
  if (digits === undefined) return undefined;
  let value = 0n;
  const factor = BigInt(base);
  for (const character of digits) {
    const digit = DIGITS.indexOf(base <= 36 ? character.toLowerCase() : character);
    if (digit < 0 || digit >= base) return undefined;
    value = value * factor + BigInt(digit);
  }
  return match?.[1] === '-' ? -value : value;
}

const MAX_DIGITS = 100_000;

const parseint: FunctionDefinition = {
  name: 'parseint',
  family: 'numeric',
  summary: 'Reads a text as a whole number in a base from 2 to 62.',
  parameters: [anyParameter('number'), numberParameter('base')],
  returns: (args) => {
    const { type } = argument(args, 0);
    if (type.kind !== 'string') {
      throw discreet(`first argument must be a string, not ${friendlyName(type)}`, 0);
    }
    return NUMBER;
  },
  call: (args) => {
    const text = textOf(args, 0);
    const base = wholeOf(args, 1, { argument: 1 });
    if (base < 2 || base > 62) throw discreet('base must be a whole number between 2 and 62 inclusive', 1);
    const value = text.length > MAX_DIGITS ? undefined : parseDigits(text, base);
    if (value === undefined)
      throw new FunctionFailure(`cannot parse ${quote(text)} as a base ${base} integer`, 0);
    return number(fromBigInt(value));
  },
};

const sum: FunctionDefinition = {
  name: 'sum',
  family: 'collection',
  summary: 'Adds up the numbers of a list, set or tuple.',
  parameters: [anyParameter('list')],
  returns: NUMBER,
  call: (args) => {
    const list = argument(args, 0);
    const { type } = list;
    const parts = partsOf(list);
    if (!isSequenceType(type) && type.kind !== 'map' && type.kind !== 'object') {
      throw discreet('cannot sum noniterable', 0);
    }
    if (parts.length === 0) throw discreet('cannot sum an empty list', 0);
    if (!isSequenceType(type)) {
      throw discreet(`argument must be list, set, or tuple. Received ${friendlyName(type)}`, 0);
    }
    if (!isWhollyKnown(list)) return unknown(NUMBER);
    const terms = parts.map((part) => {
      const term = part.kind === 'null' ? undefined : tryConvert(part, NUMBER);
      if (term?.kind !== 'number') throw discreet('argument must be list, set, or tuple of number values', 0);
      return term.number;
    });
    const [first, ...others] = terms;
    return number(others.reduce((total, term) => add(total, term), first ?? 0));
  },
};

export const NUMERIC_FUNCTIONS: readonly FunctionDefinition[] = [
  unary('abs', 'The number without its sign.', absolute),
  unary('ceil', 'The nearest whole number that is not less.', (n) => toWhole(n, 1)),
  unary('floor', 'The nearest whole number that is not greater.', (n) => toWhole(n, -1)),
  inDoubles('log', 'The logarithm of a number in a base.', 'base', (n, base) => log(n) / log(base)),
  extreme('max', 'The greatest of the numbers.', 1),
  extreme('min', 'The smallest of the numbers.', -1),
  parseint,
  inDoubles('pow', 'A number raised to a power.', 'power', pow),
  signum,
  sum,
];

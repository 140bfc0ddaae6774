import { graphemeCount, graphemes } from '../code-points.ts';
import { ConversionFailure, convert } from '../conversion.ts';
import { encodeJson } from '../json.ts';
import { checkLength } from '../limits.ts';
import { formatMagnitude } from '../number-text.ts';
import type { Numeral } from '../numbers.ts';
import { quote, quoteCharacter } from '../quote.ts';
import { safePrefix } from '../refinements.ts';
import { BOOL, DYNAMIC, isSequenceType, listType, NUMBER, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { isWhollyKnown, list, string, unknown } from '../values.ts';
import { argument, bigOf, elementsOf, isLengthKnown, textOf, textParameter } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { FunctionFailure } from './definition.ts';

/** `%[2]-08.3f`: one place in a format where a value goes. */
interface Verb {
  readonly raw: string;
  /** Where it begins, in bytes as Terraform counts. */
  readonly offset: number;
  /** Which argument, from 1. */
  readonly argument: number;
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly letter: string;
}

const VERB = /%([ +#0-]*)([1-9]\d*)?(?:\.(\d*))?(?:\[([1-9]\d*)\])?([A-Za-z])/y;
const UNFINISHED = /%[ +#0-]*(?:[1-9]\d*)?(?:\.\d*)?(?:\[(?:[1-9]\d*\]?)?)?/y;

/** Formats as `format` does. Throws FunctionFailure in Terraform's words. */
export function formatValues(format: string, args: readonly Value[]): string {
  let result = '';
  let next = 1;
  let highest = 0;
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      result += format.slice(at);
      break;
    }
    result += format.slice(at, percent);
    if (format[percent + 1] === '%') {
      result += '%';
      at = percent + 2;
      continue;
    }
    const verb = readVerb(format, percent, next);
    highest = Math.max(highest, verb.argument);
    result += formatOne(verb, args);
    checkLength(result.length);
    next = verb.argument + 1;
    at = percent + verb.raw.length;
  }
  if (args.length > highest) {
    const used = highest === 0 ? 'no verbs in format string' : `only ${highest} used by format string`;
    throw new FunctionFailure(`too many arguments; ${used}`, highest + 1);
  }
  return result;
}

function readVerb(format: string, at: number, next: number): Verb {
  VERB.lastIndex = at;
  const match = VERB.exec(format);
  const offset = Buffer.byteLength(format.slice(0, at));
  if (match === null) {
    UNFINISHED.lastIndex = at;
    const end = at + (UNFINISHED.exec(format)?.[0].length ?? 1);
    const bad = format.codePointAt(end);
    const badOffset = Buffer.byteLength(format.slice(0, end));
    if (bad === undefined) throw new FunctionFailure(`invalid format string starting at offset ${badOffset}`);
    throw new FunctionFailure(
      `unrecognized format character ${quoteCharacter(String.fromCodePoint(bad))} at offset ${badOffset}`,
    );
  }
  const [raw, flags = '', width, precision, index, letter = ''] = match;
  return {
    raw,
    offset,
    argument: index === undefined ? next : Number(index),
    flags,
    width: width === undefined ? undefined : Number(width),
    precision: precision === undefined ? undefined : Number(precision),
    letter,
  };
}

function formatOne(verb: Verb, args: readonly Value[]): string {
  const where = `${quote(verb.raw)} at ${verb.offset}`;
  const value = args[verb.argument - 1];
  if (value === undefined) {
    throw new FunctionFailure(
      `not enough arguments for ${where}: need index ${verb.argument} but have ${args.length} total`,
    );
  }
  if (verb.letter !== 'v' && value.kind === 'null') {
    throw new FunctionFailure(`unsupported value for ${where}: null value cannot be formatted`);
  }
  checkLength(verb.width ?? 0);
  checkLength(verb.precision ?? 0);
  const as = (type: typeof STRING): Value => {
    try {
      return convert(value, type);
    } catch (failure) {
      if (!(failure instanceof ConversionFailure)) throw failure;
      throw new FunctionFailure(`unsupported value for ${where}: ${failure.message}`);
    }
  };
  switch (verb.letter) {
    case 'v':
      return pad(asIs(verb, value), verb);
    case 't': {
      const truth = as(BOOL);
      return truth.kind === 'bool' && truth.isTrue ? 'true' : 'false';
    }
    case 'b':
    case 'd':
    case 'o':
    case 'x':
    case 'X': {
      const whole = bigOf(as(NUMBER));
      if (whole === undefined)
        throw new FunctionFailure(`unsupported value for ${where}: an integer is required`);
      return formatInteger(verb, whole);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': {
      const n = as(NUMBER);
      return n.kind === 'number' ? formatFloat(verb, n.number) : '';
    }
    case 's':
    case 'q': {
      const converted = as(STRING);
      let text = converted.kind === 'string' ? converted.text : '';
      if (verb.precision !== undefined && verb.precision > 0)
        text = graphemes(text).slice(0, verb.precision).join('');
      return pad(verb.letter === 'q' ? encodeJson(string(text)) : text, verb);
    }
    default:
      throw new FunctionFailure(
        `unsupported format verb ${quoteCharacter(verb.letter)} in ${quote(verb.raw)} at offset ${verb.offset}`,
      );
  }
}

function asIs(verb: Verb, value: Value): string {
  if (!verb.flags.includes('#')) {
    if (value.kind === 'string') return value.text;
    if (value.kind === 'number') return signOf(value.number) + formatMagnitude(value.number, 'g', -1);
  }
  return encodeJson(value);
}

const signOf = (n: Numeral): string =>
  (typeof n === 'number' ? n < 0 || Object.is(n, -0) : n.negative) ? '-' : '';

/** Pads to the width, counted in graphemes. */
function pad(text: string, verb: Verb): string {
  const missing = (verb.width ?? 0) - graphemeCount(text);
  if (missing <= 0) return text;
  const padding = (verb.flags.includes('0') ? '0' : ' ').repeat(missing);
  return verb.flags.includes('-') ? text + padding : padding + text;
}

/** As Go's fmt pads a number: zeros go between the sign and the digits, unless it is to the left. */
function padNumber(sign: string, digits: string, verb: Verb, zeros: boolean): string {
  const missing = (verb.width ?? 0) - sign.length - digits.length;
  if (missing <= 0) return sign + digits;
  if (verb.flags.includes('-')) return sign + digits + ' '.repeat(missing);
  return zeros ? sign + '0'.repeat(missing) + digits : ' '.repeat(missing) + sign + digits;
}

const leadingSign = (isNegative: boolean, flags: string): string =>
  isNegative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';

const RADIX: Readonly<Record<string, number>> = { b: 2, d: 10, o: 8, x: 16, X: 16 };
const PREFIX: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };

function formatInteger(verb: Verb, whole: bigint): string {
  const { letter, flags, precision } = verb;
  let digits = (whole < 0n ? -whole : whole).toString(RADIX[letter]);
  if (letter === 'X') digits = digits.toUpperCase();
  if (whole === 0n && precision === 0) return '';
  if (precision !== undefined) digits = digits.padStart(precision, '0');
  const prefix = flags.includes('#') ? (PREFIX[letter] ?? '') : '';
  const zeros = flags.includes('0') && precision === undefined;
  return padNumber(leadingSign(whole < 0n, flags) + prefix, digits, verb, zeros);
}

function formatFloat(verb: Verb, n: Numeral): string {
  const { letter, flags } = verb;
  const isInfinite = typeof n === 'number' && !Number.isFinite(n);
  const precision = verb.precision ?? (letter === 'g' || letter === 'G' ? -1 : 6);
  const digits = formatMagnitude(n, letter, precision);
  const sign = isInfinite && !flags.includes(' ') ? signOf(n) || '+' : leadingSign(signOf(n) === '-', flags);
  return padNumber(sign, digits, verb, flags.includes('0') && !isInfinite);
}

/** A null without a type leaves the result unknown, as in Terraform 1.11. */
/** A null without a type leaves the result unknown, as in Terraform 1.11. */
const formatArguments = { name: 'args', type: DYNAMIC, takesNull: true, takesUnknown: true } as const;

const format: FunctionDefinition = {
  name: 'format',
  family: 'string',
  summary: 'A text with values put in, each in the form that its verb says.',
  parameters: [textParameter('format')],
  variadic: formatArguments,
  returns: STRING,
  call: (args) => {
    const text = textOf(args, 0);
    const given = args.slice(1);
    if (given.every(isWhollyKnown)) return string(formatValues(text, given));
    const percent = text.indexOf('%');
    const prefix = percent > 0 ? safePrefix(text.slice(0, percent)) : '';
    return unknown(STRING, { notNull: true, ...(prefix === '' ? {} : { prefix }) });
  },
};

const formatlist: FunctionDefinition = {
  name: 'formatlist',
  family: 'string',
  summary: 'Formats the elements of lists, one text for each place; other values are used for every one.',
  parameters: [textParameter('format')],
  variadic: formatArguments,
  returns: listType(STRING),
  call: (args) => {
    const text = textOf(args, 0);
    const given = args.slice(1);
    if (given.length === 0) return list([string(formatValues(text, []))], STRING);
    let rows: number | undefined;
    let chosenBy = 0;
    let isOpen = false;
    const columns = given.map((value, i): readonly Value[] | undefined => {
      if (value.kind === 'unknown' && value.type.kind === 'dynamic') isOpen = true;
      if (!isSequenceType(value.type) || value.kind === 'null') return undefined;
      if (value.type.kind !== 'tuple' && !isLengthKnown(value)) {
        isOpen = true;
        return undefined;
      }
      const length = value.type.kind === 'tuple' ? value.type.elements.length : elementsOf(value).length;
      if (rows === undefined) {
        rows = length;
        chosenBy = i;
      } else if (rows !== length) {
        throw new FunctionFailure(
          `argument ${i + 1} has length ${length}, which is inconsistent with argument ${chosenBy + 1} of length ${rows}`,
          i + 1,
          true,
        );
      }
      if (value.kind === 'unknown') isOpen = true;
      return elementsOf(value);
    });
    if (isOpen) return unknown(listType(STRING));
    const results: Value[] = [];
    for (let row = 0; row < (rows ?? 1); row++) {
      const values = columns.map((column, i) =>
        column === undefined ? argument(given, i) : argument(column, row),
      );
      results.push(formatRow(text, values, row));
    }
    return list(results, STRING);
  },
};

function formatRow(text: string, values: readonly Value[], row: number): Value {
  if (!values.every(isWhollyKnown)) return unknown(STRING, { notNull: true });
  try {
    return string(formatValues(text, values));
  } catch (failure) {
    if (!(failure instanceof FunctionFailure)) throw failure;
    throw new FunctionFailure(`error on format iteration ${row}: ${failure.message}`);
  }
}

export const FORMAT_FUNCTIONS: readonly FunctionDefinition[] = [format, formatlist];

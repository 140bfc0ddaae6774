import { quote } from '../quote.ts';
import type { Timestamp } from '../time.ts';
import {
  civilOf,
  fromMilliseconds,
  offsetText,
  parseDuration,
  parseTimestamp,
  TimeFailure,
  timestampText,
} from '../time.ts';
import { NUMBER, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { string, unknown } from '../values.ts';
import { count, textOf, textParameter } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { FunctionFailure } from './definition.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Runs something that reads a time, and blames the argument for what is wrong with it. */
function blaming<T>(argument: number | undefined, read: () => T): T {
  try {
    return read();
  } catch (failure) {
    if (!(failure instanceof TimeFailure)) throw failure;
    throw new FunctionFailure(failure.message, argument);
  }
}

const two = (n: number): string => String(n).padStart(2, '0');

/** The text of each verb by its length, for one moment. A length that is missing is refused with the last entry. */
function verbsOf(
  time: Timestamp,
): Readonly<Record<string, readonly [Readonly<Record<number, string>>, string]>> {
  const { year, month, day, hour, minute, second, weekday } = civilOf(time);
  const monthName = MONTHS[month - 1] ?? '';
  const dayName = WEEKDAYS[weekday] ?? '';
  const twelve = hour % 12 === 0 ? 12 : hour % 12;
  const half = hour < 12 ? 'am' : 'pm';
  const basic = offsetText(time.offset, '');
  const numeric = (n: number) => ({ 1: String(n), 2: two(n) });
  return {
    Y: [{ 2: two(year % 100), 4: String(year).padStart(4, '0') }, 'year must either be "YY" or "YYYY"'],
    M: [
      { ...numeric(month), 3: monthName.slice(0, 3), 4: monthName },
      'month must be "M", "MM", "MMM", or "MMMM"',
    ],
    D: [numeric(day), 'day of month must either be "D" or "DD"'],
    E: [{ 3: dayName.slice(0, 3), 4: dayName }, 'day of week must either be "EEE" or "EEEE"'],
    h: [numeric(hour), '24-hour must either be "h" or "hh"'],
    H: [numeric(twelve), '12-hour must either be "H" or "HH"'],
    A: [{ 2: half.toUpperCase() }, 'must be "AA"'],
    a: [{ 2: half }, 'must be "aa"'],
    m: [numeric(minute), 'minute must either be "m" or "mm"'],
    s: [numeric(second), 'second must either be "s" or "ss"'],
    Z: [
      {
        1: offsetText(time.offset, ':', 'Z'),
        3: time.offset === 0 ? 'UTC' : basic,
        4: basic,
        5: offsetText(time.offset, ':'),
      },
      'timezone must be Z, ZZZZ, or ZZZZZ',
    ],
  };
}

/** A quoted literal, a run of one letter, or anything else. */
const TOKEN = /''|'(?:[^']|'')*'?|([a-zA-Z])\1*|[^'a-zA-Z]+/g;

function formatTime(format: string, time: Timestamp): string {
  const verbs = verbsOf(time);
  return format.replace(TOKEN, (token, letter?: string) => {
    if (token === "''") return "'";
    if (token.startsWith("'")) {
      if (token.length === 1 || !token.endsWith("'")) throw new FunctionFailure("unterminated literal '", 0);
      return token.slice(1, -1).replaceAll("''", "'");
    }
    if (letter === undefined) return token;
    const [texts, rule] = Object.hasOwn(verbs, letter) ? (verbs[letter] ?? []) : [];
    const text = texts?.[token.length];
    if (text !== undefined) return text;
    const why = rule === undefined ? '' : `: ${rule}`;
    throw new FunctionFailure(`invalid date format verb ${quote(token)}${why}`, 0);
  });
}

const timestampParameter = textParameter('timestamp');

const formatdate: FunctionDefinition = {
  name: 'formatdate',
  family: 'date',
  summary: 'A timestamp in another form.',
  parameters: [textParameter('format'), textParameter('time')],
  returns: STRING,
  call: (args) => {
    const time = blaming(1, () => parseTimestamp(textOf(args, 1)));
    return string(formatTime(textOf(args, 0), time));
  },
};

const timeadd: FunctionDefinition = {
  name: 'timeadd',
  family: 'date',
  summary: 'A timestamp moved by a duration such as "1h30m" or "-250ms".',
  parameters: [timestampParameter, textParameter('duration')],
  returns: STRING,
  call: (args) =>
    blaming(undefined, () => {
      const time = parseTimestamp(textOf(args, 0));
      const nanoseconds = time.nanoseconds + parseDuration(textOf(args, 1));
      return string(timestampText({ ...time, nanoseconds }));
    }),
};

const timecmp: FunctionDefinition = {
  name: 'timecmp',
  family: 'date',
  summary: '-1, 0 or 1: whether a timestamp is before, at or after another.',
  parameters: [textParameter('timestamp_a'), textParameter('timestamp_b')],
  returns: NUMBER,
  call: (args) => {
    const a = blaming(0, () => parseTimestamp(textOf(args, 0), { asGo: true }).nanoseconds);
    const b = blaming(1, () => parseTimestamp(textOf(args, 1), { asGo: true }).nanoseconds);
    return count(a === b ? 0 : a < b ? -1 : 1);
  },
};

const momentText = (milliseconds: number | undefined): Value =>
  milliseconds === undefined ? unknown(STRING) : string(timestampText(fromMilliseconds(milliseconds)));

export const DATE_FUNCTIONS: readonly FunctionDefinition[] = [
  formatdate,
  {
    name: 'plantimestamp',
    family: 'date',
    summary: 'When the plan was begun; the same everywhere in one run.',
    parameters: [],
    returns: STRING,
    call: (_, { ports }) => momentText(ports.planTime),
  },
  timeadd,
  timecmp,
  {
    name: 'timestamp',
    family: 'date',
    summary: 'The time now, in UTC.',
    parameters: [],
    returns: STRING,
    call: (_, { ports }) => momentText(ports.now?.()),
  },
];

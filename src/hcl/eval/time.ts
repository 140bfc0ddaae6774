import { quote } from './quote.ts';

/** A moment with the offset it was written with. Go's time.Time, as far as Terraform uses it. */
export interface Timestamp {
  /** Nanoseconds since the epoch. */
  readonly nanoseconds: bigint;
  /** Seconds east of UTC. */
  readonly offset: number;
}

/** The date and time of day on the clock at the offset. */
export interface Civil {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** A text that is no timestamp or duration, in Terraform's words. */
export class TimeFailure extends Error {
  override readonly name = 'TimeFailure';
}

const NANOSECONDS = 1_000_000_000n;
const DAY = 86_400n;

/** Days since the epoch of a date in the Gregorian calendar, which is extended into the past. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}

const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));

export function civilOf({ nanoseconds, offset }: Timestamp): Civil {
  const seconds = floorDivide(nanoseconds, NANOSECONDS) + BigInt(offset);
  const days = Number(floorDivide(seconds, DAY));
  const time = Number(seconds - BigInt(days) * DAY);
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: Math.floor(time / 3600),
    minute: Math.floor((time % 3600) / 60),
    second: time % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

const two = (n: number): string => String(n).padStart(2, '0');

/** `+01:00`, with any separator; `utc` for no offset. */
export function offsetText(offset: number, separator: string, utc?: string): string {
  if (offset === 0 && utc !== undefined) return utc;
  const minutes = Math.floor(Math.abs(offset) / 60);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${separator}${two(minutes % 60)}`;
}

/** The moment as RFC 3339 has it, to the second. */
export function timestampText(time: Timestamp): string {
  const { year, month, day, hour, minute, second } = civilOf(time);
  const y = `${year < 0 ? '-' : ''}${String(Math.abs(year)).padStart(4, '0')}`;
  return `${y}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${offsetText(time.offset, ':', 'Z')}`;
}

export const fromMilliseconds = (milliseconds: number): Timestamp => ({
  nanoseconds: BigInt(Math.floor(milliseconds)) * 1_000_000n,
  offset: 0,
});

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
export const daysIn = (month: number, year: number): number =>
  month === 2 && isLeap(year) ? 29 : (DAYS[month - 1] ?? 0);

interface Field {
  readonly name: string;
  readonly digits: number;
  readonly max: number;
  /** What stands before it. */
  readonly after: string;
}

const FIELDS: readonly Field[] = [
  { name: 'year', digits: 4, max: 9999, after: '' },
  { name: 'month', digits: 2, max: 12, after: '-' },
  { name: 'day of month', digits: 2, max: 99, after: '-' },
  { name: 'hour', digits: 2, max: 23, after: 'T' },
  { name: 'minute', digits: 2, max: 59, after: ':' },
  { name: 'second', digits: 2, max: 59, after: ':' },
];

const PREFIX = 'not a valid RFC3339 timestamp';

const strictZone = /^(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))/;
const goZone = /^(?:Z|([+-])([01]\d|2[0-4]):([0-5]\d|60))/;

const ending = (name: string, rest: string): string =>
  rest === '' ? `end of string before ${name}` : `cannot use ${quote(rest)} as ${name}`;

/**
 * Reads an RFC 3339 timestamp. Throws TimeFailure with Terraform's words for what is wrong with it. `asGo`: also what Go
 * takes for one: an hour of one digit, a comma before the fraction, offsets up to 24:60.
 */
export function parseTimestamp(text: string, { asGo = false } = {}): Timestamp {
  const refuse = (why: string): TimeFailure => new TimeFailure(`${PREFIX}: ${why}`);
  const values: number[] = [];
  let rest = text;
  for (const { name, digits, max, after } of FIELDS) {
    if (!rest.startsWith(after)) {
      if (after === 'T') throw refuse("missing required time introducer 'T'");
      if (rest === '') throw refuse(`end of string where "${after}" is expected`);
      throw refuse(`found ${quote(rest)} where "${after}" is expected`);
    }
    rest = rest.slice(after.length);
    const isShort = name === 'hour' && /^\d:/.test(rest);
    if (isShort && !asGo) throw refuse('hour must have exactly two digits');
    const field = rest.slice(0, isShort ? 1 : digits);
    const isNumber = (isShort || field.length === digits) && /^\d+$/.test(field);
    const value = Number(field);
    if (!isNumber) {
      if (name === 'minute' && rest.length !== 2 && rest !== '') {
        throw refuse('minute must have exactly two digits');
      }
      throw refuse(ending(name, rest));
    }
    rest = rest.slice(field.length);
    if (value > max || (name === 'month' && value < 1)) {
      if (name === 'hour') throw refuse('hour must be between 0 and 23 inclusive');
      if (name === 'minute' && rest.length !== 2) throw refuse('minute must have exactly two digits');
      throw refuse(ending(name, rest));
    }
    values.push(value);
  }
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = values;
  const fraction = /^([.,])(\d+)/.exec(rest);
  if (fraction !== null) rest = rest.slice(fraction[0].length);
  const zone = (asGo ? goZone : strictZone).exec(rest);
  if (zone === null) throw refuse(ending('UTC offset', rest));
  if (day < 1 || day > daysIn(month, year)) throw refuse('day out of range');
  rest = rest.slice(zone[0].length);
  if (rest !== '') throw refuse(`cannot use ${quote(rest)} as timestamp segment`);
  if (fraction?.[1] === ',' && !asGo) throw refuse('cannot use "," as timestamp segment');
  const [, direction, hours, minutes] = zone;
  const offset = (direction === '-' ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60);
  const days = BigInt(daysOf(year, month, day));
  const seconds = days * DAY + BigInt(hour * 3600 + minute * 60 + second - offset);
  const parts = BigInt((fraction?.[2] ?? '').padEnd(9, '0').slice(0, 9));
  return { nanoseconds: seconds * NANOSECONDS + parts, offset: offset === 0 ? 0 : offset };
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: NANOSECONDS,
  m: 60n * NANOSECONDS,
  h: 3600n * NANOSECONDS,
};

/** Reads a duration as Go does: `1h30m`, `-1.5s`, `250ms`. In nanoseconds. Throws TimeFailure with Go's words. */
export function parseDuration(text: string): bigint {
  const invalid = new TimeFailure(`time: invalid duration ${quote(text)}`);
  const isNegative = text.startsWith('-');
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0n;
  if (rest === '') throw invalid;
  let total = 0n;
  while (rest !== '') {
    const amount = /^(\d*)(?:\.(\d*))?/.exec(rest);
    const [matched = '', whole = '', fraction = ''] = amount ?? [];
    if (whole === '' && fraction === '') throw invalid;
    rest = rest.slice(matched.length);
    const name = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (name === '') throw new TimeFailure(`time: missing unit in duration ${quote(text)}`);
    const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
    if (unit === undefined) {
      throw new TimeFailure(`time: unknown unit ${quote(name)} in duration ${quote(text)}`);
    }
    rest = rest.slice(name.length);
    // Go cuts what is smaller than a nanosecond off.
    const digits = fraction.slice(0, 18);
    total += BigInt(whole === '' ? 0 : whole) * unit;
    total += (BigInt(digits === '' ? 0 : digits) * unit) / 10n ** BigInt(digits.length);
    if (total > 1n << 63n) throw invalid;
  }
  if (!isNegative && total === 1n << 63n) throw invalid;
  return isNegative ? -total : total;
}

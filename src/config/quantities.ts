/** Durations, percents and moments, as people write them. Each reading is exact or refused, never rounded. */

/** Why a value is not what it should be, as a sentence, and what to write instead where that can be told. */
export interface Refusal {
  readonly refused: string;
  readonly hint?: string;
  /** The value is of another type altogether; `refused` then completes "..., and this is". */
  readonly mismatch?: true;
  /** Where in the value it is: indexes and keys, outermost first. */
  readonly path?: readonly (string | number)[];
  /** An error of its own, whose whole detail is `refused`. */
  readonly as?: { readonly code: string; readonly summary: string };
}

/** The same refusal, seen from the list or map around it. */
export const within = (refusal: Refusal, step: string | number): Refusal => ({
  ...refusal,
  path: [step, ...(refusal.path ?? [])],
});

export const isRefusal = (result: unknown): result is Refusal =>
  typeof result === 'object' && result !== null && 'refused' in result;

/** Nanoseconds of each unit of Go's `time.ParseDuration`. Both micro signs are in use. */
const unitNanoseconds: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const durationPart = /(\d+(?:\.\d*)?|\.\d+)([a-z\u00b5\u03bc]*)/y;

/** A timer of the platform holds 2^31 - 1 ms, which is a little over 24 days. */
export const longestDurationMs = 24 * 24 * 3_600_000;

/**
 * A duration in Go's form (`"1h30m"`, `"250ms"`, `"1.5s"`) in whole milliseconds. Refuses what is negative, finer
 * than a millisecond or longer than 576 hours.
 */
export function parseDuration(text: string): number | Refusal {
  if (text === '0') return 0;
  if (/^-/.test(text)) return { refused: `"${text}" is negative; a duration must not be.` };
  let nanoseconds = 0n;
  let at = 0;
  while (at < text.length) {
    durationPart.lastIndex = at;
    const part = durationPart.exec(text);
    if (part === null) return notADuration(text);
    const [whole, digits = '', unit = ''] = part;
    if (unit === '') {
      return { refused: `"${text}" has a number without a unit.`, hint: suggestUnit(text) };
    }
    const factor = unitNanoseconds.get(unit);
    if (factor === undefined) return unknownUnit(text, digits, unit);
    const [before = '', after = ''] = digits.split('.');
    const scale = 10n ** BigInt(after.length);
    const scaled = BigInt(`${before}${after}` || '0') * factor;
    if (scaled % scale !== 0n) return tooFine(text);
    nanoseconds += scaled / scale;
    at += whole.length;
  }
  if (text === '') return notADuration(text);
  if (nanoseconds % 1_000_000n !== 0n) return tooFine(text);
  const milliseconds = nanoseconds / 1_000_000n;
  if (milliseconds > BigInt(longestDurationMs)) {
    return { refused: `"${text}" is longer than 576h (24 days), the longest duration there is.` };
  }
  return Number(milliseconds);
}

const tooFine = (text: string): Refusal => ({
  refused: `"${text}" is not a whole number of milliseconds.`,
});

const notADuration = (text: string): Refusal => ({
  refused: `"${text}" is not a duration.`,
  hint: 'Write a number with a unit, such as "500ms", "30s", "5m" or "1h30m".',
});

const suggestUnit = (text: string): string =>
  /^[\d.]+$/.test(text)
    ? `Write "${text}s" for seconds, "${text}ms" for milliseconds or "${text}m" for minutes.`
    : 'Give each number a unit: ms, s, m or h.';

const longUnits: ReadonlyMap<string, string> = new Map([
  ['sec', 's'],
  ['secs', 's'],
  ['second', 's'],
  ['seconds', 's'],
  ['min', 'm'],
  ['mins', 'm'],
  ['minute', 'm'],
  ['minutes', 'm'],
  ['hr', 'h'],
  ['hour', 'h'],
  ['hours', 'h'],
  ['msec', 'ms'],
  ['millis', 'ms'],
]);

function unknownUnit(text: string, digits: string, unit: string): Refusal {
  const refused = `"${text}" has the unit "${unit}", which does not exist; the units are ms, s, m and h.`;
  const short = longUnits.get(unit);
  if (short !== undefined) return { refused, hint: `Did you mean "${digits}${short}"?` };
  if ((unit === 'd' || unit === 'w') && /^\d+$/.test(digits)) {
    const hours = Number(digits) * (unit === 'd' ? 24 : 168);
    return { refused, hint: `Days and weeks are written in hours: "${hours}h".` };
  }
  return { refused };
}

/** The shortest Go-style text of a duration: `90000` is `1m30s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const parts: string[] = [];
  let rest = milliseconds;
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('');
}

/** A whole percent from `"0%"` to `"100%"`. */
export function parsePercent(text: string): number | Refusal {
  const match = /^(\d+)%$/.exec(text);
  const percent = match === null ? undefined : Number(match[1]);
  if (percent !== undefined && percent <= 100) return percent;
  if (percent !== undefined) return { refused: `"${text}" is more than "100%".` };
  if (/^\d+$/.test(text) && Number(text) <= 100) {
    return { refused: `"${text}" has no percent sign.`, hint: `Write "${text}%".` };
  }
  if (/^0?\.\d{1,2}$|^1\.0+$/.test(text)) {
    const whole = Math.round(Number(text) * 100);
    return { refused: `"${text}" is a fraction.`, hint: `Write "${whole}%".` };
  }
  if (/^\d+\.\d+%$/.test(text)) return { refused: `"${text}" is not a whole percent.` };
  return { refused: `"${text}" is not a percent.`, hint: 'Write a whole percent, such as "75%".' };
}

/** An RFC 3339 moment with its offset, in ms since the epoch. A date without a time or offset says too little. */
export function parseInstant(text: string): number | Refusal {
  const form = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.exec(
    text,
  );
  const hint = 'Write date, time and offset, such as "2026-12-24T00:00:00Z" or "2026-12-24T00:00:00+01:00".';
  if (form === null) return { refused: `"${text}" is not a moment in the form of RFC 3339.`, hint };
  const [, year = '', month = '', day = ''] = form;
  const ms = Date.parse(text.replace(' ', 'T').toUpperCase());
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number.isNaN(ms) || Number(day) > lastDay || Number(day) === 0) {
    return { refused: `"${text}" names a day or a time that does not exist.`, hint };
  }
  return ms;
}

/** Numbers, bools, durations, percents and moments. */
import { isWhole, toDouble } from '../../../hcl/eval/numbers.ts';
import type { Value } from '../../../hcl/eval/values.ts';
import { isRefusal, parseDuration, parseInstant, parsePercent, type Refusal } from '../../quantities.ts';
import type { ArgumentType } from '../shape.ts';
import { mismatch, parsed, textOf, type } from './reading.ts';

export const bool = type('bool', 'true or false', (value): boolean | Refusal => {
  if (value.kind === 'bool') return value.isTrue;
  if (value.kind === 'string' && (value.text === 'true' || value.text === 'false')) {
    return value.text === 'true';
  }
  const meant = textOf(value)?.toLowerCase() ?? '';
  if (['yes', 'on', '1', 'enabled'].includes(meant)) return mismatch(value, 'Write true.');
  return ['no', 'off', '0', 'disabled'].includes(meant) ? mismatch(value, 'Write false.') : mismatch(value);
});

/** A string of digits is taken too, as Terraform does. */
function numberOf(value: Value): number | Refusal {
  if (value.kind === 'number') return toDouble(value.number);
  if (value.kind === 'string' && /^-?\d+(\.\d+)?$/.test(value.text)) return Number(value.text);
  return mismatch(value);
}

export const whole = (least: number, most: number, what = 'whole number'): ArgumentType<number> =>
  type(what, `a ${what} from ${least} to ${most}`, (value) => {
    const number = numberOf(value);
    if (isRefusal(number)) {
      const digits = /^(\d+)%$/.exec(textOf(value) ?? '')?.[1];
      return digits === undefined ? number : mismatch(value, `Write ${digits}, without quotes and sign.`);
    }
    if (value.kind === 'number' ? !isWhole(value.number) : !Number.isInteger(number)) {
      return { refused: `${textOf(value)} is not whole.` };
    }
    if (number < least) return { refused: `${textOf(value)} is too small.` };
    return number > most ? { refused: `${textOf(value)} is too large.` } : number;
  });

export const port = whole(1, 65535, 'port');

export const decimal = (least: number, most: number): ArgumentType<number> =>
  type('number', `a number from ${least} to ${most}`, (value) => {
    const number = numberOf(value);
    if (isRefusal(number)) return number;
    if (number < least) return { refused: `${textOf(value)} is too small.` };
    return number > most ? { refused: `${textOf(value)} is too large.` } : number;
  });

/** In milliseconds. */
export const duration = type(
  'duration',
  'a duration such as "30s"',
  (value): number | Refusal => {
    if (value.kind === 'string') return parseDuration(value.text);
    if (value.kind !== 'number') return mismatch(value);
    const text = textOf(value) ?? '';
    return {
      refused: 'a number',
      mismatch: true,
      hint: `Durations have a unit: "${text}s" for seconds, "${text}ms" for milliseconds.`,
    };
  },
  { example: '"1m30s"' },
);

/** A duration that is not zero, in milliseconds. */
export const someTime: ArgumentType<number> = {
  ...duration,
  wants: 'a duration longer than zero, such as "30s"',
  decode: (value) => {
    const ms = duration.decode(value);
    return ms === 0 ? { refused: 'It is zero.' } : ms;
  },
};

/** `"75%"`, as 75. */
export const percent = type(
  'percent',
  'a whole percent such as "75%"',
  (value): number | Refusal => {
    const text = textOf(value);
    return text === undefined || value.kind === 'bool' ? mismatch(value) : parsePercent(text);
  },
  { example: '"75%"' },
);

/** How many hosts at a time: a share of them or a number of them. */
export const batch = type(
  'percent or number',
  'a share of the hosts such as "25%", or a number of hosts',
  (value): { readonly percent: number } | { readonly hosts: number } | Refusal => {
    if (value.kind === 'string' && value.text.includes('%')) {
      const share = parsePercent(value.text);
      if (isRefusal(share)) return share;
      return share === 0 ? { refused: 'A batch of no hosts would never finish.' } : { percent: share };
    }
    const hosts = whole(1, 100_000).decode(value);
    return isRefusal(hosts) ? hosts : { hosts };
  },
);

/** How many hosts at most: a share of them or a number of them, none included. */
export const hostCount = type(
  'percent or number',
  'a share of the hosts such as "10%", or a number of hosts',
  (value): { readonly percent: number } | { readonly hosts: number } | Refusal => {
    if (value.kind === 'string' && value.text.includes('%')) {
      const share = parsePercent(value.text);
      return isRefusal(share) ? share : { percent: share };
    }
    const hosts = whole(0, 100_000).decode(value);
    return isRefusal(hosts) ? hosts : { hosts };
  },
);

export const instant = parsed('moment', 'a moment in the form of RFC 3339', parseInstant, {
  example: '"2026-12-24T00:00:00Z"',
});

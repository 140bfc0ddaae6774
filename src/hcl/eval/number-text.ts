import type { BigNumber, Numeral } from './numbers.ts';
import { PRECISION } from './numbers.ts';

/** 0.d₁d₂d₃… × 10^point, without zeros at the end. No digits: zero. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

function decimal(mantissa: bigint, exponent: number): Decimal {
  if (mantissa === 0n) return { digits: '', point: 0 };
  // mantissa × 2^-k is mantissa × 5^k × 10^-k, so the digits are exact either way.
  const all =
    exponent >= 0
      ? (mantissa << BigInt(exponent)).toString()
      : (mantissa * 5n ** BigInt(-exponent)).toString();
  const point = all.length + Math.min(exponent, 0);
  return { digits: all.replace(/0+$/, ''), point };
}

function roundUp({ digits, point }: Decimal, count: number): Decimal {
  let at = count - 1;
  while (at >= 0 && digits[at] === '9') at--;
  if (at < 0) return { digits: '1', point: point + 1 };
  return { digits: digits.slice(0, at) + String(Number(digits[at]) + 1), point };
}

const roundDown = ({ digits, point }: Decimal, count: number): Decimal => {
  const kept = digits.slice(0, count).replace(/0+$/, '');
  return kept === '' ? { digits: '', point: 0 } : { digits: kept, point };
};

/** Half to even, as Go rounds digits. */
function roundTo(value: Decimal, count: number): Decimal {
  if (count < 0 || count >= value.digits.length) return value;
  const next = value.digits[count] ?? '0';
  const exactHalf = next === '5' && count + 1 === value.digits.length;
  const up = exactHalf ? count > 0 && Number(value.digits[count - 1]) % 2 === 1 : next >= '5';
  return up ? roundUp(value, count) : roundDown(value, count);
}

/** The fewest digits that read back as the same number at its precision, found the way Go finds them. */
function shortest({ mantissa, exponent, precision }: BigNumber): Decimal {
  const exact = decimal(mantissa, exponent);
  if (exact.digits === '') return exact;
  // The number's neighbours at its precision lie one unit in the last place away; halfway to them it would change.
  const bits = mantissa.toString(2).length;
  const shift = precision + 1 - bits;
  const scaled = mantissa << BigInt(shift);
  const lower = decimal(scaled - 1n, exponent - shift).digits;
  const upper = decimal(scaled + 1n, exponent - shift).digits;
  const inclusive = (scaled & 2n) === 0n;
  for (let i = 0; i < exact.digits.length; i++) {
    const m = exact.digits.charCodeAt(i);
    const l = i < lower.length ? lower.charCodeAt(i) : 48;
    const u = i < upper.length ? upper.charCodeAt(i) : 48;
    const down = l !== m || (inclusive && i + 1 === lower.length);
    const up = m !== u && (inclusive || m + 1 < u || i + 1 < upper.length);
    if (down && up) return roundTo(exact, i + 1);
    if (down) return roundDown(exact, i + 1);
    if (up) return roundUp(exact, i + 1);
  }
  return exact;
}

function plain({ digits, point }: Decimal, places: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (places <= 0) return whole;
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(Math.min(-point, places)) + digits;
  return `${whole}.${fraction.padEnd(places, '0').slice(0, places)}`;
}

function scientific({ digits, point }: Decimal, places: number, letter: string): string {
  const first = digits === '' ? '0' : digits.charAt(0);
  const rest = places > 0 ? `.${digits.slice(1, places + 1).padEnd(places, '0')}` : '';
  const power = digits === '' ? 0 : point - 1;
  const shown = String(Math.abs(power)).padStart(2, '0');
  return `${first}${rest}${letter}${power < 0 ? '-' : '+'}${shown}`;
}

const asBig = (n: number): BigNumber => ({
  negative: n < 0 || Object.is(n, -0),
  mantissa: BigInt(Math.abs(n)),
  exponent: 0,
  precision: PRECISION,
});

/** A number the way Terraform turns it into a string: every digit it has, never an exponent. */
export function numberText(n: Numeral): string {
  if (typeof n === 'number') {
    if (Number.isFinite(n)) return Object.is(n, -0) ? '-0' : n.toFixed(0);
    return n > 0 ? '+Inf' : '-Inf';
  }
  if (n.whole !== undefined) return n.whole.toFixed(0);
  const value = shortest(n);
  return (n.negative ? '-' : '') + plain(value, Math.max(value.digits.length - value.point, 0));
}

/**
 * A number in one of Go's formats: `e`, `E`, `f`, `g` or `G`, with `precision` digits, or as few as say the same
 * when `precision` is negative. `alternate` keeps a point and zeros that `g` would leave out. No sign.
 */
export function formatMagnitude(n: Numeral, format: string, precision: number): string {
  if (typeof n === 'number' && !Number.isFinite(n)) return 'Inf';
  const big = typeof n === 'number' ? asBig(n) : n;
  const letter = format === 'E' || format === 'G' ? 'E' : 'e';
  const fewest = precision < 0;
  let value: Decimal;
  let digits = precision;
  if (fewest) {
    value = shortest(big);
    if (format === 'e' || format === 'E') digits = value.digits.length - 1;
    else if (format === 'f') digits = Math.max(value.digits.length - value.point, 0);
    else digits = value.digits.length;
  } else {
    const exact = decimal(big.mantissa, big.exponent);
    if (format === 'e' || format === 'E') value = roundTo(exact, 1 + digits);
    else if (format === 'f') value = roundToPlaces(exact, digits);
    else {
      if (digits === 0) digits = 1;
      value = roundTo(exact, digits);
    }
  }
  if (format === 'f') return plain(value, Math.max(digits, 0));
  if (format === 'e' || format === 'E') return scientific(value, digits, letter);
  // %g: an exponent only where the number is very small or has more whole digits than wanted.
  let threshold = digits;
  if (threshold > value.digits.length && value.digits.length >= value.point) threshold = value.digits.length;
  if (fewest) threshold = 6;
  const power = value.point - 1;
  if (power < -4 || power >= threshold) {
    return scientific(value, Math.min(digits, value.digits.length) - 1, letter);
  }
  return plain(value, Math.max(value.digits.length - value.point, 0));
}

/** Rounds to places after the point; what is too small even for the first of them may round up into it. */
function roundToPlaces(value: Decimal, places: number): Decimal {
  const count = value.point + places;
  if (count < 0) return { digits: '', point: 0 };
  return roundTo(value, count);
}

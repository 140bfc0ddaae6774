/**
 * Terraform's numbers: binary floating point with up to 512 bits, rounded half to even, exactly as Go's
 * `big.Float` does it, so that results agree to the last digit. `0.1 + 0.2` is `0.3` because both sides round to
 * the same 512 bits; `1 / 3` has 155 digits for the same reason.
 *
 * A plain JavaScript number stands for a whole number up to 2^53 (or an infinity, or -0): nearly every number in
 * a configuration is one, and stays one through arithmetic. Anything else is a `BigNumber`.
 */
export type Numeral = number | BigNumber;

/** ±mantissa × 2^exponent. The mantissa is odd, or 0. */
export interface BigNumber {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  /** Bits that results may have: 512 for literals, 64 for what functions count, 53 for what they compute in doubles. */
  readonly precision: number;
  /** The value as a plain number when it is whole and below 2^53, which makes most arithmetic cheap. */
  readonly whole?: number;
}

export const PRECISION = 512;
/** What `length` and other counting functions give, as Go's `SetInt64`. */
export const COUNT_PRECISION = 64;
/** A double's. */
export const FLOAT_PRECISION = 53;

/** Beyond this power of two a number is refused: writing it down alone would take megabytes. */
const MAX_EXPONENT = 1 << 20;

/** An operation without a result, such as `0 / 0`. The message is Terraform's. */
export class NumberFailure extends Error {
  override readonly name = 'NumberFailure';
}

const bitLength = (n: bigint): number => {
  const hex = n.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
};

/** How many zero bits a positive number ends in. */
function trailingZeros(n: bigint): number {
  let zeros = 0;
  let rest = n;
  while ((rest & 0xffff_ffffn) === 0n) {
    rest >>= 32n;
    zeros += 32;
  }
  const low = Number(rest & 0xffff_ffffn);
  return zeros + (31 - Math.clz32(low & -low));
}

/** Rounds half to even to `precision` bits. `sticky` says that something smaller than the last bit was cut off. */
function round(
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  precision: number,
  sticky = false,
): BigNumber {
  if (mantissa === 0n) return { negative, mantissa: 0n, exponent: 0, precision };
  let value = mantissa;
  let scale = exponent;
  const excess = bitLength(value) - precision;
  if (excess > 0) {
    const shift = BigInt(excess);
    const cut = value & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    value >>= shift;
    scale += excess;
    if (cut > half || (cut === half && (sticky || (value & 1n) === 1n))) value += 1n;
  }
  const zeros = trailingZeros(value);
  if (zeros > 0) {
    value >>= BigInt(zeros);
    scale += zeros;
  }
  if (scale + bitLength(value) > MAX_EXPONENT || scale < -MAX_EXPONENT) {
    throw new NumberFailure('the number is too large or too small to work with');
  }
  return { negative, mantissa: value, exponent: scale, precision };
}

/** A plain number where it says the same, so that later operations are fast. */
function settle(big: BigNumber): Numeral {
  if (big.exponent < 0 || big.exponent > 53 || big.exponent + bitLength(big.mantissa) > 53) return big;
  const magnitude = Number(big.mantissa) * 2 ** big.exponent;
  const whole = big.negative ? -magnitude : magnitude;
  if (big.precision === PRECISION) return whole;
  return magnitude === 0 ? big : { ...big, whole };
}

/** The value when it is plain or has a plain one with it. */
const plainOf = (n: Numeral): number | undefined => (typeof n === 'number' ? n : n.whole);

const precisionOf = (n: Numeral): number => (typeof n === 'number' ? PRECISION : n.precision);

/** What came out of two numbers that are plain, with the precision of the greater one. Undefined when too large. */
function settlePlain(result: number, a: Numeral, b: Numeral): Numeral | undefined {
  if (!Number.isSafeInteger(result)) return undefined;
  const precision = Math.max(precisionOf(a), precisionOf(b));
  if (precision === PRECISION) return result;
  return precision === COUNT_PRECISION ? fromCount(result) : fromBigInt(BigInt(result), precision);
}

/** Finite numbers only. */
function widen(n: Numeral): BigNumber {
  if (typeof n !== 'number') return n;
  if (n === 0) return { negative: Object.is(n, -0), mantissa: 0n, exponent: 0, precision: PRECISION };
  return round(n < 0, BigInt(Math.abs(n)), 0, PRECISION);
}

const isInfinite = (n: Numeral): n is number =>
  n === Number.POSITIVE_INFINITY || n === Number.NEGATIVE_INFINITY;

/** A whole number of any size, with at least 64 bits of precision, as Go's `SetInt`. */
export function fromBigInt(whole: bigint, precision?: number): Numeral {
  const magnitude = whole < 0n ? -whole : whole;
  if (magnitude === 0n)
    return precision === PRECISION ? 0 : { negative: false, mantissa: 0n, exponent: 0, precision: 64 };
  return settle(
    round(whole < 0n, magnitude, 0, precision ?? Math.max(COUNT_PRECISION, bitLength(magnitude))),
  );
}

/** What a function counted: a whole number with 64 bits of precision. */
export function fromCount(count: number): Numeral {
  const known = counts[count];
  if (known !== undefined) return known;
  const made = fromBigInt(BigInt(count), COUNT_PRECISION);
  if (count >= 0 && count < 4096) counts[count] = made;
  return made;
}

const counts: Numeral[] = [];

/** A double as it is, with its 53 bits of precision. */
export function fromDouble(value: number): Numeral {
  if (Number.isNaN(value)) throw new NumberFailure('the result is not a number');
  if (!Number.isFinite(value)) return value;
  if (value === 0) return value;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = field === 0 ? fraction : fraction | 0x10_0000_0000_0000n;
  return round(value < 0, mantissa, (field === 0 ? 1 : field) - 1075, FLOAT_PRECISION);
}

/** The nearest double. */
export function toDouble(n: Numeral): number {
  if (typeof n === 'number') return n;
  if (n.mantissa === 0n) return n.negative ? -0 : 0;
  const { mantissa, exponent } = round(n.negative, n.mantissa, n.exponent, FLOAT_PRECISION);
  // In two steps, since 2 ** exponent alone may be out of range where the product is not.
  const half = Math.trunc(exponent / 2);
  const magnitude = Number(mantissa) * 2 ** half * 2 ** (exponent - half);
  return n.negative ? -magnitude : magnitude;
}

export function isWhole(n: Numeral): boolean {
  return typeof n === 'number' ? Number.isFinite(n) : n.exponent >= 0;
}

/** The whole part, cut towards zero; undefined for an infinity. */
export function truncate(n: Numeral): bigint | undefined {
  if (typeof n === 'number') return Number.isFinite(n) ? BigInt(n) : undefined;
  const magnitude =
    n.exponent >= 0
      ? n.mantissa << BigInt(n.exponent)
      : n.mantissa >> BigInt(Math.min(-n.exponent, MAX_EXPONENT));
  return n.negative ? -magnitude : magnitude;
}

/** The value as a plain integer when it is whole and exactly that, otherwise undefined. */
export function toInteger(n: Numeral): number | undefined {
  const plain = plainOf(n);
  if (plain !== undefined) return Number.isFinite(plain) ? plain + 0 : undefined;
  if (typeof n === 'number' || n.exponent < 0 || n.exponent + bitLength(n.mantissa || 1n) > 53)
    return undefined;
  const magnitude = Number(n.mantissa) * 2 ** n.exponent;
  return n.negative ? -magnitude : magnitude;
}

export function sign(n: Numeral): -1 | 0 | 1 {
  const plain = plainOf(n);
  if (plain !== undefined) return plain > 0 ? 1 : plain < 0 ? -1 : 0;
  if (typeof n === 'number') return 0;
  return n.mantissa === 0n ? 0 : n.negative ? -1 : 1;
}

export function compareNumbers(a: Numeral, b: Numeral): number {
  const [plainA, plainB] = [plainOf(a), plainOf(b)];
  if (plainA !== undefined && plainB !== undefined) return plainA === plainB ? 0 : plainA < plainB ? -1 : 1;
  if (isInfinite(a)) return a === b ? 0 : a;
  if (isInfinite(b)) return -b;
  const left = sign(a);
  const right = sign(b);
  if (left !== right) return left - right;
  if (left === 0) return 0;
  const x = widen(a);
  const y = widen(b);
  const size = x.exponent + bitLength(x.mantissa) - (y.exponent + bitLength(y.mantissa));
  if (size !== 0) return size * left;
  const shared = Math.min(x.exponent, y.exponent);
  const difference =
    (x.mantissa << BigInt(x.exponent - shared)) - (y.mantissa << BigInt(y.exponent - shared));
  return difference === 0n ? 0 : difference > 0n ? left : -left;
}

export function negate(n: Numeral): Numeral {
  if (typeof n === 'number') return -n;
  const { whole, ...rest } = n;
  return { ...rest, negative: !n.negative, ...(whole === undefined ? {} : { whole: -whole }) };
}

export function absolute(n: Numeral): Numeral {
  if (typeof n === 'number') return Math.abs(n);
  return n.negative ? negate(n) : n;
}

export function add(a: Numeral, b: Numeral): Numeral {
  const [plainA, plainB] = [plainOf(a), plainOf(b)];
  if (plainA !== undefined && plainB !== undefined) {
    const sum = plainA + plainB;
    const settled = settlePlain(sum, a, b);
    if (settled !== undefined) return settled;
    if (Number.isNaN(sum)) throw new NumberFailure("can't compute sum of opposing infinities");
  }
  if (isInfinite(a)) return a;
  if (isInfinite(b)) return b;
  const x = widen(a);
  const y = widen(b);
  const precision = Math.max(x.precision, y.precision);
  if (x.mantissa === 0n && y.mantissa === 0n) {
    return settle({ negative: x.negative && y.negative, mantissa: 0n, exponent: 0, precision });
  }
  const shared =
    x.mantissa === 0n ? y.exponent : y.mantissa === 0n ? x.exponent : Math.min(x.exponent, y.exponent);
  const signed = (n: BigNumber): bigint => {
    if (n.mantissa === 0n) return 0n;
    const magnitude = n.mantissa << BigInt(n.exponent - shared);
    return n.negative ? -magnitude : magnitude;
  };
  const total = signed(x) + signed(y);
  return settle(round(total < 0n, total < 0n ? -total : total, shared, precision));
}

export function subtract(a: Numeral, b: Numeral): Numeral {
  if (typeof a === 'number' && typeof b === 'number' && Number.isNaN(a - b)) {
    throw new NumberFailure("can't subtract infinity from itself");
  }
  return add(a, negate(b));
}

export function multiply(a: Numeral, b: Numeral): Numeral {
  const [plainA, plainB] = [plainOf(a), plainOf(b)];
  if (plainA !== undefined && plainB !== undefined) {
    const product = plainA * plainB;
    const settled = settlePlain(product, a, b);
    if (settled !== undefined) return settled;
    if (Number.isNaN(product)) throw new NumberFailure("can't multiply zero by infinity");
  }
  if (isInfinite(a) || isInfinite(b)) {
    const direction = sign(a) * sign(b);
    if (direction === 0) throw new NumberFailure("can't multiply zero by infinity");
    return direction * Number.POSITIVE_INFINITY;
  }
  const x = widen(a);
  const y = widen(b);
  const product = round(
    x.negative !== y.negative,
    x.mantissa * y.mantissa,
    x.exponent + y.exponent,
    PRECISION,
  );
  // The product keeps all the bits it needs, up to 512, and otherwise the greater precision of the two.
  const needed = product.mantissa === 0n ? 0 : bitLength(product.mantissa);
  return settle({ ...product, precision: Math.max(x.precision, y.precision, needed) });
}

export function divide(a: Numeral, b: Numeral): Numeral {
  const [plainA, plainB] = [plainOf(a), plainOf(b)];
  if (plainA !== undefined && plainB !== undefined && plainB !== 0 && Number.isFinite(plainB)) {
    const settled = settlePlain(plainA / plainB, a, b);
    if (settled !== undefined) return settled;
  }
  const zeroDivisor = sign(b) === 0;
  if ((sign(a) === 0 && zeroDivisor) || (isInfinite(a) && isInfinite(b))) {
    throw new NumberFailure("can't divide zero by zero or infinity by infinity");
  }
  const negative = isNegative(a) !== isNegative(b);
  if (isInfinite(a) || zeroDivisor) return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (isInfinite(b)) return negative ? -0 : 0;
  const x = widen(a);
  const y = widen(b);
  return settle(quotient(negative, x, y, Math.max(x.precision, y.precision)));
}

const isNegative = (n: Numeral): boolean => (typeof n === 'number' ? n < 0 || Object.is(n, -0) : n.negative);

function quotient(negative: boolean, x: BigNumber, y: BigNumber, precision: number): BigNumber {
  if (x.mantissa === 0n) return { negative, mantissa: 0n, exponent: 0, precision };
  const shift = Math.max(0, precision + 2 + bitLength(y.mantissa) - bitLength(x.mantissa));
  const scaled = x.mantissa << BigInt(shift);
  const whole = scaled / y.mantissa;
  const exact = whole * y.mantissa === scaled;
  return round(negative, whole, x.exponent - y.exponent - shift, precision, !exact);
}

/** Terraform's `%`: the remainder has the sign of the dividend, and `x % 0` is `x`. */
export function modulo(a: Numeral, b: Numeral): Numeral {
  if (isInfinite(a) || isInfinite(b)) {
    const direction = sign(a) * sign(b);
    if (direction === 0) throw new NumberFailure("can't use modulo with zero and infinity");
    return direction * Number.POSITIVE_INFINITY;
  }
  if (sign(b) === 0) return a;
  const [plainA, plainB] = [plainOf(a), plainOf(b)];
  const precision = precisionOf(a);
  if (plainA !== undefined && plainB !== undefined) {
    const rest = plainA % plainB;
    // Only the remainder of -0 is -0.
    const settled = settlePlain(rest === 0 && plainA !== 0 ? 0 : rest, a, a);
    if (settled !== undefined) return settled;
  }
  const times = truncate(divide(a, b)) ?? 0n;
  const whole = round(times < 0n, times < 0n ? -times : times, 0, precision);
  const y = widen(b);
  const product = round(
    y.negative !== whole.negative,
    y.mantissa * whole.mantissa,
    y.exponent + whole.exponent,
    precision,
  );
  const rest = widen(subtract(a, product));
  return settle(round(rest.negative, rest.mantissa, rest.exponent, precision));
}

const POWERS_OF_FIVE_AT_ONCE = 27;

/** 5^n as Go computes it: by squaring, each factor rounded to `precision` bits. */
function powerOfFive(n: number, precision: number): BigNumber {
  if (n <= POWERS_OF_FIVE_AT_ONCE) return round(false, 5n ** BigInt(n), 0, precision);
  let result = round(false, 5n ** BigInt(POWERS_OF_FIVE_AT_ONCE), 0, precision);
  let factor = round(false, 5n, 0, precision + 64);
  for (let rest = n - POWERS_OF_FIVE_AT_ONCE; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      result = round(false, result.mantissa * factor.mantissa, result.exponent + factor.exponent, precision);
    }
    factor = round(false, factor.mantissa * factor.mantissa, factor.exponent * 2, precision + 64);
  }
  return result;
}

const DIGITS = /^\d+$/;
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eEpP])([+-]?\d+))?$/;
const INFINITY = /^([+-]?)(?:Inf|inf)$/;

/**
 * Reads a decimal number as `tonumber` does: `1`, `-1.50`, `.5`, `1e3`, also `1p3` for 1 × 2³ and `Inf`, which Go
 * takes. Undefined when the text is something else or out of range.
 */
export function parseNumber(text: string): Numeral | undefined {
  if (text.length <= 15 && DIGITS.test(text)) return Number(text);
  const infinite = INFINITY.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', marker, power = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const negative = sign === '-';
  const mantissa = BigInt(whole + fraction);
  if (mantissa === 0n) return negative ? -0 : 0;
  const exponent = Number(power);
  if (Math.abs(exponent) > MAX_EXPONENT || whole.length + fraction.length > MAX_EXPONENT) return undefined;
  const fives = (marker === 'p' || marker === 'P' ? 0 : exponent) - fraction.length;
  const twos = exponent - fraction.length;
  try {
    if (fives === 0) return settle(round(negative, mantissa, twos, PRECISION));
    const power5 = powerOfFive(Math.abs(fives), PRECISION + 64);
    const unrounded: BigNumber = { negative, mantissa, exponent: twos, precision: PRECISION };
    if (fives < 0) return settle(quotient(negative, unrounded, power5, PRECISION));
    return settle(round(negative, mantissa * power5.mantissa, twos + power5.exponent, PRECISION));
  } catch (failure) {
    if (failure instanceof NumberFailure) return undefined;
    throw failure;
  }
}

/**
 * `pow` and `log` in doubles the way Go computes them, which is not the way JavaScript does: the last digit differs
 * often enough to be seen in a plan. After FreeBSD's msun, as Go's math package is.
 */

interface Parts {
  /** From 0.5 up to 1. */
  readonly fraction: number;
  readonly exponent: number;
}

/** The number as fraction × 2^exponent. */
function split(x: number): Parts {
  if (x === 0 || !Number.isFinite(x)) return { fraction: x, exponent: 0 };
  const view = new DataView(new ArrayBuffer(8));
  // Numbers too small for a full mantissa are brought into range first.
  const isTiny = Math.abs(x) < 2 ** -1022;
  view.setFloat64(0, isTiny ? x * 2 ** 52 : x);
  const high = view.getUint32(0);
  view.setUint32(0, (high & ~(0x7ff << 20)) | (1022 << 20));
  return { fraction: view.getFloat64(0), exponent: ((high >> 20) & 0x7ff) - 1022 - (isTiny ? 52 : 0) };
}

/** fraction × 2^exponent, rounded once also where the result is tiny. */
function scale(fraction: number, exponent: number): number {
  if (fraction === 0) return 0;
  let power = Math.max(-2200, Math.min(2200, exponent));
  let result = fraction;
  for (; power > 1000; power -= 1000) result *= 2 ** 1000;
  if (power >= -1000) return result * 2 ** power;
  const { fraction: digits, exponent: own } = split(fraction);
  const total = own + power;
  if (total < -1075) return 0;
  // One multiplication by the smallest power rounds; the one before it is exact.
  return digits * 2 ** (total + 1074) * 2 ** -1074;
}

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const L1 = 0.6666666666666735;
const L2 = 0.3999999999940942;
const L3 = 0.2857142874366239;
const L4 = 0.22222198432149784;
const L5 = 0.1818357216161805;
const L6 = 0.15313837699209373;
const L7 = 0.14798198605116586;

/** The natural logarithm. */
export function log(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x;
  if (x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  let { fraction, exponent } = split(x);
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    exponent--;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const odd = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
  const even = s4 * (L2 + s4 * (L4 + s4 * L6));
  const rest = odd + even;
  const half = 0.5 * f * f;
  return exponent * LN2_HIGH - (half - (s * (half + rest) + exponent * LN2_LOW) - f);
}

const LN2_UPPER = 0.693147180559663;
const LN2_LOWER = 2.8235290563031577e-13;
/** 1/8! to 1/3!, 1/2 and 1: the series of e^x, the last term first. */
const SERIES = [8, 7, 6, 5, 4, 3, 2, 1].map((n) => 1 / factorial(n));

function factorial(n: number): number {
  return n === 0 ? 1 : n * factorial(n - 1);
}

/**
 * e^x for the moderate x that powers need it for, as Go's assembly for x86 has it: a series for x/16, squared four
 * times, with every product and sum in one rounding (exp_amd64.s, "avxfma").
 */
function exp(x: number): number {
  if (Math.abs(x) < 2 ** -60) return 1;
  const k = roundHalfToEven(Math.LOG2E * x);
  const r = multiplyAdd(-k, LN2_LOWER, multiplyAdd(-k, LN2_UPPER, x)) * 0.0625;
  let sum = 0;
  for (const [i, factor] of SERIES.entries()) sum = i === 0 ? factor : multiplyAdd(r, sum, factor);
  // (1 + t)^2 - 1 = t (t + 2)
  let t = r * sum;
  for (let squared = 0; squared < 3; squared++) t *= t + 2;
  return scale(multiplyAdd(t + 2, t, 1), k);
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  return over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** a × b + c, rounded once. For numbers that are not too far apart, and a result that is not tiny. */
function multiplyAdd(a: number, b: number, c: number): number {
  const [left, right, added] = [toExact(a), toExact(b), toExact(c)];
  const exponent = left.exponent + right.exponent;
  const least = Math.min(exponent, added.exponent);
  const product = (left.digits * right.digits) << BigInt(exponent - least);
  return Number(product + (added.digits << BigInt(added.exponent - least))) * 2 ** least;
}

/** The number as digits × 2^exponent. */
function toExact(x: number): { readonly digits: bigint; readonly exponent: number } {
  const { fraction, exponent } = split(x);
  return { digits: BigInt(fraction * 2 ** 53), exponent: exponent - 53 };
}

/** x to the power of y. */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  let whole = Math.trunc(Math.abs(y));
  let part = Math.abs(y) - whole;
  if (part !== 0 && x < 0) return Number.NaN;
  if (whole >= 2 ** 63) {
    if (x === -1) return 1;
    return Math.abs(x) < 1 === y > 0 ? 0 : Number.POSITIVE_INFINITY;
  }
  let result = 1;
  let exponent = 0;
  if (part !== 0) {
    if (part > 0.5) {
      part--;
      whole++;
    }
    result = exp(part * log(x));
  }
  let { fraction: square, exponent: power } = split(x);
  for (let left = BigInt(whole); left !== 0n; left >>= 1n) {
    if (Math.abs(power) > 2 ** 12) {
      exponent += power;
      break;
    }
    if ((left & 1n) === 1n) {
      result *= square;
      exponent += power;
    }
    square *= square;
    power *= 2;
    if (square < 0.5) {
      square += square;
      power--;
    }
  }
  return y < 0 ? scale(1 / result, -exponent) : scale(result, exponent);
}

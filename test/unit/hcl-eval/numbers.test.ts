import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMagnitude, numberText } from '../../../src/hcl/eval/number-text.ts';
import type { Numeral } from '../../../src/hcl/eval/numbers.ts';
import {
  add,
  compareNumbers,
  divide,
  fromCount,
  fromDouble,
  modulo,
  multiply,
  negate,
  parseNumber,
  subtract,
  toDouble,
  truncate,
} from '../../../src/hcl/eval/numbers.ts';

const read = (text: string): Numeral => {
  const parsed = parseNumber(text);
  if (parsed === undefined) throw new Error(`${text} is not a number`);
  return parsed;
};

describe('numbers have 512 bits, rounded as in Go', () => {
  test.for([
    ['a tenth and two make three', add(read('0.1'), read('0.2')), '0.3'],
    ['what functions count has 64 bits', divide(fromCount(1), fromCount(3)), '0.33333333333333333334'],
    ['a count and a literal have the bits of the literal', divide(fromCount(1), 4), '0.25'],
    ['whole numbers beyond 2^53 are exact', add(read('9007199254740993'), 1), '9007199254740994'],
    [
      'products keep what they need',
      multiply(read('99999999999'), read('99999999999')),
      '9999999999800000000001',
    ],
    ['a remainder has the sign of the dividend', modulo(-10, 3), '-1'],
    ['the remainder of a division by zero is the dividend', modulo(7, 0), '7'],
    ['a double prints its shortest digits', fromDouble(0.1), '0.1'],
    ['a large double prints only the digits it has', fromDouble(2 ** 64), '18446744073709550000'],
    ['minus zero keeps its sign', negate(0), '-0'],
  ] as const)('%s', ([, value, text]) => {
    expect(numberText(value)).toBe(text);
  });

  test('a third, to the digit', () => {
    const text = numberText(divide(1, 3));
    expect(text).toMatch(/^0\.3{152,154}5$/);
    expect(text).toHaveLength(157);
  });

  test.for([
    ['', undefined],
    ['.', undefined],
    ['-', undefined],
    ['0x10', undefined],
    ['1_000', undefined],
    [' 1', undefined],
    ['1e', undefined],
    ['.5', '0.5'],
    ['5.', '5'],
    ['+5', '5'],
    ['1p3', '8'],
    ['007', '7'],
    ['1e999999999', undefined],
    ['-0', '-0'],
  ] as const)('%j reads as %j', ([text, expected]) => {
    const parsed = parseNumber(text);
    expect(parsed === undefined ? undefined : numberText(parsed)).toBe(expected);
  });
});

describe('laws', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: -30, max: 30 }))
    .map(([digits, exponent]) => `${digits}e${exponent}`);

  test('text reads back as the same number', () => {
    fc.assert(
      fc.property(decimal, (text) => {
        const value = read(text);
        expect(compareNumbers(read(numberText(value)), value)).toBe(0);
      }),
    );
  });

  test('doubles survive', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(double, (x) => toDouble(fromDouble(x)) === x));
    fc.assert(fc.property(double, (x) => Number(numberText(fromDouble(x))) === x || Math.abs(x) < 1e-300));
  });

  test('small whole numbers are as in JavaScript', () => {
    const small = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(numberText(add(a, b))).toBe(String(a + b));
        expect(numberText(subtract(a, b))).toBe(String(a - b));
        expect(numberText(multiply(a, b)).replace('-0', '0')).toBe(String(a * b).replace('-0', '0'));
        expect(Math.sign(compareNumbers(a, b))).toBe(Math.sign(a - b));
        if (b !== 0) expect(numberText(modulo(a, b))).toBe(String((a % b) + 0));
      }),
    );
  });

  test('adding and taking away again changes nothing that fits into 512 bits', () => {
    const whole = fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n });
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        expect(truncate(subtract(add(read(`${a}`), read(`${b}`)), read(`${b}`)))).toBe(a);
      }),
    );
  });

  test('comparing is a total order', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [x, y] = [read(a), read(b)];
        expect(Math.sign(compareNumbers(x, y))).toBe(-Math.sign(compareNumbers(y, x)) + 0);
        expect(compareNumbers(add(x, 1), x)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("Go's number formats", () => {
  test.for([
    ['12345.678', 'e', 6, '1.234568e+04'],
    ['12345.678', 'f', 2, '12345.68'],
    ['2.5', 'f', 0, '2'],
    ['3.5', 'f', 0, '4'],
    ['0.000001', 'g', 6, '1e-06'],
    ['100000', 'g', -1, '100000'],
    ['1000000', 'g', -1, '1e+06'],
    ['0', 'e', 2, '0.00e+00'],
    ['0.05', 'f', 1, '0.1'],
    ['0.04', 'f', 1, '0.0'],
  ] as const)('%s as %%%s with %d digits is %s', ([text, format, digits, expected]) => {
    expect(formatMagnitude(read(text), format, digits)).toBe(expected);
  });
});

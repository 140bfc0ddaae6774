import { expect, test } from 'vitest';
import {
  formatDuration,
  isRefusal,
  parseDuration,
  parseInstant,
  parsePercent,
} from '../../../src/config/quantities.ts';

test.for([
  ['0', 0],
  ['0s', 0],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['.5m', 30_000],
  ['1h30m', 5_400_000],
  ['1m0.25s', 60_250],
  ['2000us', 2],
  ['2000µs', 2],
  ['1000000ns', 1],
  ['576h', 576 * 3_600_000],
] as const)('the duration %s is %d ms', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms);
});

test.for([
  ['', 'is not a duration', 'number with a unit'],
  ['5', 'without a unit', '"5s" for seconds'],
  ['1h30', 'without a unit', 'Give each number a unit'],
  ['-5s', 'negative', undefined],
  ['5 s', 'without a unit', undefined],
  ['5sec', 'the unit "sec"', '"5s"'],
  ['2min', 'the unit "min"', '"2m"'],
  ['1d', 'the unit "d"', '"24h"'],
  ['2w', 'the unit "w"', '"336h"'],
  ['1.0001ms', 'not a whole number of milliseconds', undefined],
  ['577h', 'longer than 576h', undefined],
  ['soon', 'is not a duration', 'number with a unit'],
] as const)('the duration "%s" is refused: %s', ([text, why, hint]) => {
  const result = parseDuration(text);
  expect(result).toMatchObject({ refused: expect.stringContaining(why) });
  if (hint !== undefined) expect(result).toMatchObject({ hint: expect.stringContaining(hint) });
});

test('a duration is written in its shortest form, and read back', () => {
  for (const ms of [0, 1, 999, 1_000, 61_001, 3_600_000, 5_400_250]) {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  }
  expect(formatDuration(5_400_250)).toBe('1h30m250ms');
});

test.for([
  ['0%', 0],
  ['75%', 75],
  ['100%', 100],
] as const)('%s is a percent', ([text, percent]) => {
  expect(parsePercent(text)).toBe(percent);
});

test.for([
  ['75', 'Write "75%".'],
  ['0.75', 'Write "75%".'],
  ['1.0', 'Write "100%".'],
  ['101%', undefined],
  ['12.5%', undefined],
  ['-5%', 'such as "75%"'],
  ['most', 'such as "75%"'],
] as const)('%s is no percent', ([text, hint]) => {
  const result = parsePercent(text);
  expect(isRefusal(result)).toBe(true);
  if (hint !== undefined) expect(result).toMatchObject({ hint: expect.stringContaining(hint) });
});

test.for([
  ['2026-12-24T00:00:00Z', Date.UTC(2026, 11, 24)],
  ['2026-12-24T01:00:00+01:00', Date.UTC(2026, 11, 24)],
  ['2026-12-24t00:00:00.500z', Date.UTC(2026, 11, 24) + 500],
] as const)('%s is a moment', ([text, ms]) => {
  expect(parseInstant(text)).toBe(ms);
});

test.for(['2026-12-24', '2026-12-24T00:00:00', '2026-02-30T00:00:00Z', '2026-12-24T25:00:00Z', 'christmas'])(
  '%s is no moment',
  (text) => {
    expect(isRefusal(parseInstant(text))).toBe(true);
  },
);

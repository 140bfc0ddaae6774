/** The tests of the statistics themselves, against published tables and against other ways to the same number. */
import { describe, expect, test } from 'vitest';
import { binomialTail, fisherTail } from '../../../src/analysis/exact-tests.ts';
import { compareSides } from '../../../src/analysis/mann-whitney.ts';
import { levelOf } from '../../../src/analysis/spending.ts';

const upTo = (n: number, from = 0): readonly number[] =>
  Array.from({ length: n }, (_, index) => index + from);

test('the tail of hundreds of millions of requests is summed no further than it matters', () => {
  const startedAt = performance.now();
  expect(binomialTail({ requests: 4e9, failed: 1e6 }, 0.01)).toBe(1);
  expect(fisherTail({ requests: 2e9, failed: 1e6 }, { requests: 2e9, failed: 1e9 })).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

describe('Mann-Whitney', () => {
  // Without overlap the chance is one over the number of ways to choose the larger side.
  test.for([
    { sides: '3 and 3', canary: upTo(3, 10), stable: upTo(3), p: 1 / 20 },
    { sides: '4 and 4', canary: upTo(4, 10), stable: upTo(4), p: 1 / 70 },
    { sides: '5 and 5', canary: upTo(5, 10), stable: upTo(5), p: 1 / 252 },
    { sides: '8 and 10', canary: upTo(8, 20), stable: upTo(10), p: 1 / 43_758 },
  ])('is exact for $sides that do not overlap', ({ canary, stable, p }) => {
    const found = compareSides(canary, stable);
    expect(found.pValue).toBeCloseTo(p, 12);
    expect(found.superiority).toBe(1);
  });

  test.for([
    // Critical values of U for one-sided 0.05 (Mann and Whitney 1947; Siegel, table K): the largest U that is significant.
    { n1: 5, n2: 5, critical: 4 },
    { n1: 8, n2: 8, critical: 15 },
    { n1: 10, n2: 10, critical: 27 },
    { n1: 12, n2: 15, critical: 55 },
    { n1: 20, n2: 20, critical: 138 },
  ])('has the critical value of the tables for $n1 and $n2', ({ n1, n2, critical }) => {
    expect(pOfU(n1, n2, critical)).toBeLessThanOrEqual(0.05);
    expect(pOfU(n1, n2, critical + 1)).toBeGreaterThan(0.05);
  });

  test('counts ties exactly: three of four equal', () => {
    expect(compareSides([2, 2, 3], [1, 2, 2]).pValue).toBeCloseTo(byEnumeration([2, 2, 3], [1, 2, 2]), 12);
    expect(compareSides([5, 5, 5], [5, 5, 5]).pValue).toBe(1);
  });

  test('the approximation for many values continues the exact one', () => {
    const canary = upTo(15).map((n) => n * 1.1);
    const stable = upTo(15);
    const exact = compareSides(canary, stable).pValue;
    const approximated = compareSides([...canary, 7.55], stable).pValue;
    expect(Math.abs(exact - approximated)).toBeLessThan(0.02);
  });

  test('tells how much larger', () => {
    const { shift, medianStable } = compareSides([18, 19, 17, 18], [12, 13, 11, 12]);
    expect({ shift, medianStable }).toEqual({ shift: 6, medianStable: 12 });
  });
});

/** p of a sample of sizes n1 and n2 whose smaller U is the one given: the canary is the larger side. */
function pOfU(n1: number, n2: number, u: number): number {
  // The canary holds the largest values, but for `u` exchanges with their neighbours below.
  const ranks = [...upTo(n1, n2)];
  let left = u;
  for (let at = 0; at < n1 && left > 0; at += 1) {
    const moved = Math.min(n2, left);
    ranks.splice(at, 1, n2 + at - moved);
    left -= moved;
  }
  const others = upTo(n1 + n2).filter((rank) => !ranks.includes(rank));
  return compareSides(ranks, others).pValue;
}

/** Every way to choose the canary's values among all of them. */
function byEnumeration(canary: readonly number[], stable: readonly number[]): number {
  const all = [...canary, ...stable];
  const above = (chosen: readonly number[]): number => {
    const rest = upTo(all.length).filter((index) => !chosen.includes(index));
    return chosen.reduce(
      (sum, a) =>
        sum + rest.reduce((wins, b) => wins + (Math.sign((all[a] ?? 0) - (all[b] ?? 0)) + 1) / 2, 0),
      0,
    );
  };
  const choices = subsets(all.length, canary.length);
  const seen = above(upTo(canary.length));
  return choices.filter((chosen) => above(chosen) >= seen).length / choices.length;
}

function subsets(of: number, size: number, from = 0): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  return upTo(of - from, from).flatMap((first) =>
    subsets(of, size - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

describe('exact tests of counts', () => {
  test.for([
    // R: pbinom(x - 1, n, p, lower.tail = FALSE), here summed term by term.
    { requests: 100, failed: 5, rate: 0.01 },
    { requests: 1_000, failed: 18, rate: 0.01 },
    { requests: 20, failed: 20, rate: 0.5 },
    { requests: 500, failed: 1, rate: 0.002 },
  ])('binomial: $failed of $requests at $rate', ({ requests, failed, rate }) => {
    let below = 0;
    let term = (1 - rate) ** requests;
    for (let at = 0; at < failed; at += 1) {
      below += term;
      term *= ((requests - at) / (at + 1)) * (rate / (1 - rate));
    }
    expect(binomialTail({ requests, failed }, rate)).toBeCloseTo(1 - below, 10);
  });

  test("Fisher's lady tasting tea", () => {
    // The Design of Experiments, 1935: 4 of 4 right by chance 1 in 70; 3 or more 17 in 70.
    const tea = (right: number) =>
      fisherTail({ requests: 4, failed: right }, { requests: 4, failed: 4 - right });
    expect(tea(4)).toBeCloseTo(1 / 70, 12);
    expect(tea(3)).toBeCloseTo(17 / 70, 12);
    expect(tea(0)).toBe(1);
  });

  test('hold for a million requests', () => {
    const even = fisherTail({ requests: 1_000_000, failed: 1_000 }, { requests: 1_000_000, failed: 1_000 });
    expect(even).toBeGreaterThan(0.5);
    expect(even).toBeLessThan(0.52);
    expect(binomialTail({ requests: 1_000_000, failed: 10_000 }, 0.01)).toBeCloseTo(0.5, 1);
    expect(binomialTail({ requests: 1_000_000, failed: 12_000 }, 0.01)).toBeLessThan(1e-80);
  });
});

test('all looks together spend what the confidence leaves', () => {
  const spent = upTo(10_000, 1).reduce((sum, look) => sum + levelOf(look, 0.95, 1), 0);
  expect(spent).toBeLessThanOrEqual(0.05);
  expect(spent).toBeGreaterThan(0.0499);
});

/**
 * Whether one side's values tend to be larger than the other's, without asking how they are distributed: latencies and
 * rates are skewed, and a mean would be moved by a single slow request. H. B. Mann, D. R. Whitney (1947).
 */

export interface Comparison {
  /** The chance of a difference at least this large if both sides were the same; one-sided: canary above stable. */
  readonly pValue: number;
  /** The chance that a value of the canary is above one of the stable side (ties count half): 0.5 is no difference. */
  readonly superiority: number;
  /** Median of all differences between the two sides (Hodges and Lehmann, 1963): how much larger it is. */
  readonly shift: number;
  readonly medianStable: number;
}

/** Up to so many values together, p is exact; above, the normal approximation is good to a few thousandths. */
const exactUpTo = 30;

/** Both sides need at least one value. */
export function compareSides(canary: readonly number[], stable: readonly number[]): Comparison {
  const pairs = canary.length * stable.length;
  const ranks = midRanks([...canary, ...stable]);
  const rankSum = ranks.slice(0, canary.length).reduce((sum, rank) => sum + rank, 0);
  const u = rankSum - (canary.length * (canary.length + 1)) / 2;
  const isSmall = ranks.length <= exactUpTo;
  return {
    pValue: isSmall ? exactTail(ranks, canary.length, rankSum) : normalTail(ranks, canary.length, u),
    superiority: u / pairs,
    shift: median(canary.flatMap((value) => stable.map((other) => value - other))),
    medianStable: median(stable),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/** Ranks from 1 in the order of the values given; equal values share the mean of their ranks. */
function midRanks(values: readonly number[]): readonly number[] {
  const order = values.map((value, index) => ({ value, index })).toSorted((a, b) => a.value - b.value);
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && order[to + 1]?.value === order[from]?.value) to += 1;
    for (let at = from; at <= to; at += 1) ranks[order[at]?.index ?? 0] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}

/**
 * The part of all ways to choose `size` of these ranks whose sum is at least `sum`: exact with ties too. Counted by the
 * shift algorithm (Streitberg and Röhmel, 1986), in doubled ranks because those of ties may be halves.
 */
function exactTail(ranks: readonly number[], size: number, sum: number): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const most = doubled.reduce((total, rank) => total + rank, 0);
  const width = most + 1;
  const ways = new Float64Array((size + 1) * width);
  ways[0] = 1;
  for (const rank of doubled) {
    for (let taken = size; taken >= 1; taken -= 1) {
      for (let total = most; total >= rank; total -= 1) {
        const at = taken * width + total;
        ways[at] = (ways[at] ?? 0) + (ways[at - width - rank] ?? 0);
      }
    }
  }
  let all = 0;
  let tail = 0;
  for (let total = 0; total <= most; total += 1) {
    const count = ways[size * width + total] ?? 0;
    all += count;
    if (total >= Math.round(2 * sum)) tail += count;
  }
  return tail / all;
}

/** With the corrections for ties and for continuity. */
function normalTail(ranks: readonly number[], size: number, u: number): number {
  const total = ranks.length;
  const others = total - size;
  const counts = new Map<number, number>();
  for (const rank of ranks) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const ties = [...counts.values()].reduce((sum, count) => sum + count ** 3 - count, 0);
  const variance = ((size * others) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  return upperTail((u - (size * others) / 2 - 0.5) / Math.sqrt(variance));
}

/** P(Z > z) of the standard normal distribution, to 1.2e-7 relative (`erfcc`, a Chebyshev fit: Numerical Recipes, 6.2). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 2 / (2 + x);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const polynomial = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const erfc = t * Math.exp(-x * x + polynomial);
  return z >= 0 ? erfc / 2 : 1 - erfc / 2;
}

/** Exact tests of counts: so many of so many requests failed. No approximation, because the counts that matter are small. */

/** A side's answers: `failed` of `requests`. */
export interface Counts {
  readonly requests: number;
  readonly failed: number;
}

/** The chance of at least so many failures if each request failed with this probability. */
export function binomialTail({ requests, failed }: Counts, rate: number): number {
  if (failed <= 0 || rate >= 1) return 1;
  if (rate <= 0) return 0;
  const first =
    logChoose(requests, failed) + failed * Math.log(rate) + (requests - failed) * Math.log1p(-rate);
  const odds = rate / (1 - rate);
  return sumOfTerms(first, (at) => (odds * (requests - at)) / (at + 1), failed, requests);
}

/**
 * Fisher's exact test, one-sided: the chance that at least so many of all failures fell on the canary if they fell on
 * requests without regard to the side.
 */
export function fisherTail(canary: Counts, stable: Counts): number {
  const failures = canary.failed + stable.failed;
  const all = canary.requests + stable.requests;
  const most = Math.min(failures, canary.requests);
  if (canary.failed <= Math.max(0, failures - stable.requests)) return 1;
  const first =
    logChoose(canary.requests, canary.failed) +
    logChoose(stable.requests, stable.failed) -
    logChoose(all, failures);
  const ratio = (at: number): number =>
    ((canary.requests - at) * (failures - at)) / ((at + 1) * (stable.requests - failures + at + 1));
  return sumOfTerms(first, ratio, canary.failed, most);
}

/** The term at `from`, given by its logarithm, and all after it up to `to`, each the one before times `ratio`. */
function sumOfTerms(logFirst: number, ratio: (at: number) => number, from: number, to: number): number {
  let sum = 1;
  let term = 1;
  for (let at = from; at < to; at += 1) {
    const factor = ratio(at);
    term *= factor;
    sum += term;
    // So much more than the first: it is on the far side of nearly all that can be, and the chance is 1.
    if (sum === Number.POSITIVE_INFINITY) return 1;
    // The factors fall: once small they stay small, and what is left adds nothing.
    if (factor < 1 && term < sum * 1e-16) break;
  }
  return Math.min(1, Math.exp(logFirst + Math.log(sum)));
}

const logChoose = (of: number, chosen: number): number =>
  logFactorial(of) - logFactorial(chosen) - logFactorial(of - chosen);

const tabled: number[] = [0, 0];

/** ln(n!): summed up to 255, and Stirling's series above, whose error there is below 1e-14. */
function logFactorial(n: number): number {
  if (n > 255) {
    const inverse = 1 / (n + 1);
    const series = inverse / 12 - inverse ** 3 / 360 + inverse ** 5 / 1260;
    return (n + 0.5) * Math.log(n + 1) - (n + 1) + Math.log(2 * Math.PI) / 2 + series;
  }
  for (let at = tabled.length; at <= n; at += 1) tabled[at] = (tabled[at - 1] ?? 0) + Math.log(at);
  return tabled[n] ?? 0;
}

/**
 * The latency of an interval from two readings of a sliding average. HAProxy tells no more than `rtime`, an average in
 * whole ms in which a request counts for one part in 512: read twice a second it would give nearly the same number
 * twice, which is one measurement and not two. So the part that is new is computed, and taken only where it is known
 * to be exact enough; such samples are independent of each other.
 */
import type { LatencyAverage } from '../model/index.ts';

export interface LatencySample {
  /** Mean of the requests of the interval. */
  readonly ms: number;
  readonly requests: number;
}

/** A sample of fewer requests would tell of these few. */
const fewestRequests = 10;

/** A sample is taken when rounding can have moved it by no more than this, whichever is larger. */
const coarsestPart = 0.2;
const coarsestMs = 1;

/** Remembers the last reading of each counter that a sample ended with. */
export class LatencyReader {
  readonly #last = new Map<string, LatencyAverage>();

  /** New samples, at most one of each counter. The first reading of a counter is only where the next begins. */
  take(readings: readonly LatencyAverage[]): readonly LatencySample[] {
    return readings.flatMap((now) => {
      const before = this.#last.get(now.key);
      if (before === undefined || now.requests < before.requests) {
        this.#last.set(now.key, now);
        return [];
      }
      const sample = between(before, now);
      if (sample === undefined) return [];
      this.#last.set(now.key, now);
      return [sample];
    });
  }
}

/** undefined: too few requests came, or what they took cannot be told from the rounding. */
export function between(before: LatencyAverage, now: LatencyAverage): LatencySample | undefined {
  const requests = now.requests - before.requests;
  if (requests < fewestRequests) return undefined;
  const kept = partKept(before.requests, now.requests, now.window);
  const largestErrorMs = (0.5 * (1 + kept)) / (1 - kept);
  if (largestErrorMs > Math.max(coarsestMs, coarsestPart * now.averageMs)) return undefined;
  // Rounded up: the mean of what it may have been is half a ms less.
  const ms = (now.averageMs - 0.5 - kept * Math.max(0, before.averageMs - 0.5)) / (1 - kept);
  return { ms: Math.max(0, ms), requests };
}

/** How much of the average at the first count is still in that at the second: a plain mean first, then sliding. */
function partKept(from: number, to: number, window: number): number {
  const meanTo = Math.min(to, window);
  const asMean = from >= window ? 1 : from / meanTo;
  const slid = Math.max(0, to - Math.max(from, window));
  return asMean * (1 - 1 / window) ** slid;
}

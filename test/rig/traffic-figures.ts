/** What a load client has seen, judged when all of it is known. Pure. */

export interface TrafficFigures {
  readonly requests: number;
  /** Not sent, because too many were unanswered or this process was held up: the machine is too busy to keep the rate. */
  readonly withheld: number;
  /** No answer, a reset, a time-out, or a status other than 200. */
  readonly failed: number;
  /** Of these, sent since the clients came anew; where they did not, since the last switch was acknowledged. */
  readonly failedSince: number;
  /** Answered by a side that no route has named in this test. */
  readonly wrong: number;
  /** Sent after a switch was acknowledged, and answered by the side before. */
  readonly stale: number;
  /** Upgraded connections that ended before the test did. */
  readonly cut: number;
  readonly bySide: Readonly<Record<string, number>>;
  /** Of each switch, from its beginning to the sending of the last request that the side before still answered; in ms. */
  readonly seenMs: readonly number[];
  readonly latency: {
    readonly all: Latency;
    /** Of requests that were under way during a switch or within {@link nearMs} after it was acknowledged. */
    readonly near: Latency;
    /** The same of the moments that were noted and are no switches. */
    readonly noted: Latency;
    /** Of all others since the first of these moments. */
    readonly away: Latency;
  };
  /** What the first few failures were. */
  readonly reasons: readonly string[];
  /** What the first few of `failedSince` were. */
  readonly reasonsSince: readonly string[];
}

/**
 * In ms, from the moment at which a request was due to the end of its answer: what a client that did not wait for others
 * would have waited.
 */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The same from when they were sent: without what held up the load client itself. */
  readonly sentP99: number;
}

/** Something that went on for a while, in ms of one clock. */
export interface Moment {
  readonly beganAt: number;
  endedAt: number;
}

export interface Move extends Moment {
  readonly to: string;
}

/** From `at` on, these sides may answer. */
export interface Epoch {
  readonly at: number;
  readonly sides: readonly string[];
}

export interface Answered {
  /** undefined: it belongs to no rate, and how long it takes says nothing. */
  readonly dueAt: number | undefined;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly side: string;
}

/** What a switch costs may come a little after it: connections that are closed, caches that are empty. */
export const nearMs = 100;

/** A request may be answered by any side that was right between its sending and its answer. */
export function judge(
  { sentAt, endedAt, side }: Answered,
  epochs: readonly Epoch[],
): 'right' | 'wrong' | 'stale' {
  const begun = epochs.filter(({ at }) => at <= endedAt);
  const isRight = begun.some(
    ({ sides }, index) => sides.includes(side) && (begun[index + 1]?.at ?? Number.POSITIVE_INFINITY) > sentAt,
  );
  if (isRight) return 'right';
  return begun.some(({ sides }) => sides.includes(side)) ? 'stale' : 'wrong';
}

export function countedBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export function seenOf(answered: readonly Answered[], moves: readonly Move[]): readonly number[] {
  const last = moves.map(({ beganAt }) => beganAt);
  for (const { sentAt, side } of answered) {
    const index = moves.findLastIndex(({ beganAt }) => beganAt <= sentAt);
    if (index >= 0 && side !== moves[index]?.to) last[index] = Math.max(last[index] ?? 0, sentAt);
  }
  return moves.map(({ beganAt }, index) => (last[index] ?? 0) - beganAt).toSorted((a, b) => a - b);
}

export function latencyOf(
  answered: readonly Answered[],
  moves: readonly Moment[],
  noted: readonly Moment[],
): TrafficFigures['latency'] {
  // What came before is for getting warm: connections, compilers, caches.
  const from = Math.min(...[...moves, ...noted].map(({ beganAt }) => beganAt));
  const timed = answered.flatMap(({ dueAt, sentAt, endedAt }) =>
    dueAt === undefined ? [] : [{ dueAt, endedAt, ms: endedAt - dueAt, sentMs: endedAt - sentAt }],
  );
  const isBy =
    (moments: readonly Moment[]) =>
    ({ dueAt, endedAt }: (typeof timed)[number]): boolean =>
      moments.some((moment) => endedAt >= moment.beganAt && dueAt <= moment.endedAt + nearMs);
  const summary = (some: typeof timed): Latency => {
    const sorted = some.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const sinceSent = some.map(({ sentMs }) => sentMs).toSorted((a, b) => a - b);
    return {
      count: sorted.length,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      max: quantile(sorted, 1),
      sentP99: quantile(sinceSent, 0.99),
    };
  };
  return {
    all: summary(timed),
    near: summary(timed.filter(isBy(moves))),
    noted: summary(timed.filter(isBy(noted))),
    away: summary(timed.filter((each) => each.dueAt >= from && !isBy(moves)(each) && !isBy(noted)(each))),
  };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** The balancers' counters as rates: they count up from the start of the run, people want to see what happens now. */
import type { Address, Event, Instant, PoolTraffic, RequestCounts } from '../model/index.ts';
import { printable } from './printable.ts';

export interface PoolView {
  readonly balancer: Address;
  readonly pool: string;
  /** Since the run began. */
  readonly requests: number;
  readonly failed: number;
  /** undefined: not told for this part of a pool. */
  readonly sessions: number | undefined;
  /** Between the last two reports. */
  readonly gained: number;
  readonly gainedFailed: number;
  /** As the balancer averages it; undefined: not told. */
  readonly meanMs: number | undefined;
  readonly at: Instant;
  /** Between the last two reports; undefined: there was only one. */
  readonly requestsPerSecond: number | undefined;
  /** Whole percent of its balancer's requests between the last two reports; undefined: there were none. */
  readonly sharePercent: number | undefined;
  /** Requests a second of the last reports, oldest first. */
  readonly history: readonly number[];
  /** Failed requests a second of the same reports. */
  readonly failedHistory: readonly number[];
}

const historyLength = 12;

export function foldTraffic(
  before: readonly PoolView[],
  event: Extract<Event, { type: 'traffic' }>,
): readonly PoolView[] {
  const others = before.filter(({ balancer }) => balancer !== event.balancer);
  const fresh = event.pools.flatMap(partsOf).map((each): PoolView => {
    const pool = printable(each.pool);
    const last = before.find((view) => view.balancer === event.balancer && view.pool === pool);
    const seconds = last === undefined ? 0 : (event.at - last.at) / 1000;
    // Counters that fall were reset by a restart of the balancer: what they count is what came since.
    const since = (was: number, now: number): number => now - (now < was ? 0 : was);
    const gained = last === undefined ? 0 : since(last.requests, each.requests);
    const gainedFailed = last === undefined ? 0 : since(last.failed, each.failed);
    const rate = seconds > 0 ? gained / seconds : undefined;
    const withNow = (history: readonly number[] = [], count: number): readonly number[] =>
      [...history, ...(seconds > 0 ? [count / seconds] : [])].slice(-historyLength);
    return {
      balancer: event.balancer,
      pool,
      requests: each.requests,
      failed: each.failed,
      sessions: each.sessions,
      gained,
      gainedFailed,
      meanMs: each.meanMs,
      at: event.at,
      requestsPerSecond: rate,
      sharePercent: undefined,
      history: withNow(last?.history, gained),
      failedHistory: withNow(last?.failedHistory, gainedFailed),
    };
  });
  const total = fresh.reduce((sum, { requestsPerSecond = 0 }) => sum + requestsPerSecond, 0);
  const shared = fresh.map((pool) => ({
    ...pool,
    sharePercent: total > 0 ? Math.round((100 * (pool.requestsPerSecond ?? 0)) / total) : undefined,
  }));
  return [...others, ...shared];
}

/** A pool that is renewed host by host has two sides: its hosts as they were, and those with the new release. */
function partsOf({ sides, ...pool }: PoolTraffic): readonly (RequestCounts & {
  readonly pool: string;
  readonly sessions: number | undefined;
})[] {
  if (sides === undefined) return [pool];
  const side = (counts: RequestCounts, word: string) => ({
    ...counts,
    pool: `${pool.pool} ${word}`,
    sessions: undefined,
  });
  return [side(sides.stable, 'before'), side(sides.canary, 'new')];
}

const bars = '▁▂▃▄▅▆▇█';

/** One character for each value, scaled to the largest of `all`. */
export function sparkline(values: readonly number[], all: readonly number[] = values): string {
  const most = Math.max(...all, 0);
  return values
    .map((value) => bars[most === 0 ? 0 : Math.min(7, Math.floor((value / most) * 7.999))] ?? ' ')
    .join('');
}

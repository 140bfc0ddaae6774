/** The balancers' counters as rates: they count up from the start of the run, people want to see what happens now. */
import type { Address, Event, Instant } from '../model/index.ts';
import { printable } from './printable.ts';

export interface PoolView {
  readonly balancer: Address;
  readonly pool: string;
  /** Since the run began. */
  readonly requests: number;
  readonly failed: number;
  readonly sessions: number;
  readonly at: Instant;
  /** Between the last two reports; undefined: there was only one. */
  readonly requestsPerSecond: number | undefined;
  /** Whole percent of its balancer's requests between the last two reports; undefined: there were none. */
  readonly sharePercent: number | undefined;
  /** Requests a second of the last reports, oldest first. */
  readonly history: readonly number[];
}

const historyLength = 12;

export function foldTraffic(
  before: readonly PoolView[],
  event: Extract<Event, { type: 'traffic' }>,
): readonly PoolView[] {
  const others = before.filter(({ balancer }) => balancer !== event.balancer);
  const fresh = event.pools.map((each): PoolView => {
    const pool = printable(each.pool);
    const last = before.find((view) => view.balancer === event.balancer && view.pool === pool);
    const seconds = last === undefined ? 0 : (event.at - last.at) / 1000;
    // Counters that fall were reset by a restart of the balancer: what they count is what came since.
    const more = last === undefined ? 0 : each.requests - (each.requests < last.requests ? 0 : last.requests);
    const rate = seconds > 0 ? more / seconds : undefined;
    return {
      balancer: event.balancer,
      pool,
      requests: each.requests,
      failed: each.failed,
      sessions: each.sessions,
      at: event.at,
      requestsPerSecond: rate,
      sharePercent: undefined,
      history: [...(last?.history ?? []), ...(rate === undefined ? [] : [rate])].slice(-historyLength),
    };
  });
  const total = fresh.reduce((sum, { requestsPerSecond = 0 }) => sum + requestsPerSecond, 0);
  const shared = fresh.map((pool) => ({
    ...pool,
    sharePercent: total > 0 ? Math.round((100 * (pool.requestsPerSecond ?? 0)) / total) : undefined,
  }));
  return [...others, ...shared];
}

const bars = '▁▂▃▄▅▆▇█';

/** One character for each value, scaled to the largest of `all`. */
export function sparkline(values: readonly number[], all: readonly number[] = values): string {
  const most = Math.max(...all, 0);
  return values
    .map((value) => bars[most === 0 ? 0 : Math.min(7, Math.floor((value / most) * 7.999))] ?? ' ')
    .join('');
}

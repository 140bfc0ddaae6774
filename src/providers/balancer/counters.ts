/** Requests and failures since a run began, from counters that start again with every worker. Pure, but it remembers. */
import type { PoolTraffic } from '../../model/index.ts';
import { sessionsOf } from './member.ts';
import type { HostReading } from './reading.ts';

interface Count {
  readonly requests: number;
  readonly failed: number;
}

/**
 * Adds up what each worker counted since the first look. A worker that appears later (a reload) is counted from its
 * start; what one counted between the last look and its end is lost, so after a reload the sums are a lower bound.
 */
export class TrafficCounter {
  #isFirst = true;
  /** By host, worker and pool: what it had at the first look, and at the last. */
  readonly #counts = new Map<string, { readonly base: Count; last: Count; readonly pool: string }>();

  count(hosts: readonly HostReading[], pools: readonly string[]): readonly PoolTraffic[] {
    for (const { host, workers } of hosts) {
      for (const worker of workers) {
        for (const [pool, { requests, failed }] of worker.pools) {
          if (!pools.includes(pool)) continue;
          const key = JSON.stringify([host, worker.name, pool]);
          const known = this.#counts.get(key);
          const now = { requests, failed };
          if (known === undefined) {
            const base = this.#isFirst ? now : { requests: 0, failed: 0 };
            this.#counts.set(key, { base, last: now, pool });
          } else {
            known.last = now;
          }
        }
      }
    }
    this.#isFirst = false;
    return pools.map((pool) => {
      const counts = [...this.#counts.values()].filter((each) => each.pool === pool);
      const sum = (of: (count: Count) => number): number =>
        counts.reduce((total, { base, last }) => total + Math.max(0, of(last) - of(base)), 0);
      return {
        pool,
        requests: sum(({ requests }) => requests),
        failed: sum(({ failed }) => failed),
        sessions: sessionsOf(pool, undefined, hosts),
      };
    });
  }
}

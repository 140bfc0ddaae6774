/** Requests and failures since a run began, from counters that start again with every worker. Pure, but it remembers. */
import type { PoolCounters, RequestCounts } from '../../model/index.ts';
import { sessionsOf } from './member.ts';
import type { Counted, HostReading } from './reading.ts';

interface Count {
  readonly base: Counted;
  last: Counted;
  readonly pool: string;
  /** undefined: of the whole pool. */
  readonly member: string | undefined;
}

/**
 * Adds up what each worker counted since the first look. A worker that appears later (a reload) is counted from its
 * start; what one counted between the last look and its end is lost, so after a reload the sums are a lower bound.
 */
export class TrafficCounter {
  #isFirst = true;
  /** By host, worker, pool and member: what it had at the first look, and at the last. */
  readonly #counts = new Map<string, Count>();

  count(hosts: readonly HostReading[], pools: readonly string[]): readonly PoolCounters[] {
    const seen = new Set<string>();
    const learn = (
      place: readonly string[],
      pool: string,
      member: string | undefined,
      now: Counted,
    ): void => {
      const key = JSON.stringify([...place, pool, member]);
      seen.add(key);
      const known = this.#counts.get(key);
      if (known === undefined) {
        const base = this.#isFirst ? now : { requests: 0, failed: 0 };
        this.#counts.set(key, { base, last: now, pool, member });
      } else {
        known.last = now;
      }
    };
    for (const { host, workers } of hosts) {
      for (const worker of workers) {
        for (const [pool, reading] of worker.pools) {
          if (!pools.includes(pool)) continue;
          learn([host, worker.name], pool, undefined, reading);
          for (const [member, { counted }] of reading.members) {
            if (counted !== undefined) learn([host, worker.name], pool, member, counted);
          }
        }
      }
    }
    this.#isFirst = false;
    const all = [...this.#counts].map(([key, each]) => ({ ...each, isNow: seen.has(key) }));
    return pools.map((pool) => {
      const ofPool = all.filter((each) => each.pool === pool);
      const members = [...Map.groupBy(ofPool, ({ member }) => member)].flatMap(([member, counts]) =>
        member === undefined ? [] : [{ member, ...sum(counts) }],
      );
      return {
        pool,
        ...sum(ofPool.filter(({ member }) => member === undefined)),
        sessions: sessionsOf(pool, undefined, hosts),
        ...(members.length === 0 ? {} : { members }),
      };
    });
  }
}

function sum(counts: readonly (Count & { readonly isNow: boolean })[]): RequestCounts {
  const total = (of: (count: Counted) => number): number =>
    counts.reduce((all, { base, last }) => all + Math.max(0, of(last) - of(base)), 0);
  const averages = counts.flatMap(({ last, isNow }) =>
    isNow && last.latency !== undefined && last.requests > 0
      ? [{ ms: last.latency.averageMs, weight: Math.min(last.requests, last.latency.window) }]
      : [],
  );
  const weight = averages.reduce((all, each) => all + each.weight, 0);
  return {
    requests: total(({ requests }) => requests),
    failed: total(({ failed }) => failed),
    // What an average is over: its window, or what came so far.
    ...(weight === 0
      ? {}
      : { meanMs: averages.reduce((all, each) => all + each.ms * each.weight, 0) / weight }),
  };
}

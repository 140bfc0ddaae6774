/** Counters of one side of a canary: those of its pool, or of its members where both sides share one. */
import {
  type BalancerDeclared,
  type JudgedSide,
  type LatencyAverage,
  ProviderFailure,
  type SideCounters,
} from '../../model/index.ts';
import type { Counted, HostReading, PoolReading } from './reading.ts';

/** Remembers what each worker counted last, so that one that ended still counts and sums never fall. */
export class SideCounter {
  readonly #seen = new Map<string, Map<string, Counted>>();

  /** Throws a {@link ProviderFailure} where the balancer does not count so finely. */
  count(hosts: readonly HostReading[], side: JudgedSide, balancer: BalancerDeclared): SideCounters {
    const name = JSON.stringify(side);
    const known = this.#seen.get(name) ?? new Map<string, Counted>();
    this.#seen.set(name, known);
    const latency: LatencyAverage[] = [];
    const before = known.size;
    for (const { host, workers } of hosts) {
      for (const worker of workers) {
        const pool = worker.pools.get(side.pool);
        if (pool === undefined) continue;
        for (const [part, counted] of partsOf(pool, side, balancer)) {
          const key = JSON.stringify([host, worker.id, part]);
          known.set(key, counted);
          if (counted.latency !== undefined)
            latency.push({ key, requests: counted.requests, ...counted.latency });
        }
      }
    }
    const all = [...known.values()];
    return {
      requests: all.reduce((sum, { requests }) => sum + requests, 0),
      failed: all.reduce((sum, { failed, requests }) => sum + Math.min(failed, requests), 0),
      generations: before === 0 ? 0 : known.size - before,
      latency,
    };
  }
}

/** The pool's own counters where the side is all of it: they know of requests that no member got. */
function partsOf(
  pool: PoolReading,
  { pool: name, members }: JudgedSide,
  balancer: BalancerDeclared,
): readonly (readonly [string, Counted])[] {
  const isWhole = [...pool.members.keys()].every((member) => members.includes(member));
  if (isWhole) return [[name, pool]];
  return members.flatMap((member): readonly (readonly [string, Counted])[] => {
    const reading = pool.members.get(member);
    if (reading === undefined) return [];
    if (reading.counted === undefined) throw countsPoolsOnly(balancer);
    return [[`${name}/${member}`, reading.counted]];
  });
}

const countsPoolsOnly = (balancer: BalancerDeclared): ProviderFailure =>
  new ProviderFailure(
    {
      code: 'balancer-counts-pools-only',
      severity: 'error',
      summary: 'The load balancer does not count by member',
      detail: `${balancer.address} (${balancer.provider}) counts pools, and both sides of this canary are in one.`,
      hint: 'Use two slots, or another kind of analysis.',
      address: balancer.address,
    },
    'none',
  );

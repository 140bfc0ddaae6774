/** The balancers' own counters, from the beginning of a run to its end. */
import {
  type Address,
  balancerOf,
  type Clock,
  type EventBody,
  type PoolTraffic,
  type Provider,
  type ProviderOf,
  type Step,
} from '../model/index.ts';
import { within } from './within.ts';

const everyMs = 1_000;
const answerWithinMs = 2_000;

interface Counter {
  readonly last: PoolTraffic;
  readonly requests: number;
  readonly failed: number;
}

export interface TrafficWatch {
  /** Polls a last time and gives the sums; undefined: no balancer counts. */
  end(): Promise<{ readonly requests: number; readonly failed: number } | undefined>;
}

/** A counter that fell was reset by a restart of the balancer: what it shows now all came since. */
export const sinceLast = (last: number, now: number): number => (now >= last ? now - last : now);

/** Asks every balancer of the plan each second, and tells what came since the run began. A poll that fails is left out. */
export function watchTraffic(
  steps: readonly Step[],
  providerOf: ProviderOf,
  clock: Clock,
  emit: (event: EventBody) => void,
): TrafficWatch {
  const counting = balancersOf(steps, providerOf);
  const counters = new Map<string, Counter>();
  const ended = new AbortController();

  const poll = async (isLast: boolean): Promise<void> => {
    const never = new AbortController().signal;
    for (const [balancer, traffic] of counting) {
      const answer = await within(answerWithinMs, clock, isLast ? never : ended.signal, (signal) =>
        traffic(signal),
      );
      if (answer.ended !== 'value') continue;
      const pools = answer.value.map((now) => count(balancer, now));
      emit({ type: 'traffic', balancer, pools });
    }
  };
  const count = (balancer: Address, now: PoolTraffic): PoolTraffic => {
    const key = `${balancer} ${now.pool}`;
    const before = counters.get(key) ?? { last: now, requests: 0, failed: 0 };
    const counter = {
      last: now,
      requests: before.requests + sinceLast(before.last.requests, now.requests),
      failed: before.failed + sinceLast(before.last.failed, now.failed),
    };
    counters.set(key, counter);
    return { ...now, requests: counter.requests, failed: counter.failed };
  };
  const polling = (async () => {
    while (counting.size > 0 && !ended.signal.aborted) {
      await poll(false);
      await clock.sleep(everyMs, ended.signal);
    }
  })();

  return {
    async end() {
      ended.abort();
      await polling;
      await poll(true);
      if (counters.size === 0) return undefined;
      const all = [...counters.values()];
      return {
        requests: all.reduce((sum, counter) => sum + counter.requests, 0),
        failed: all.reduce((sum, counter) => sum + counter.failed, 0),
      };
    },
  };
}

type AskTraffic = (signal: AbortSignal) => Promise<readonly PoolTraffic[]>;

function balancersOf(steps: readonly Step[], providerOf: ProviderOf): ReadonlyMap<Address, AskTraffic> {
  const asks = new Map<Address, AskTraffic>();
  for (const { operation } of steps) {
    const balancer = balancerOf(operation);
    if (balancer === undefined || asks.has(balancer)) continue;
    const provider: Provider = providerOf(operation);
    if (provider.traffic === undefined) continue;
    asks.set(balancer, async (signal) => (await provider.traffic?.(balancer, signal)) ?? []);
  }
  return asks;
}

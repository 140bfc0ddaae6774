/** The balancers' own counters, from the beginning of a run to its end. */
import {
  type Address,
  balancerOf,
  type Clock,
  type EventBody,
  type Plan,
  type PoolCounters,
  type PoolTraffic,
  type Provider,
  type ProviderOf,
  type RequestCounts,
  type Step,
  type StepId,
} from '../model/index.ts';
import { within } from './within.ts';

const everyMs = 1_000;
const answerWithinMs = 2_000;

interface Counter {
  readonly last: RequestCounts;
  readonly requests: number;
  readonly failed: number;
}

export interface TrafficWatch {
  /** Polls a last time and gives the sums; undefined: no balancer counts. */
  end(): Promise<{ readonly requests: number; readonly failed: number } | undefined>;
  /** Asks no more. */
  stop(): void;
}

/** A counter that fell was reset by a restart of the balancer: what it shows now all came since. */
export const sinceLast = (last: number, now: number): number => (now >= last ? now - last : now);

/** Asks every balancer of the plan each second, and tells what came since the run began. A poll that fails is left out. */
export function watchTraffic(
  plan: Pick<Plan, 'steps'>,
  providerOf: ProviderOf,
  clock: Clock,
  isDone: (step: StepId) => boolean,
  emit: (event: EventBody) => void,
): TrafficWatch {
  const counting = balancersOf(plan.steps, providerOf);
  const sides = new SideSums(plan, isDone);
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
  const count = (balancer: Address, { members = [], ...now }: PoolCounters): PoolTraffic => {
    const key = `${balancer} ${now.pool}`;
    const before = counters.get(key) ?? { last: now, requests: 0, failed: 0 };
    const counter = {
      last: now,
      requests: before.requests + sinceLast(before.last.requests, now.requests),
      failed: before.failed + sinceLast(before.last.failed, now.failed),
    };
    counters.set(key, counter);
    return {
      ...now,
      requests: counter.requests,
      failed: counter.failed,
      ...sides.of(balancer, now.pool, members),
    };
  };
  const polling = (async () => {
    while (counting.size > 0 && !ended.signal.aborted) {
      await poll(false);
      await clock.sleep(everyMs, ended.signal);
    }
  })();

  return {
    stop: () => ended.abort(),
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

type AskTraffic = (signal: AbortSignal) => Promise<readonly PoolCounters[]>;

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

type Side = 'stable' | 'canary';

interface MemberCounter {
  readonly last: RequestCounts;
  readonly side: Side;
}

/**
 * The two releases of a slot that is renewed host by host are in one pool. A member counts for the canary from the first
 * look after it returned with the new release; what it answered between two looks at its change of sides counts for none.
 */
class SideSums {
  /** By pool: the step that returns each member; undefined: it had the new release from the beginning. */
  readonly #returns = new Map<string, ReadonlyMap<string, StepId>>();
  readonly #isDone: (step: StepId) => boolean;
  readonly #members = new Map<string, MemberCounter>();
  readonly #sums = new Map<string, RequestCounts>();

  constructor({ steps }: Pick<Plan, 'steps'>, isDone: (step: StepId) => boolean) {
    this.#isDone = isDone;
    const returning = steps.filter(
      ({ stage, operation }) =>
        stage !== undefined && operation.op === 'member.set' && operation.to === 'ready',
    );
    for (const { id, operation } of returning) {
      if (operation.op !== 'member.set') continue;
      const pool = `${operation.balancer} ${operation.pool}`;
      this.#returns.set(pool, new Map([...(this.#returns.get(pool) ?? []), [operation.member, id]]));
    }
  }

  /** Nothing where the pool has only one side, or the balancer does not count its members. */
  of(
    balancer: Address,
    pool: string,
    members: NonNullable<PoolCounters['members']>,
  ): Pick<PoolTraffic, 'sides'> {
    const key = `${balancer} ${pool}`;
    const returns = this.#returns.get(key);
    if (returns === undefined || members.length === 0) return {};
    const gained: Record<Side, RequestCounts[]> = { stable: [], canary: [] };
    for (const now of members) {
      const step = returns.get(now.member);
      const side = step === undefined || this.#isDone(step) ? 'canary' : 'stable';
      const name = `${key} ${now.member}`;
      const before = this.#members.get(name);
      this.#members.set(name, { last: now, side });
      if (before?.side !== side) continue;
      gained[side].push({
        ...now,
        requests: sinceLast(before.last.requests, now.requests),
        failed: sinceLast(before.last.failed, now.failed),
      });
    }
    return {
      sides: {
        stable: this.#add(`${key} stable`, gained.stable),
        canary: this.#add(`${key} canary`, gained.canary),
      },
    };
  }

  #add(key: string, gained: readonly RequestCounts[]): RequestCounts {
    const before = this.#sums.get(key) ?? { requests: 0, failed: 0 };
    const sum = {
      requests: gained.reduce((total, { requests }) => total + requests, before.requests),
      failed: gained.reduce((total, { failed }) => total + failed, before.failed),
    };
    this.#sums.set(key, sum);
    const meanMs = meanOf(gained);
    return meanMs === undefined ? sum : { ...sum, meanMs };
  }
}

/** Of several members: each counts as much as it has just answered. */
function meanOf(parts: readonly RequestCounts[]): number | undefined {
  const told = parts.filter(({ meanMs, requests }) => meanMs !== undefined && requests > 0);
  const requests = told.reduce((sum, each) => sum + each.requests, 0);
  if (requests === 0) return undefined;
  return told.reduce((sum, each) => sum + (each.meanMs ?? 0) * each.requests, 0) / requests;
}

/** Pools that follow a DNS record: which addresses every worker uses, and waiting until those are the wanted ones. */
import {
  type Context,
  type Operation,
  poolAddress,
  type ResolutionState,
  sameValue,
} from '../../model/index.ts';
import { refusal, stopIfAborted } from './failure.ts';
import { type BalancerParts, readAll } from './parts.ts';
import type { HostReading, WorkerReading } from './reading.ts';

type PoolResolve = Extract<Operation, { op: 'pool.resolve' }>;

const pollMs = 200;

interface Use {
  /** For people: `worker 4711 on lb-1`. */
  readonly worker: string;
  readonly endpoints: readonly string[];
  /** What keeps this worker from being done, as a clause each. */
  readonly waits: readonly string[];
}

/** undefined: the serving worker of some host has no such pool. */
export function resolutionState(pool: string, hosts: readonly HostReading[]): ResolutionState | undefined {
  const uses = usesOf(pool, [], hosts);
  const [first, ...rest] = uses ?? [];
  if (first === undefined) return undefined;
  return {
    endpoints: first.endpoints,
    disagreeing: rest
      .filter(({ endpoints }) => !sameValue(endpoints, first.endpoints))
      .map(({ worker, endpoints }) => ({ worker, endpoints })),
  };
}

function usesOf(
  pool: string,
  wanted: readonly string[],
  hosts: readonly HostReading[],
): readonly Use[] | undefined {
  if (hosts.some(({ workers: [serving] }) => !serving.pools.has(pool))) return undefined;
  return hosts.flatMap(({ host, workers }) =>
    // A generation that was loaded before there was such a pool sends nothing there.
    workers.filter((worker) => worker.pools.has(pool)).map((worker) => useOf(pool, wanted, host, worker)),
  );
}

function useOf(pool: string, wanted: readonly string[], host: string, worker: WorkerReading): Use {
  const members = [...(worker.pools.get(pool)?.members.values() ?? [])].filter(
    ({ admin, endpoint }) => admin !== 'maint' && endpoint !== undefined,
  );
  const endpoints = [...new Set(members.map(({ endpoint = '' }) => endpoint))].sort();
  const down = members.filter(({ up, endpoint = '' }) => !up && wanted.includes(endpoint));
  const idle = members.some(
    ({ keepsIdle, endpoint = '' }) => keepsIdle === true && wanted.includes(endpoint),
  );
  return {
    worker: `${worker.name} on ${host}`,
    endpoints,
    waits: [
      ...(sameValue(endpoints, wanted.toSorted())
        ? []
        : [`uses ${endpoints.length === 0 ? 'no address' : endpoints.join(' ')}`]),
      ...down.map(({ endpoint, check }) => `calls ${endpoint} down${check === '' ? '' : ` (${check})`}`),
      ...(idle ? ['keeps idle connections'] : []),
    ],
  };
}

/** Twice in a row: a resolver that still remembers the answer of before could be asked next. */
export async function resolvePool(parts: BalancerParts, operation: PoolResolve, cx: Context): Promise<void> {
  const { balancer, pool, endpoints, withinMs } = operation;
  const address = poolAddress(balancer, pool);
  const started = cx.clock.now();
  let seen = 0;
  for (;;) {
    const uses = usesOf(pool, endpoints, await readAll(parts, cx.signal));
    if (uses === undefined) {
      throw refusal({
        code: 'pool-missing',
        summary: 'The load balancer has no pool that follows the record',
        detail: `${balancer} does not know the pool ${JSON.stringify(pool)}.`,
        hint: `What its configuration must contain:  deployctl snippet ENV ${balancer}`,
        address,
      });
    }
    const late = uses.filter(({ waits }) => waits.length > 0);
    seen = late.length === 0 ? seen + 1 : 0;
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done: uses.length - late.length,
      total: uses.length,
      unit: 'passes',
      text: `${uses.length - late.length} of ${uses.length} workers use ${endpoints.join(' ')}`,
    });
    if (seen >= 2) return;
    const keeping = late.find(({ waits }) => waits.includes('keeps idle connections'));
    if (keeping !== undefined) throw keepsIdle(operation, keeping.worker);
    stopIfAborted(cx.signal, `waiting for ${balancer} to use what DNS says`);
    if (cx.clock.now() - started >= withinMs) {
      throw refusal({
        code: 'pool-not-resolved',
        summary: 'The load balancer does not use the new addresses',
        detail: `After ${withinMs / 1000} s ${late.length} of ${uses.length} workers of ${balancer} do not use ${endpoints.join(' ')} alone for the pool ${JSON.stringify(pool)}: ${late.map(({ worker, waits }) => `${worker} ${waits.join(' and ')}`).join('; ')}.`,
        hint: 'Compare the name servers of its resolvers section with the servers of the zone, and its hold times (`show resolvers` on its socket counts what they answer).',
        address,
      });
    }
    await cx.clock.sleep(pollMs, cx.signal);
  }
}

/**
 * A member that gets another address keeps its idle connections to the one before, and requests go on there for as long
 * as they come (HAProxy 2.6: 928 in 3 s under 300 a second, and cut when that side was stopped).
 */
export const keepsIdle = ({ balancer, pool }: Pick<PoolResolve, 'balancer' | 'pool'>, who: string) =>
  refusal({
    code: 'pool-keeps-idle-connections',
    summary: 'The load balancer would go on using connections to the old addresses',
    detail: `${who} keeps idle connections of the pool ${JSON.stringify(pool)} of ${balancer}: when a server of it gets another address, requests go on over those that lead to the one before.`,
    hint: `Set "pool-max-conn 0" for its servers, as this prints it, and reload:  deployctl snippet ENV ${balancer}`,
    address: poolAddress(balancer, pool),
  });

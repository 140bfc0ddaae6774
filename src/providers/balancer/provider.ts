/**
 * The provider of any load balancer: guards, order, verification and waiting are the same for all of them, and only
 * the driver differs. Hosts of a pair are told in their declared order.
 */
import {
  type Address,
  balancerConfigAddress,
  type Context,
  type Declared,
  type JudgedSide,
  type Looks,
  memberAddress,
  type Observed,
  type Operation,
  type Provider,
  ProviderFailure,
  poolAddress,
  type RecordedResource,
  routeAddress,
  type Standing,
} from '../../model/index.ts';
import { checkBalancer } from './check.ts';
import { configStanding, configState, readConfigs } from './config.ts';
import { TrafficCounter } from './counters.ts';
import { SideCounter } from './measure.ts';
import { memberStanding, memberState } from './member.ts';
import { missingMember, moveMember } from './move-member.ts';
import { moveRoute } from './move-route.ts';
import { observeBalancer } from './observe.ts';
import { type BalancerParts, readAll } from './parts.ts';
import type { HostReading } from './reading.ts';
import { resolutionState, resolvePool } from './resolution.ts';
import { isDiagnostic, isGone, routeStanding, routeState } from './route.ts';
import { drainPool, settlePool } from './wait.ts';

/** Makes a {@link Provider} of one balancer out of what differs between balancers. */
export function openBalancer(parts: BalancerParts): Provider {
  const { declared, driver, traits } = parts;
  const counter = new TrafficCounter();
  const sides = new SideCounter();

  return {
    name: declared.provider,
    traits,

    async observe(all: Declared, signal: AbortSignal): Promise<Observed> {
      const wanted = all.balancers.find(({ address }) => address === declared.address);
      return wanted === undefined
        ? { observations: [], notes: [] }
        : observeBalancer({ ...parts, declared: wanted }, signal);
    },

    async look(operation: Operation, cx: Context): Promise<Standing> {
      try {
        return await stand(parts, operation, cx.signal);
      } catch (error) {
        if (!(error instanceof ProviderFailure)) throw error;
        return { at: 'unknown', why: error.diagnostic };
      }
    },

    async perform(operation: Operation, cx: Context, looks?: Looks): Promise<void> {
      switch (operation.op) {
        case 'route.set': {
          const hosts = await moveRoute(parts, operation, cx);
          // It ends with a look at every worker and every file, which need not be repeated.
          looks?.after([routeSeen(parts, operation, hosts)]);
          return;
        }
        case 'member.set':
          return moveMember(parts, operation, cx);
        case 'pool.drain':
          return drainPool(parts, operation, cx);
        case 'pool.settle':
          return settlePool(parts, operation, cx);
        case 'pool.resolve':
          return resolvePool(parts, operation, cx);
        case 'balancer.configure':
          for (const host of declared.hosts) {
            await driver.locked(host, cx, () => driver.configure(host, operation.from, operation.to, cx));
          }
          return;
        default:
          return notOurs(operation);
      }
    },

    async seen(operation: Operation, cx: Context): Promise<readonly RecordedResource[]> {
      switch (operation.op) {
        case 'route.set':
          return [routeSeen(parts, operation, await readAll(parts, cx.signal))];
        case 'member.set': {
          const { pool, member } = operation;
          const spec = memberState(pool, member, await readAll(parts, cx.signal)) ?? null;
          return [{ kind: 'member', address: memberAddress(declared.address, pool, member), spec }];
        }
        case 'balancer.configure': {
          const spec = (await configState(parts, cx.signal)) ?? null;
          return [{ kind: 'balancer_config', address: balancerConfigAddress(declared.address), spec }];
        }
        case 'pool.resolve': {
          const spec = resolutionState(operation.pool, await readAll(parts, cx.signal)) ?? null;
          return [{ kind: 'resolution', address: poolAddress(declared.address, operation.pool), spec }];
        }
        case 'pool.drain':
        case 'pool.settle':
          return [];
        default:
          return notOurs(operation);
      }
    },

    async check(all: Declared, signal: AbortSignal) {
      const wanted = all.balancers.find(({ address }) => address === declared.address);
      return wanted === undefined ? [] : checkBalancer({ ...parts, declared: wanted }, signal);
    },

    ...(traits.countsRequests
      ? {
          async traffic(_balancer: Address, signal: AbortSignal) {
            return counter.count(
              await readAll(parts, signal),
              declared.pools.map(({ name }) => name),
            );
          },
        }
      : {}),

    async measure(_balancer: Address, side: JudgedSide, signal: AbortSignal) {
      return sides.count(await readAll(parts, signal), side, declared);
    },

    async [Symbol.asyncDispose](): Promise<void> {
      // Channels belong to whoever opened them, and nothing else stays open between two calls.
    },
  };
}

function routeSeen(
  { declared }: BalancerParts,
  { route }: Extract<Operation, { op: 'route.set' }>,
  hosts: readonly HostReading[],
): RecordedResource {
  const state = routeState(declared.address, route, hosts);
  if (isDiagnostic(state)) throw new ProviderFailure(state, 'none');
  const address = routeAddress(declared.address, route);
  return { kind: 'route', address, spec: isGone(state) ? null : state };
}

function notOurs(operation: Operation): never {
  throw new Error(`${operation.op} was given to the provider of a load balancer`);
}

async function stand(parts: BalancerParts, operation: Operation, signal: AbortSignal): Promise<Standing> {
  switch (operation.op) {
    case 'route.set':
      return routeStanding(operation, await readAll(parts, signal));
    case 'member.set':
      return (
        memberStanding(operation, await readAll(parts, signal)) ?? {
          at: 'unknown',
          why: missingMember(operation).diagnostic,
        }
      );
    case 'balancer.configure':
      return configStanding(operation, await readConfigs(parts, await readAll(parts, signal), signal));
    case 'pool.drain':
    case 'pool.settle':
    case 'pool.resolve':
      return { at: 'before' };
    default:
      return notOurs(operation);
  }
}

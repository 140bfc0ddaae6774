/**
 * Whether pools can bear the requests that a move of a route sends them: asked under the lock before anything is written,
 * and once more when it is, because a service may die in between.
 */
import { type Operation, poolsServedBy, type RouteValue, routeAddress } from '../../model/index.ts';
import { mishap, refusal } from './failure.ts';
import {
  describeRoute,
  type HostReading,
  isReadable,
  type MemberReading,
  type PoolReading,
} from './reading.ts';

type RouteSet = Extract<Operation, { op: 'route.set' }>;

/** Pools must exist on every host; those that get more requests must have members that take them. */
export function refuseBadTarget(operation: RouteSet, hosts: readonly HostReading[]): void {
  const { balancer, route, to } = operation;
  const address = routeAddress(balancer, route);
  for (const { host, workers } of hosts) {
    const { pools } = workers[0];
    for (const pool of new Set(to === null ? [] : [to.stable, to.canary])) {
      if (pools.has(pool)) continue;
      throw refusal({
        code: 'balancer-pool-missing',
        summary: 'The balancer has no such pool',
        detail: `The running configuration on ${host} has no pool ${JSON.stringify(pool)}; it has ${listPools(pools.keys())}. Requests sent there would be answered with 503, so the route was not touched.`,
        hint: `See what the configuration must contain:  deployctl snippet ENV ${balancer}`,
        address,
      });
    }
  }
  for (const { host, pool, least, counted, members } of wantsOf(operation, hosts)) {
    if (!members.some(([, member]) => takesRequests(member))) {
      throw refusal({
        code: 'balancer-pool-down',
        summary: 'The pool has no member that takes requests',
        detail: `On ${host}, no member of ${JSON.stringify(pool)} is up and ready: ${describeMembers(members)}. Requests sent there would be answered with 503, so the route was not touched.`,
        hint: "Compare the balancer's own health check with what the service answers.",
        address,
      });
    }
    // Who is counted on has passed its last check; where nobody is, one that the balancer calls up will do.
    const missing = members.filter(([, member]) => !(takesRequests(member) && member.settled));
    if (!counted || members.length - missing.length >= least) continue;
    throw refusal({
      code: 'balancer-pool-short',
      summary: 'Too few members of the pool take requests',
      detail: `On ${host}, ${members.length - missing.length} of ${members.length} members of ${JSON.stringify(pool)} take requests, and ${least} must before it gets them: ${describeMembers(missing)}. The route was not touched.`,
      hint: 'They were up a moment ago: the log of the service there says what happened. Fewer are enough where min_in_service says so.',
      address,
    });
  }
}

/**
 * What the pools have lost since `before` was read: undefined while they can bear what they were sent. Only what the
 * balancer itself calls down counts: a single check that failed is for the gates that follow.
 */
export function refuseLostTarget(
  operation: RouteSet,
  before: readonly HostReading[],
  now: readonly HostReading[],
): void {
  const { balancer, route, to } = operation;
  for (const { host, pool, least } of wantsOf(operation, before)) {
    const members = membersOf(now.find((each) => each.host === host)?.workers[0].pools.get(pool));
    const lost = members.filter(([, member]) => !takesRequests(member));
    const left = members.length - lost.length;
    if (left >= least) continue;
    throw mishap({
      code: 'balancer-pool-lost',
      summary: 'The pool lost members while it got the requests',
      detail: `${routeAddress(balancer, route)} is ${describeRoute(to)} now. On ${host}, ${left} of ${members.length} members of ${JSON.stringify(pool)} take requests since then, and ${least} must: ${describeMembers(lost)}.`,
      hint: 'They were up just before: the log of the service there says what happened.',
      address: routeAddress(balancer, route),
    });
  }
}

interface Want {
  readonly host: string;
  readonly pool: string;
  readonly least: number;
  /** The plan counts on so many; else it is only that somebody must be there. */
  readonly counted: boolean;
  readonly members: readonly (readonly [string, MemberReading])[];
}

/** What each pool that gets more requests than it has must have of members, on each host. */
function wantsOf({ route, to, bearing }: RouteSet, hosts: readonly HostReading[]): readonly Want[] {
  return hosts.flatMap(({ host, workers: [serving] }) => {
    const cell = serving.routes?.get(route);
    const held = cell !== undefined && isReadable(cell) ? cell : null;
    return [...poolsServedBy(to)].flatMap((pool): readonly Want[] => {
      const own = bearing?.pool === pool && partOf(pool, to) > partOf(pool, held) ? bearing.least : 0;
      const least = Math.max(own, poolsServedBy(held).has(pool) ? 0 : 1);
      const members = membersOf(serving.pools.get(pool));
      return least === 0 ? [] : [{ host, pool, least, counted: own > 0, members }];
    });
  });
}

/** How much of the requests a pool gets, in basis points; an audience is less than any share. */
function partOf(pool: string, value: RouteValue | null): number {
  if (value === null) return 0;
  const { stable, canary, canaryBasisPoints, audience } = value;
  return (
    (stable === pool ? 10_000 - canaryBasisPoints : 0) +
    (canary === pool ? canaryBasisPoints + (audience === undefined ? 0 : 0.5) : 0)
  );
}

const membersOf = (pool: PoolReading | undefined): Want['members'] => [...(pool?.members ?? [])];

const takesRequests = ({ up, admin }: MemberReading): boolean => up && admin === 'ready';

const describeMembers = (members: Want['members']): string =>
  members
    .map(([name, { admin, up, settled, check }]) => {
      const health = settled ? 'up' : up ? 'up, but failed its last check' : 'down';
      return `${name} is ${admin}, ${health}${settled || check === '' ? '' : ` (${check})`}`;
    })
    .join('; ') || 'it has none';

const listPools = (names: Iterable<string>): string =>
  [...names].map((name) => JSON.stringify(name)).join(', ') || 'none';

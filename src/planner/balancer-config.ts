/**
 * The pools that deployctl writes itself, where a balancer has a `config_file`.
 *
 * A pool that has requests must not change under them: a member that is new has nothing running yet, one that moved to
 * another port is not listening there yet, one whose slot is no longer declared still has them. So the file is written
 * twice where that matters: first with those pools as they were, and as declared once everything behind them is done.
 */
import {
  type Address,
  type BalancerDeclared,
  balancerConfigAddress,
  type Change,
  type Declared,
  type Deployment,
  type Diagnostic,
  memberAddress,
  newestTold,
  type PoolDeclared,
  poolsServedBy,
  routeAddress,
  type ServiceDeclared,
  type Step,
  type StepId,
  sameValue,
} from '../model/index.ts';
import type { Rollout } from '../strategies/strategy.ts';
import { lastOf } from './order.ts';
import { balancersOf, type World } from './situate.ts';

const servicesBehind = ({ routes, resolved = [] }: BalancerDeclared): readonly Address[] => [
  ...new Set([...routes.map(({ service }) => service), ...resolved.map(({ record }) => record.service)]),
];

export interface ConfiguredPools {
  readonly changes: readonly Change[];
  /** Before the services' own steps. */
  readonly steps: readonly Step[];
  readonly held: readonly Diagnostic[];
  /** Balancers whose file this plan writes. */
  readonly written: ReadonlySet<Address>;
  /** What is written when the services are done. */
  readonly later: readonly LaterPools[];
}

interface LaterPools {
  readonly balancer: BalancerDeclared;
  /** Pools with requests, as they are until then. */
  readonly kept: readonly PoolDeclared[];
  /** What the file says now, while the services' steps run, and in the end. */
  readonly before: string;
  readonly meanwhile: string;
  readonly text: string;
  /** The step that writes `meanwhile`; undefined: the file says that already. */
  readonly first: Step | undefined;
}

export const noPools: ConfiguredPools = { changes: [], steps: [], held: [], written: new Set(), later: [] };

export interface PoolsInput {
  readonly declared: Declared;
  /** Those that are planned for. */
  readonly services: readonly ServiceDeclared[];
  readonly world: World;
  /** Newest last: what the hosts hold is the text of one of them, unless a run was cut off or somebody edited it. */
  readonly deployments: readonly Deployment[];
  /** The text of a balancer's config_file, as its provider renders it; undefined: it has none. Pure. */
  readonly renderConfig: (balancer: BalancerDeclared) => string | undefined;
  readonly estimate: (verb: string) => number;
}

export function configurePools(input: PoolsInput): ConfiguredPools {
  const { declared, services, world, renderConfig } = input;
  const changes: Change[] = [];
  const steps: Step[] = [];
  const held: Diagnostic[] = [];
  const written = new Set<Address>();
  const later: LaterPools[] = [];
  for (const balancer of declared.balancers) {
    const text = renderConfig(balancer);
    const isAsked = services.some((service) => balancersOf(service).includes(balancer.address));
    if (text === undefined || !isAsked) continue;
    const address = balancerConfigAddress(balancer.address);
    const seen = world.at('balancer_config', address);
    if (seen.status === 'unknown') {
      held.push(seen.why);
      continue;
    }
    const before = seen.status === 'present' ? seen.spec : undefined;
    if (before?.text === text && before.loaded) continue;
    written.add(balancer.address);
    changes.push({
      action: before === undefined ? 'create' : 'update',
      address,
      because:
        before?.text === text
          ? 'the running proxy was not loaded with it'
          : `the pools of ${servicesBehind(balancer).join(', ')} are declared so`,
      origin: balancer.origin,
      before: before === undefined ? null : { text: before.text, loaded: before.loaded },
      after: { text, loaded: true },
    });
    const kept = before === undefined ? [] : poolsToKeep(balancer, before.text, input);
    const meanwhile = kept.length === 0 ? text : (renderConfig(withPools(balancer, kept)) ?? text);
    const first =
      before?.text === meanwhile && before.loaded
        ? undefined
        : configure(balancer, '', 'its pools', before?.text ?? null, meanwhile, [], input.estimate);
    if (first !== undefined) steps.push(first);
    if (before !== undefined && meanwhile !== text)
      later.push({ balancer, kept, before: before.text, meanwhile, text, first });
  }
  return { changes, steps, held, written, later };
}

/** All steps for the pools: those before the services' own, and after them the pools that had requests, as declared. */
export function completePools(
  { steps, later }: ConfiguredPools,
  rollouts: readonly Rollout[],
  { declared, world, estimate }: PoolsInput,
): { readonly steps: readonly Step[]; readonly held: readonly Diagnostic[] } {
  const stepsBehind = (balancer: BalancerDeclared): readonly Step[] => {
    const behind = new Set(servicesBehind(balancer));
    return rollouts
      .flatMap((each) => each.steps)
      .filter(({ service }) => service !== undefined && behind.has(service));
  };
  // Where no service has anything to do there is nothing to wait for: once is enough.
  const atOnce = later.filter(({ balancer }) => stepsBehind(balancer).length === 0);
  return {
    steps: [
      ...steps.filter((step) => !atOnce.some(({ first }) => first === step)),
      ...later.map(({ balancer, kept, before, meanwhile, text, first }) => {
        const own = stepsBehind(balancer);
        if (own.length === 0) return configure(balancer, '', 'its pools', before, text, [], estimate);
        const needs = [...lastOf(own), ...(first === undefined ? [] : [first.id])];
        return configure(
          balancer,
          '/rest',
          kept.some(({ name }) => !declares(balancer, name))
            ? 'its pools as declared'
            : 'the members that are ready now',
          meanwhile,
          text,
          needs,
          estimate,
        );
      }),
    ],
    held: later.flatMap(({ balancer, kept }) => {
      const served = servedPools(balancer, world, stepsBehind(balancer));
      return kept
        .filter(({ name }) => served.has(name))
        .flatMap((pool) =>
          declares(balancer, pool.name)
            ? movedUnderRequests(balancer, pool, declared)
            : [goneUnderRequests(balancer, pool.name)],
        );
    }),
  };
}

/** A file that none of so many has written is somebody else's. */
const deploymentsLookedAt = 100;

/** Pools with requests that would change under them, as they are now. */
function poolsToKeep(
  balancer: BalancerDeclared,
  text: string,
  { world, deployments, renderConfig }: PoolsInput,
): readonly PoolDeclared[] {
  const earlier = newestTold(deployments.slice(-deploymentsLookedAt), ({ balancers }) =>
    balancers.find((each) => each.address === balancer.address && renderConfig(each) === text),
  );
  const served = servedPools(balancer, world, []);
  const changed = balancer.pools.flatMap((pool) => {
    if (!served.has(pool.name)) return [];
    const was = earlier?.pools.find(({ name }) => name === pool.name) ?? asSeen(balancer, pool, world);
    return sameValue(was, pool) ? [] : [was];
  });
  const gone = earlier?.pools.filter(({ name }) => served.has(name) && !declares(balancer, name)) ?? [];
  return [...changed, ...gone];
}

const declares = ({ pools }: BalancerDeclared, pool: string): boolean =>
  pools.some(({ name }) => name === pool);

/** Where no record tells what the file says: the declared members that the balancer knows. */
const asSeen = (balancer: BalancerDeclared, pool: PoolDeclared, world: World): PoolDeclared => ({
  ...pool,
  members: pool.members.filter(
    ({ name }) => world.at('member', memberAddress(balancer.address, pool.name, name)).status === 'present',
  ),
});

const withPools = (balancer: BalancerDeclared, kept: readonly PoolDeclared[]): BalancerDeclared => ({
  ...balancer,
  pools: [
    ...balancer.pools.map((pool) => kept.find(({ name }) => name === pool.name) ?? pool),
    ...kept.filter(({ name }) => !declares(balancer, name)),
  ],
});

/** Pools that get requests when these steps are done. */
function servedPools(balancer: BalancerDeclared, world: World, steps: readonly Step[]): ReadonlySet<string> {
  const served = new Set<string>();
  for (const { route } of balancer.routes) {
    const last = steps.findLast(
      ({ operation }) =>
        operation.op === 'route.set' && operation.balancer === balancer.address && operation.route === route,
    );
    const seen = world.at('route', routeAddress(balancer.address, route));
    const observed = seen.status === 'present' ? (seen.spec.runtime ?? seen.spec.persisted) : null;
    const value = last?.operation.op === 'route.set' ? last.operation.to : observed;
    for (const pool of poolsServedBy(value)) served.add(pool);
  }
  return served;
}

/** No order of steps makes this safe: the balancer and the processes would have to change in one moment. */
function movedUnderRequests(
  balancer: BalancerDeclared,
  was: PoolDeclared,
  { services }: Declared,
): readonly Diagnostic[] {
  const pool = balancer.pools.find(({ name }) => name === was.name);
  const moved = was.members.flatMap((member) => {
    const now = pool?.members.find(({ name }) => name === member.name);
    return now === undefined || sameValue(now, member)
      ? []
      : [`${member.name} from ${member.address}:${member.port} to ${now.address}:${now.port}`];
  });
  if (moved.length === 0) return [];
  const service = services.find(({ address }) => address === was.service);
  return [
    {
      code: 'member-moves-under-traffic',
      severity: 'error',
      summary: 'Members of a pool that keeps its traffic cannot move',
      detail: `In pool ${was.name} of ${balancer.address}, which has requests and keeps them, ${moved.join(', ')}: the balancer would ask where nothing listens yet.`,
      hint:
        (service?.slots.length ?? 0) > 1
          ? 'Change the other slot first and deploy to it; when the traffic is there, change this one.'
          : 'Give the service a second slot with the new port and strategy "blue_green": traffic moves there in one switch.',
      subject: service?.origin ?? balancer.origin,
      address: was.service,
    },
  ];
}

/** Requests would be sent to a pool that the file no longer has. */
const goneUnderRequests = (balancer: BalancerDeclared, pool: string): Diagnostic => ({
  code: 'pool-gone-under-traffic',
  severity: 'error',
  summary: 'A pool that has the traffic is no longer declared',
  detail: `A route of ${balancer.address} sends its requests to ${pool}, which no slot declares any more, and this plan moves them nowhere else.`,
  hint: 'Declare the slot again, deploy to the other one, and take it out then.',
  subject: balancer.origin,
  address: balancer.address,
});

function configure(
  balancer: BalancerDeclared,
  suffix: string,
  what: string,
  from: string | null,
  to: string,
  needs: readonly StepId[],
  estimate: (verb: string) => number,
): Step {
  const title = `${balancer.name}: ${what}, by a reload`;
  const operation = { op: 'balancer.configure', balancer: balancer.address } as const;
  return {
    id: `${balancer.name}/configure${suffix}` as StepId,
    needs,
    service: undefined,
    address: balancerConfigAddress(balancer.address),
    phase: { key: `configure|${balancer.name}${suffix}`, verb: 'configure', title },
    summary: `configure ${title}`,
    operation: { ...operation, from, to },
    inverse: {
      kind: 'operation',
      operation: { ...operation, from: to, to: from },
      summary: from === null ? 'remove the file, reload' : 'the file as it was, reload',
    },
    gate: 'the proxy accepts it, and runs with it',
    estimateSeconds: estimate('configure'),
  };
}

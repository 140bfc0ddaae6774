/** Puts together, for each service, what its strategy has to know. */
import {
  type Address,
  type Declared,
  type Deployment,
  type Instant,
  type Intent,
  instanceAddress,
  inventoryAddress,
  type Kind,
  memberAddress,
  type NameTraffic,
  newestTold,
  type Observation,
  type Observed,
  type PolicyDeclared,
  poolAddress,
  type Recorded,
  releaseDirectory,
  routeAddress,
  type ServiceDeclared,
} from '../model/index.ts';
import type { NameSituation, Situation } from '../strategies/situation.ts';
import { replacedSets, stillRemembered } from './recorded-names.ts';

/** Observations by address and kind. What nobody looked at is unknown, never absent. */
export class World {
  readonly #byKey: ReadonlyMap<string, Observation>;

  constructor(observed: Observed) {
    this.#byKey = new Map(observed.observations.map((each) => [`${each.kind} ${each.address}`, each]));
  }

  at<K extends Kind>(kind: K, address: Address): Observation<K> {
    const seen = this.#byKey.get(`${kind} ${address}`) as Observation<K> | undefined;
    return seen ?? notLookedAt(kind, address);
  }

  get all(): readonly Observation[] {
    return [...this.#byKey.values()];
  }
}

function notLookedAt<K extends Kind>(kind: K, address: Address): Observation<K> {
  return {
    status: 'unknown',
    kind,
    address,
    why: {
      code: 'not-looked-at',
      severity: 'error',
      summary: 'Nobody looked at it',
      detail: `${address} was not looked at, so nothing can be said of it.`,
      address,
    },
  } as Observation<K>;
}

export interface Surroundings {
  readonly declared: Declared;
  readonly world: World;
  readonly recorded: Pick<Recorded, 'resources' | 'deployments'>;
  /** undefined: nobody is going to wait, as where only the status is asked for. */
  readonly now?: Instant;
  readonly intent: Intent;
  /** Balancers whose pools this plan writes. */
  readonly writtenPools: ReadonlySet<Address>;
  readonly estimate: (verb: string) => number;
  /** Instances that the plan goes on without, by the name of their slot; default: none. */
  readonly away?: Situation['away'];
}

export function situate(service: ServiceDeclared, surroundings: Surroundings): Situation {
  const { declared, world, intent, estimate } = surroundings;
  const traffic = service.traffic.find((each) => each.kind === 'load_balancer');
  const named = service.traffic.find((each) => each.kind === 'dns');
  const balancer = declared.balancers.find((each) => each.address === traffic?.balancer);
  return {
    service,
    folder: declared.folder,
    intent,
    traffic,
    balancer,
    name: named === undefined ? undefined : situateName(named, surroundings),
    writesPools: balancersOf(service).some((each) => surroundings.writtenPools.has(each)),
    instance: (instance) =>
      world.at('instance', instanceAddress(service.address, instance.slot, instance.host)),
    inventory: (host) => world.at('inventory', inventoryAddress(service.address, host)),
    zoneOf: (host) => declared.hosts.find((each) => each.name === host)?.labels.zone,
    route:
      balancer === undefined || traffic === undefined
        ? undefined
        : world.at('route', routeAddress(balancer.address, traffic.route)),
    member: (pool, host) =>
      balancer === undefined ? undefined : world.at('member', memberAddress(balancer.address, pool, host)),
    floorPercent: declaredFloor(declared.policy),
    neededReleases: neededReleases(service, surroundings.recorded.deployments),
    estimate,
    away: surroundings.away ?? new Map(),
  };
}

function situateName(
  traffic: NameTraffic,
  { declared, world, recorded, now }: Surroundings,
): NameSituation | undefined {
  const zone = declared.zones.find((each) => each.address === traffic.zone);
  if (zone === undefined) return undefined;
  const { resolvedBy } = traffic;
  const record = world.at('record', traffic.record.address);
  return {
    traffic,
    zone,
    record,
    replaced: replacedSets(traffic, record, recorded),
    remembered: now === undefined ? [] : stillRemembered(traffic, zone, record, recorded, now),
    resolution:
      resolvedBy === undefined
        ? undefined
        : world.at('resolution', poolAddress(resolvedBy.balancer, resolvedBy.pool)),
  };
}

/** Load balancers that a service's requests come by: those with a route of it, and those that follow its name. */
export const balancersOf = ({ traffic }: ServiceDeclared): readonly Address[] =>
  traffic.flatMap((each) => (each.kind === 'dns' ? (each.resolvedBy?.balancer ?? []) : each.balancer));

const declaredFloor = (policy: PolicyDeclared): number | undefined =>
  policy.minInServicePercent === 0 ? undefined : policy.minInServicePercent;

/** A service that others are deployed around for so long keeps its earlier release by `keep` alone. */
const deploymentsLookedAt = 100;

/** What the newest deployment of another release ran: a revert goes there. */
function neededReleases(service: ServiceDeclared, deployments: readonly Deployment[]): ReadonlySet<string> {
  const wanted = releaseDirectory(service.release);
  const earlier = newestTold(deployments.slice(-deploymentsLookedAt), ({ services }) =>
    services
      .filter(({ address }) => address === service.address)
      .map(({ release }) => releaseDirectory(release))
      .find((directory) => directory !== wanted),
  );
  return new Set(earlier === undefined ? [wanted] : [wanted, earlier]);
}

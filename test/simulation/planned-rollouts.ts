/** Runs as the planner makes them, each from one seed: canary, rolling, in place and blue-green, with zones and by DNS. */
import {
  type AnalysisDeclared,
  asAddress,
  type Declared,
  type NameTraffic,
  type Observation,
  type Plan,
  recordAddress,
  type ServiceDeclared,
} from '../../src/model/index.ts';
import { planOf } from '../rig/planning.ts';
import type { Random } from '../rig/random.ts';
import type { Cells } from '../rig/world.ts';
import { at, now } from '../rig/worlds.ts';
import { worldOf } from './worlds-of-plans.ts';

export interface PlannedRollout {
  readonly plan: Plan;
  readonly service: ServiceDeclared;
  readonly observations: readonly Observation[];
}

const zone = asAddress('dns_zone.internal');

/** A plan that has something to do; the world that it was made for goes with it. */
export function plannedRollout(random: Random): PlannedRollout {
  for (;;) {
    const world = worldOf(random);
    const isNamed = world.service.slots.length === 2 && random.chance(0.3);
    const named = isNamed ? byName(world.service, random.chance(0.5)) : world.service;
    const calm = random.chance(0.4) ? judged(unhurried(named)) : unhurried(named);
    const observations = isNamed ? namedAs(world.observations, calm) : world.observations;
    const declared: Declared = {
      ...world.declared,
      services: [calm],
      ...(isNamed ? { zones: [zoneOf(calm)] } : {}),
    };
    const plan = planOf({ declared, observations });
    const isHeld = plan.held.some(({ severity }) => severity === 'error');
    if (!isHeld && plan.steps.length > 0)
      return { plan: { ...plan, lineage: '' }, service: calm, observations };
  }
}

/** Checks that are made now and then: a bake of minutes is not to be a thousand of them. */
const unhurried = (service: ServiceDeclared): ServiceDeclared => ({
  ...service,
  slots: service.slots.map((slot) => ({
    ...slot,
    instances: slot.instances.map((instance) => ({
      ...instance,
      health: instance.health && { ...instance.health, intervalMs: 10_000, deadlineMs: 40_000 },
    })),
  })),
});

const judged = (service: ServiceDeclared): ServiceDeclared =>
  service.strategy.kind === 'canary' ? { ...service, strategy: { ...service.strategy, analysis } } : service;

const analysis: readonly AnalysisDeclared[] = [
  {
    kind: 'load_balancer',
    name: 'load_balancer',
    intervalMs: 20_000,
    failures: 1,
    dryRun: false,
    deadlineMs: 60_000,
    inconclusive: 'pause',
    confidence: 0.95,
    maxErrorRate: 0.01,
    maxLatencyRatio: undefined,
    minRequests: 100,
    origin: at(40),
  },
];

/** Two slots on addresses of their own, found by a record: alone, or with a balancer in front of them. */
function byName(service: ServiceDeclared, isBalancedToo: boolean): ServiceDeclared {
  const record = {
    address: recordAddress(zone, service.name, 'A'),
    name: `${service.name}.internal.test.`,
    type: 'A' as const,
    service: service.address,
  };
  const named: NameTraffic = {
    kind: 'dns',
    zone,
    record,
    ttlSeconds: 60,
    switchTtlSeconds: 5,
    values: Object.fromEntries(service.slots.map(({ name }, index) => [name, [`10.0.${index + 1}.1`]])),
    origin: at(26),
  };
  const strategy =
    service.strategy.kind === 'canary' && !isBalancedToo
      ? { ...service.strategy, steps: [] }
      : service.strategy;
  return { ...service, strategy, traffic: isBalancedToo ? [...service.traffic, named] : [named] };
}

const zoneOf = ({ traffic }: ServiceDeclared): Declared['zones'][number] => ({
  address: zone,
  name: 'internal',
  provider: 'rfc2136',
  zone: 'internal.test.',
  primary: { host: '10.0.0.53', port: 53 },
  servers: [{ host: '10.0.0.53', port: 53 }],
  quorum: 1,
  convergeMs: 30_000,
  resolverMinTtlSeconds: 0,
  strict: false,
  records: traffic.flatMap((each) => (each.kind === 'dns' ? [each.record] : [])),
  origin: at(5),
});

/** The record leads to where the route does. */
function namedAs(
  observations: readonly Observation[],
  { traffic, slots, name }: ServiceDeclared,
): readonly Observation[] {
  const named = traffic.find((each) => each.kind === 'dns');
  if (named === undefined) return observations;
  const route = observations.find((each) => each.kind === 'route');
  const stable =
    route?.status === 'present' && route.kind === 'route' ? route.spec.runtime?.stable : undefined;
  const active = slots.find((slot) => `${name}_${slot.name}` === stable)?.name;
  const rrset =
    active === undefined ? null : { ttlSeconds: named.ttlSeconds, values: named.values[active] ?? [] };
  const spec = { rrset, besides: [], delegation: null, negativeTtlSeconds: 60, zoneSerial: 1, behind: [] };
  return [
    ...observations,
    { status: 'present', kind: 'record', address: named.record.address, spec, at: now },
  ];
}

/** Puts the world where it was seen, all of it and not only what the plan touches. */
export function standAsSeen(cells: Cells, { service, observations }: PlannedRollout): void {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value ?? null));
  for (const each of observations) {
    if (each.status !== 'present') continue;
    const { address } = each;
    switch (each.kind) {
      case 'instance':
        cells.set(`link ${address}`, each.spec.linked);
        cells.set(`unit ${address}`, plain(each.spec.running));
        cells.set(`process ${address}`, plain(each.spec.running));
        break;
      case 'member': {
        const [, balancer, pool, member] = /^(.*)\.pool\["(.*)"\]\.member\["(.*)"\]$/.exec(address) ?? [];
        cells.set(`member ${balancer} ${pool} ${member}`, each.spec.admin);
        break;
      }
      case 'inventory': {
        const host = /host\["(.*)"\]$/.exec(address)?.[1];
        for (const { directory } of each.spec.releases) {
          cells.set(`release ${service.address} ${host} ${directory}`, true);
        }
        break;
      }
      case 'route':
        for (const place of ['persisted', 'runtime'] as const) {
          cells.set(`route load_balancer.edge ${service.name} ${place}`, plain(each.spec[place]));
        }
        break;
      case 'record':
        cells.set(`record ${address}`, plain(each.spec.rrset));
        break;
      default:
    }
  }
}

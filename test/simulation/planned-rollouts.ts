/** Runs as the planner makes them, each from one seed: canary, rolling, in place and blue-green, with zones and by DNS. */
import {
  type AnalysisDeclared,
  asAddress,
  type Declared,
  type NameTraffic,
  type Observation,
  type Plan,
  type Recorded,
  type RecordSet,
  recordAddress,
  type ServiceDeclared,
  sameValue,
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
  /** What each slot has in DNS, by records of any type. */
  readonly slotValues: Readonly<Record<string, readonly string[]>>;
  /** Answers that resolvers remember from before the plan. */
  readonly remembered: readonly RecordSet[];
}

const zone = asAddress('dns_zone.internal');

/** A plan that has something to do; the world that it was made for goes with it. */
export function plannedRollout(random: Random): PlannedRollout {
  for (;;) {
    const world = worldOf(random);
    const isNamed = world.service.slots.length === 2 && random.chance(0.3);
    const named = isNamed ? byName(world.service, random.chance(0.5)) : world.service;
    const calm = random.chance(0.4) ? judged(unhurried(named)) : unhurried(named);
    const seen = isNamed ? namedAs(world.observations, calm) : world.observations;
    const past = isNamed ? pastOf(random.pick(pasts), calm, seen) : { ...noPast, service: calm, seen };
    const { service, remembered } = past;
    const declared: Declared = {
      ...world.declared,
      services: [service],
      ...(isNamed ? { zones: [zoneOf(service)] } : {}),
    };
    const plan = planOf({ declared, observations: past.seen, recorded: past.recorded });
    const isHeld = plan.held.some(({ severity }) => severity === 'error');
    if (!isHeld && plan.steps.length > 0) {
      const slotValues = Object.fromEntries(
        service.slots.map(({ name }, index) => [name, valuesOf(name, index)]),
      );
      return {
        plan: { ...plan, lineage: '' },
        service,
        observations: past.seen,
        slotValues,
        remembered,
      };
    }
  }
}

const addressesOf = (index: number) => ({ A: [`10.0.${index + 1}.1`], AAAA: [`2001:db8::${index + 1}`] });
const targetOf = (slot: string): string => `${slot}.internal.test.`;
const valuesOf = (slot: string, index: number): readonly string[] => [
  ...Object.values(addressesOf(index)).flat(),
  targetOf(slot),
];

/** What a record has behind it: nothing, addresses that a CNAME is to replace, or a switch that somebody has just made. */
const pasts = ['quiet', 'quiet', 'addresses', 'switched'] as const;

interface Past {
  readonly service: ServiceDeclared;
  readonly seen: readonly Observation[];
  readonly recorded: Partial<Recorded>;
  readonly remembered: readonly RecordSet[];
}

const noPast = { recorded: {}, remembered: [] };

function pastOf(kind: (typeof pasts)[number], service: ServiceDeclared, seen: readonly Observation[]): Past {
  const named = service.traffic.find((each) => each.kind === 'dns');
  const found = seen.find((each) => each.kind === 'record');
  if (named === undefined || found?.status !== 'present' || found.kind !== 'record' || kind === 'quiet')
    return { ...noPast, service, seen };
  const { rrset } = found.spec;
  const active = service.slots.findIndex(({ name }) => sameValue(named.values[name], rrset?.values));
  const rest = seen.filter((each) => each !== found);
  if (rrset === null) return { ...noPast, service, seen };
  if (kind === 'switched') {
    const before = { ...rrset, values: addressesOf(1 - active).A };
    const resource = {
      kind: 'record',
      address: found.address,
      spec: { ...found.spec, rrset: before },
    } as const;
    return { service, seen, recorded: { resources: [resource] }, remembered: [before] };
  }
  const alias: NameTraffic = {
    ...named,
    record: { ...named.record, address: recordAddress(zone, service.name, 'CNAME'), type: 'CNAME' },
    values: Object.fromEntries(service.slots.map(({ name }) => [name, [targetOf(name)]])),
  };
  const sets = (['A', 'AAAA'] as const).map((type, index) => ({
    type,
    rrset: { ttlSeconds: 60 + 30 * index, values: addressesOf(active)[type] },
  }));
  const earlier = sets.map(
    ({ type }): NameTraffic => ({
      ...named,
      record: { ...named.record, type },
      values: Object.fromEntries(service.slots.map(({ name }, index) => [name, addressesOf(index)[type]])),
    }),
  );
  const deployed = { ...service, traffic: earlier };
  return {
    service: { ...service, traffic: [...service.traffic.filter((each) => each !== named), alias] },
    seen: [
      ...rest,
      {
        ...found,
        address: alias.record.address,
        spec: { ...found.spec, rrset: null, besides: ['A', 'AAAA'], instead: sets },
      },
    ],
    recorded: {
      resources: sets.map((set) => ({
        kind: 'record',
        address: recordAddress(zone, service.name, set.type),
        spec: { ...found.spec, rrset: set.rrset },
      })),
      deployments: [
        {
          number: 1,
          at: now,
          actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
          intent: { kind: 'apply' },
          declared: {
            environment: 'prod',
            services: [deployed],
          } as unknown as Declared,
        },
      ],
    },
    remembered: [],
  };
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
    values: Object.fromEntries(service.slots.map(({ name }, index) => [name, addressesOf(index).A])),
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
        for (const { type, rrset } of each.spec.instead ?? [])
          cells.set(`record ${recordAddress(zone, service.name, type)}`, plain(rrset));
        break;
      default:
    }
  }
}

/** Worlds in which a service is found by a DNS record, by its clients or by a load balancer that resolves it. */
import {
  asAddress,
  type Declared,
  type Observation,
  poolAddress,
  type Recorded,
  type RecordState,
  type RecordType,
  recordAddress,
  type ServiceDeclared,
  type ZoneDeclared,
} from '../../src/model/index.ts';
import { at, declare, edge, now, seen, type WorldWish } from './worlds.ts';

const zoneAddress = asAddress('dns_zone.internal');
const values = {
  blue: ['10.0.1.11', '10.0.1.12', '10.0.1.13'],
  green: ['10.0.1.21', '10.0.1.22', '10.0.1.23'],
};
const onPort = (addresses: readonly string[]): readonly string[] => addresses.map((each) => `${each}:8081`);

export interface NamedWish {
  readonly resolved?: boolean;
  /** The slot whose addresses the balancer uses; default: the record's. */
  readonly used?: 'blue' | 'green';
}

/** The service with a record in place of its route; both its slots answer on one port. */
export function named(service: ServiceDeclared, { resolved = false }: NamedWish = {}): ServiceDeclared {
  const record = {
    address: recordAddress(zoneAddress, 'shop', 'A'),
    name: 'shop.internal.test.',
    type: 'A' as const,
    service: service.address,
  };
  const endpoints = { blue: onPort(values.blue), green: onPort(values.green) };
  return {
    ...service,
    traffic: [
      {
        kind: 'dns',
        zone: zoneAddress,
        record,
        ttlSeconds: 60,
        switchTtlSeconds: 5,
        values,
        ...(resolved ? { resolvedBy: { balancer: edge, pool: 'shop', endpoints } } : {}),
        origin: at(25),
      },
    ],
  };
}

/** The same name with a CNAME, to a name of each slot. */
export function aliased(service: ServiceDeclared): ServiceDeclared {
  const [traffic] = named(service).traffic;
  if (traffic?.kind !== 'dns') throw new Error('it is found by a record');
  const record = {
    ...traffic.record,
    address: recordAddress(zoneAddress, 'shop', 'CNAME'),
    type: 'CNAME',
  } as const;
  const targets = { blue: ['blue.internal.test.'], green: ['green.internal.test.'] };
  return { ...service, traffic: [{ ...traffic, record, values: targets }] };
}

/** What the runs of an environment have left in its record: deployments, oldest first, and the sets of the name by now. */
export function recordedNamed(
  deployed: readonly ServiceDeclared[],
  sets: Partial<Record<RecordType, Partial<RecordState>>>,
): Pick<Recorded, 'deployments' | 'resources'> {
  return {
    deployments: deployed.map((service, index) => ({
      number: index + 1,
      at: now,
      actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
      intent: { kind: 'apply' },
      declared: declareNamed(service),
    })),
    resources: Object.entries(sets).map(([type, state]) => ({
      kind: 'record',
      address: recordAddress(zoneAddress, 'shop', type),
      spec: { ...nothingAtName, ...state },
    })),
  };
}

const nothingAtName: RecordState = {
  rrset: null,
  besides: [],
  delegation: null,
  negativeTtlSeconds: 60,
  zoneSerial: 10,
  behind: [],
};

/** Observations with another state of the record. */
export const withRecord = (
  observations: readonly Observation[],
  service: ServiceDeclared,
  state: Partial<RecordState>,
): readonly Observation[] => [
  ...observations.filter(({ kind }) => kind !== 'record'),
  ...service.traffic.flatMap((each): readonly Observation[] =>
    each.kind === 'dns'
      ? [
          {
            status: 'present',
            kind: 'record',
            address: each.record.address,
            spec: { ...nothingAtName, ...state },
            at: now,
          },
        ]
      : [],
  ),
];

export function declareNamed(service: ServiceDeclared): Declared {
  const zone: ZoneDeclared = {
    address: zoneAddress,
    name: 'internal',
    provider: 'rfc2136',
    zone: 'internal.test.',
    primary: { host: '10.0.0.53', port: 53 },
    servers: [
      { host: '10.0.0.53', port: 53 },
      { host: '10.0.0.54', port: 53 },
    ],
    quorum: 2,
    convergeMs: 60_000,
    resolverMinTtlSeconds: 0,
    strict: false,
    records: service.traffic.flatMap((each) => (each.kind === 'dns' ? [each.record] : [])),
    origin: at(3),
  };
  const declared = declare([service], 75);
  const isResolved = service.traffic.some((each) => each.kind === 'dns' && each.resolvedBy !== undefined);
  return { ...declared, balancers: isResolved ? declared.balancers : [], zones: [zone] };
}

/** The record leads to one slot, with the TTL of quiet times. */
export function seenNamed(
  service: ServiceDeclared,
  slots: WorldWish,
  active: 'blue' | 'green',
  { resolved = false, used = active }: NamedWish = {},
): readonly Observation[] {
  const about = seen(service, slots, undefined).filter(
    ({ kind }) => kind === 'instance' || kind === 'inventory',
  );
  return [
    ...about,
    {
      status: 'present',
      kind: 'record',
      address: recordAddress(zoneAddress, 'shop', 'A'),
      spec: { ...nothingAtName, rrset: { ttlSeconds: 60, values: values[active] } },
      at: now,
    },
    ...(resolved
      ? [
          {
            status: 'present' as const,
            kind: 'resolution' as const,
            address: poolAddress(edge, 'shop'),
            spec: { endpoints: onPort(values[used]), disagreeing: [] },
            at: now,
          },
        ]
      : []),
  ];
}

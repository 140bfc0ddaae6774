/** The record in place of the world, for a plan that looks at nothing (`--no-refresh`). */
import {
  type Address,
  balancerConfigAddress,
  type Declared,
  type Instant,
  instanceAddress,
  inventoryAddress,
  memberAddress,
  type Observation,
  type Observed,
  poolAddress,
  type RecordDeclared,
  type Recorded,
  type RecordState,
  recordAddress,
  recordPlace,
  recordTypes,
  routeAddress,
  type TypedSet,
} from '../model/index.ts';

/**
 * What an earlier run saw last. Of what no run has seen, instances, releases, routes and written pools are taken for absent, and members
 * for ready, as a load balancer begins with them. A saved plan stays safe: its apply compares these facts with the world.
 */
export function takeRecordForWorld(declared: Declared, recorded: Recorded, at: Instant): Observed {
  const known = recorded.resources.map((each) =>
    each.spec === null
      ? { status: 'absent' as const, kind: each.kind, address: each.address, at }
      : ({ status: 'present', kind: each.kind, address: each.address, spec: each.spec, at } as Observation),
  );
  const isKnown = new Set(known.map(({ kind, address }) => `${kind} ${address}`));
  return {
    observations: [
      ...known,
      ...assumed(declared, recorded, at).filter(({ kind, address }) => !isKnown.has(`${kind} ${address}`)),
    ],
    notes: [
      {
        code: 'not-refreshed',
        severity: 'warning',
        summary: 'Nothing was looked at',
        detail:
          'With --no-refresh the plan takes what earlier runs recorded for what is there now, and what none of them has seen for absent.',
        hint: 'Plan again without it before you apply.',
      },
    ],
  };
}

function assumed(declared: Declared, recorded: Recorded, at: Instant): readonly Observation[] {
  const instances = declared.services.flatMap(({ address, slots }) =>
    slots.flatMap((slot) =>
      slot.instances.flatMap(({ host }): readonly Observation[] => [
        { status: 'absent', kind: 'instance', address: instanceAddress(address, slot.name, host), at },
        { status: 'absent', kind: 'inventory', address: inventoryAddress(address, host), at },
      ]),
    ),
  );
  const balancers = declared.balancers.flatMap((balancer): readonly Observation[] => [
    { status: 'absent', kind: 'balancer_config', address: balancerConfigAddress(balancer.address), at },
    ...balancer.routes.map(({ route }): Observation => {
      return { status: 'absent', kind: 'route', address: routeAddress(balancer.address, route), at };
    }),
    ...balancer.pools.flatMap((pool) =>
      pool.members.map(
        (member): Observation => ({
          status: 'present',
          kind: 'member',
          address: memberAddress(balancer.address, pool.name, member.name),
          spec: { admin: 'ready', up: true, sessions: 0 },
          at,
        }),
      ),
    ),
    ...(balancer.resolved ?? []).map((pool): Observation => {
      const spec = { endpoints: [], disagreeing: [] };
      return {
        status: 'present',
        kind: 'resolution',
        address: poolAddress(balancer.address, pool.name),
        spec,
        at,
      };
    }),
  ]);
  const records = declared.zones.flatMap((zone) =>
    zone.records.map(
      (record): Observation => ({
        status: 'present',
        kind: 'record',
        address: record.address,
        spec: {
          rrset: null,
          ...standingInstead(record, recorded),
          delegation: null,
          negativeTtlSeconds: zone.negativeTtlSeconds ?? 0,
          zoneSerial: 0,
          behind: [],
        },
        at,
      }),
    ),
  );
  return [...instances, ...balancers, ...records];
}

/** What an earlier run put at the name by another type, which excludes this one. */
function standingInstead(
  { address, type }: RecordDeclared,
  { resources }: Recorded,
): Pick<RecordState, 'besides' | 'instead'> {
  const zone = address.slice(0, address.indexOf('.record[')) as Address;
  const instead = recordTypes.flatMap((other): readonly TypedSet[] => {
    const there = resources.find((each) => each.address === recordAddress(zone, recordPlace(address), other));
    const rrset = there?.kind === 'record' ? (there.spec?.rrset ?? null) : null;
    const excludes = other !== type && (other === 'CNAME' || type === 'CNAME');
    return rrset === null || !excludes ? [] : [{ type: other, rrset }];
  });
  return { besides: instead.map((each) => each.type), ...(instead.length === 0 ? {} : { instead }) };
}

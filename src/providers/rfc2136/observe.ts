/** One look at a zone: what its primary holds of the declared records, and which servers are behind. */
import { relativeName } from '../../dns/name.ts';
import { types } from '../../dns/types.ts';
import {
  type Diagnostic,
  type Instant,
  type Observation,
  type Observed,
  ProviderFailure,
  type RecordDeclared,
  type RecordState,
  type ZoneDeclared,
} from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { ZoneClient } from './client.ts';
import { complain } from './complaints.ts';
import { fenceName } from './fence.ts';
import { askServer, delegationAt, differenceOf, readZone, type ZoneReading } from './read.ts';
import { missingRights } from './rights.ts';
import { besides, setAt, standingInstead, wildcardTtl } from './zone-content.ts';

/** Questions to all servers that are on their way at once. */
const window = 48;

/** Everything declared in the zone. What cannot be read is unknown, with the reason; never absent. */
export async function observeZone(
  client: ZoneClient,
  now: () => Instant,
  signal: AbortSignal,
): Promise<Observed> {
  const { zone } = client;
  if (zone.records.length === 0) return { observations: [], notes: [] };
  let reading: ZoneReading;
  try {
    const names = new Set([...zone.records.map(({ name }) => name), fenceName(zone)]);
    reading = await readZone(client, [...names], signal);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { observations: zone.records.map((record) => unknown(record, error.diagnostic)), notes: [] };
  }
  const [observations, denied] = await Promise.all([
    inWindows(zone.records, (record) => observeRecord(client, reading, record, now, signal)),
    missingRights(client, reading, signal),
  ]);
  // Known before anything is uploaded or stopped; whoever only plans need not have the right.
  const warnings = denied.map((each) => ({ ...each, severity: 'warning' as const }));
  return { observations, notes: [...notesOn(zone, reading), ...warnings] };
}

async function inWindows<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += window) {
    results.push(...(await Promise.all(items.slice(at, at + window).map(work))));
  }
  return results;
}

const unknown = ({ address }: RecordDeclared, why: Diagnostic): Observation => ({
  status: 'unknown',
  kind: 'record',
  address,
  why,
});

async function observeRecord(
  client: ZoneClient,
  reading: ZoneReading,
  record: RecordDeclared,
  now: () => Instant,
  signal: AbortSignal,
): Promise<Observation> {
  const { zone } = client;
  const state = stateOf(zone, reading, record);
  const answers = await Promise.all(
    zone.servers.map(async (server) => ({ server, answer: await askServer(client, server, record, signal) })),
  );
  const silent = answers.flatMap(({ answer }) => (answer.answers ? [] : [answer.failure.diagnostic]));
  // With fewer servers than must agree, no change could ever count as done.
  const [why] = silent;
  if (why !== undefined && answers.length - silent.length < zone.quorum) return unknown(record, why);
  const behind = answers.flatMap(({ server, answer }) => {
    const difference = answer.answers
      ? differenceOf(answer, state.rrset, state.zoneSerial)
      : answer.failure.diagnostic.detail.replace(/\.$/, '');
    return difference === undefined ? [] : [{ server: serverText(server), why: difference }];
  });
  return {
    status: 'present',
    kind: 'record',
    address: record.address,
    spec: { ...state, behind },
    at: now(),
  };
}

/** What the primary holds of a record. */
export function stateOf(zone: ZoneDeclared, reading: ZoneReading, record: RecordDeclared): RecordState {
  const { content } = reading;
  const instead = standingInstead(content, record);
  const wildcardTtlSeconds = wildcardTtl(content, record, zone.zone);
  return {
    rrset: setAt(content, record.name, types[record.type]),
    besides: besides(content, record),
    ...(instead.length === 0 ? {} : { instead }),
    delegation: delegationAt(zone, reading, record),
    negativeTtlSeconds: content.negativeTtlSeconds,
    ...(wildcardTtlSeconds === undefined ? {} : { wildcardTtlSeconds }),
    zoneSerial: content.serial,
    behind: [],
  };
}

export function notesOn(zone: ZoneDeclared, reading: ZoneReading): readonly Diagnostic[] {
  const notes: Diagnostic[] = [];
  if (reading.notTransferred !== undefined) {
    notes.push({
      ...complain(zone, {
        code: 'dns-zone-not-transferred',
        summary: 'The zone was read by questions',
        detail: `${zone.zone} could not be transferred: ${reading.notTransferred}. Asked name by name, a wildcard looks like a record of its own.`,
        hint: 'Allow the key to transfer the zone (AXFR).',
      }),
      severity: 'warning',
    });
  }
  const forgotten = forgottenServers(zone, reading);
  if (forgotten.length > 0) {
    notes.push({
      ...complain(zone, {
        code: 'dns-server-not-asked',
        summary: 'The zone has name servers that are not asked',
        detail: `Clients of ${zone.zone} also ask ${forgotten.join(', ')}, which "servers" does not name: a change counts as done without them.`,
        hint: 'Add them to "servers".',
      }),
      severity: 'warning',
    });
  }
  return notes;
}

/** Name servers whose addresses the zone itself knows, none of which is among those that are asked. */
function forgottenServers(zone: ZoneDeclared, { content }: ZoneReading): readonly string[] {
  const asked = new Set([...zone.servers, zone.primary].map(({ host }) => host));
  const servers = content.sets.get(zone.zone)?.get(types.NS)?.values ?? [];
  return servers
    .filter((name) => {
      const sets = content.sets.get(name);
      const addresses = [types.A, types.AAAA].flatMap((type) => sets?.get(type)?.values ?? []);
      return addresses.length > 0 && !addresses.some((address) => asked.has(address));
    })
    .map((name) => relativeName(name, zone.zone));
}

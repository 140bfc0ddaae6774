/** One record set replaced by one update, guarded by everything that it rests on, and then looked at. */
import { types } from '../../dns/types.ts';
import { type Requirement, replaceSet, requireSet, type Update } from '../../dns/update.ts';
import {
  type Context,
  type Operation,
  ProviderFailure,
  type RecordSet,
  sameValue,
  type ZoneDeclared,
} from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { UpdateReply, ZoneClient } from './client.ts';
import { aboutUpdate, mishap, refusal } from './complaints.ts';
import { type Fence, fenceName, raiseFence, readFence } from './fence.ts';
import { readZone, type ZoneReading } from './read.ts';
import { besides, setAt } from './zone-content.ts';

export type SetRecord = Operation & { readonly op: 'record.set' };

/** How often an update is sent again because the zone, though not this record, was changed meanwhile. */
const tries = 20;

/** Other types that a name may have; each is required to be absent beside a CNAME, where the server would say yes and do nothing. */
const neighbours = ['A', 'AAAA', 'TXT', 'MX', 'SRV', 'NS', 'PTR'] as const;

export interface Unsettled {
  /** Generation of an update of ours whose fate is not known; undefined: there is none. */
  generation: number | undefined;
}

/** Resolves when the primary holds `to`. Throws with `none` or `maybe`; leaves `unsettled` set where an update may still arrive. */
export async function writeRecord(
  client: ZoneClient,
  operation: SetRecord,
  cx: Context,
  unsettled: Unsettled,
): Promise<void> {
  const { record, from, to } = operation;
  const { zone } = client;
  await settle(client, cx, unsettled);
  for (let turn = 1; turn <= tries; turn++) {
    const reading = await readZone(client, [record.name, fenceName(zone)], cx.signal);
    const now = setAt(reading.content, record.name, types[record.type]);
    const fence = fenceIn(zone, reading);
    if (sameValue(now, to)) return;
    if (!sameValue(now, from)) throw changed(zone, operation, now);
    refuseOlderRun(zone, readFence(fence), cx);
    const raised = raiseFence(zone, fence, cx.fence);
    const update: Update = {
      zone: zone.zone,
      requirements: [
        raised.requirement,
        requireSet(record.name, types[record.type], from?.values ?? null),
        ...absentNeighbours(operation),
        ...serialOf(zone, reading),
      ],
      edits: [...replaceSet(record.name, types[record.type], to), ...raised.edits],
    };
    const generation = (readFence(fence)?.generation ?? 0) + 1;
    const sent = await send(client, update, cx, operation, generation, unsettled);
    if (sent === 'applied') return await confirm(client, operation, cx);
    // Somebody changed the zone between the look and the write: this record, or only the fence. Looked at again.
    await cx.clock.sleep(5 + ((generation * 7 + turn * 13) % 40), cx.signal);
  }
  throw refusal(
    zone,
    {
      code: 'dns-zone-busy',
      summary: 'The zone is changed all the time',
      detail: `${tries} updates of ${record.name} were refused because other runs changed ${zone.zone} between the look and the write.`,
      hint: 'Try again when they are done: deployctl apply --resume',
    },
    record.address,
  );
}

async function send(
  client: ZoneClient,
  update: Update,
  cx: Context,
  { record }: SetRecord,
  generation: number,
  unsettled: Unsettled,
): Promise<'applied' | 'conflict'> {
  const { zone } = client;
  let reply: UpdateReply;
  try {
    reply = await client.update(update, cx.signal);
  } catch (error) {
    if (error instanceof ProviderFailure && error.effect === 'maybe') unsettled.generation = generation;
    if (unsettled.generation === undefined || cx.signal.aborted) throw error;
    await settle(client, cx, unsettled);
    return 'conflict';
  }
  if (reply.rcode === 0 && reply.verdict.verified) return 'applied';
  const { outcome, complaint } = aboutUpdate(zone, reply.rcode, reply.verdict);
  switch (outcome) {
    case 'conflict':
      return 'conflict';
    case 'denied':
    case 'rejected':
      // What is not signed may come from anyone: then only a look can tell.
      throw (reply.verdict.verified ? refusal : mishap)(zone, complaint, record.address);
    case 'unknown':
      unsettled.generation = generation;
      await settle(client, cx, unsettled);
      throw refusal(zone, complaint, record.address);
  }
}

/**
 * Sees to it that a lost update never does anything any more: either it has raised the fence itself, or this does. A
 * refusal for the fence's sake means that one of the two has happened.
 */
export async function settle(client: ZoneClient, cx: Context, unsettled: Unsettled): Promise<void> {
  if (unsettled.generation === undefined) return;
  const { zone } = client;
  const reading = await readZone(client, [fenceName(zone)], cx.signal);
  const set = fenceIn(zone, reading);
  if ((readFence(set)?.generation ?? 0) >= unsettled.generation) {
    unsettled.generation = undefined;
    return;
  }
  const raised = raiseFence(zone, set, cx.fence);
  const reply = await client.update(
    { zone: zone.zone, requirements: [raised.requirement], edits: raised.edits },
    cx.signal,
  );
  const isApplied = reply.rcode === 0 && reply.verdict.verified;
  const { outcome, complaint } = aboutUpdate(zone, reply.rcode, reply.verdict);
  if (!isApplied && outcome !== 'conflict') throw mishap(zone, complaint);
  unsettled.generation = undefined;
}

const fenceIn = (zone: ZoneDeclared, { content }: ZoneReading): RecordSet | null =>
  setAt(content, fenceName(zone), types.TXT);

function refuseOlderRun(zone: ZoneDeclared, fence: Fence | undefined, cx: Context): void {
  if (fence === undefined || fence.lineage !== cx.fence.lineage || fence.run <= cx.fence.run) return;
  throw refusal(zone, {
    code: 'newer-run',
    summary: 'A newer run has taken over',
    detail: `Run ${fence.run} of this state has changed ${zone.zone} since; this is run ${cx.fence.run}, and changes nothing more.`,
    hint: 'See what it did:  deployctl history',
  });
}

/** Servers answer NOERROR to a CNAME beside other records and ignore it, so it is made a condition. */
function absentNeighbours({ record, to }: SetRecord): readonly Requirement[] {
  if (to === null) return [];
  const others = record.type === 'CNAME' ? neighbours : (['CNAME'] as const);
  return others.map((type) => requireSet(record.name, types[type], null));
}

/** With `strict`, nothing in the zone may have changed since the look, not even a TTL. */
const serialOf = (zone: ZoneDeclared, { content }: ZoneReading): readonly Requirement[] =>
  zone.strict ? [{ holds: 'values', name: zone.zone, type: types.SOA, rdatas: [content.soa] }] : [];

const changed = (zone: ZoneDeclared, { record, from }: SetRecord, now: RecordSet | null): ProviderFailure =>
  refusal(
    zone,
    {
      code: 'dns-conflict',
      summary: 'The DNS record was changed by someone else',
      detail: `${record.name} ${record.type} is ${setText(now)} at ${serverText(zone.primary)}, and this step begins from ${setText(from)}. It was left as it is.`,
      hint: 'Find out who changed it, then plan again: deployctl plan',
    },
    record.address,
  );

export const setText = (set: RecordSet | null): string =>
  set === null ? 'not there' : `${set.values.join(' ')} (TTL ${set.ttlSeconds} s)`;

/** NOERROR is not yet "in effect": servers ignore what would break the zone, and say nothing. */
async function confirm(client: ZoneClient, { record, to }: SetRecord, cx: Context): Promise<void> {
  const { zone } = client;
  const { content } = await readZone(client, [record.name], cx.signal);
  const now = setAt(content, record.name, types[record.type]);
  if (sameValue(now, to)) return;
  const others = besides(content, record);
  throw mishap(
    zone,
    {
      code: 'dns-not-in-effect',
      summary: 'The DNS server said yes and did something else',
      detail: `${serverText(zone.primary)} answered NOERROR to ${record.name} ${record.type} = ${setText(to)}, and it is ${setText(now)} afterwards${others.length === 0 ? '' : `; the name also has ${others.join(', ')}`}.`,
      hint: 'Servers ignore a CNAME beside other records, and what lies below a delegation. Look at the zone and at the log of the server.',
    },
    record.address,
  );
}

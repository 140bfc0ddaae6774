/** The record sets of one name replaced by one update, guarded by everything that it rests on, and then looked at. */
import { excludeEachOther, notBesideCname, types } from '../../dns/types.ts';
import { type Requirement, replaceSets, requireSet, type Update } from '../../dns/update.ts';
import {
  type Context,
  type Operation,
  ProviderFailure,
  type RecordDeclared,
  type RecordSet,
  recordMovesOf,
  sameValue,
  type ZoneDeclared,
} from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { UpdateReply, ZoneClient } from './client.ts';
import { aboutUpdate, mishap, refusal } from './complaints.ts';
import { type Fence, fenceName, raiseFence, readFence } from './fence.ts';
import { delegationAt, readZone, type ZoneReading } from './read.ts';
import { besides, setAt, type ZoneContent } from './zone-content.ts';

export type SetRecord = Operation & { readonly op: 'record.set' };

/** How often an update is sent again because the zone, though not this record, was changed meanwhile. */
const tries = 20;

export interface Unsettled {
  /** Generation of an update of ours whose fate is not known; undefined: there is none. */
  generation: number | undefined;
}

/** What has become of the updates of one call. */
interface Fate {
  /** One of them was done, or nobody knows: whatever fails afterwards, the record may have changed. */
  mayBeDone: boolean;
}

/** Resolves when the primary holds `to`. Throws with `none` or `maybe`; leaves `unsettled` set where an update may still arrive. */
export async function writeRecord(
  client: ZoneClient,
  operation: SetRecord,
  cx: Context,
  unsettled: Unsettled,
): Promise<void> {
  const fate: Fate = { mayBeDone: false };
  try {
    await write(client, operation, cx, unsettled, fate);
  } catch (error) {
    // A server that cannot be reached for the look afterwards is no proof that nothing was done before.
    if (fate.mayBeDone && error instanceof ProviderFailure && error.effect === 'none')
      throw new ProviderFailure(error.diagnostic, 'maybe', error);
    throw error;
  }
}

async function write(
  client: ZoneClient,
  operation: SetRecord,
  cx: Context,
  unsettled: Unsettled,
  fate: Fate,
): Promise<void> {
  const { record } = operation;
  const { zone } = client;
  const moves = recordMovesOf(operation);
  await settle(client, cx, unsettled);
  for (let turn = 1; turn <= tries; turn++) {
    const reading = await readZone(client, [record.name, fenceName(zone)], cx.signal);
    const fence = fenceIn(zone, reading);
    const standing = standingOf(operation, reading.content);
    if (standing.at === 'after') return;
    if (standing.at === 'elsewhere') throw changed(zone, operation, standing.now);
    refuseDelegated(zone, operation, reading);
    refuseConflict(zone, operation, reading.content);
    refuseOlderRun(zone, readFence(fence), cx);
    const raised = raiseFence(zone, fence, cx.fence);
    const update: Update = {
      zone: zone.zone,
      requirements: [
        raised.requirement,
        ...moves.map(({ record: { name, type }, from }) =>
          requireSet(name, types[type], from?.values ?? null),
        ),
        ...absentNeighbours(operation),
        ...serialOf(zone, reading),
      ],
      edits: [
        ...replaceSets(
          moves
            .filter(({ from, to }) => !sameValue(from, to))
            .map(({ record: { name, type }, to }) => ({ name, type: types[type], set: to })),
        ),
        ...raised.edits,
      ],
    };
    const generation = (readFence(fence)?.generation ?? 0) + 1;
    const sent = await send(client, update, cx, operation, generation, unsettled, fate);
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
      hint: 'Try again when they are done:  deployctl apply ENV --resume',
    },
    record.address,
  );
}

async function send(
  client: ZoneClient,
  update: Update,
  cx: Context,
  operation: SetRecord,
  generation: number,
  unsettled: Unsettled,
  fate: Fate,
): Promise<'applied' | 'conflict'> {
  const { zone } = client;
  let reply: UpdateReply;
  try {
    reply = await client.update(update, cx.signal);
  } catch (error) {
    if (!(error instanceof ProviderFailure) || error.effect === 'none') throw error;
    fate.mayBeDone = true;
    unsettled.generation = generation;
    if (cx.signal.aborted) throw error;
    await settle(client, cx, unsettled);
    return 'conflict';
  }
  if (reply.rcode === 0 && reply.verdict.verified) {
    fate.mayBeDone = true;
    return 'applied';
  }
  const { outcome, complaint } = aboutUpdate(zone, reply.rcode, reply.verdict);
  switch (outcome) {
    case 'conflict':
      return 'conflict';
    case 'denied':
    case 'rejected':
      // What is not signed may come from anyone: then only a look can tell.
      throw (reply.verdict.verified ? refusal : mishap)(zone, complaint, operation.record.address);
    case 'unknown': {
      const wasOpen = fate.mayBeDone;
      fate.mayBeDone = true;
      unsettled.generation = generation;
      await settle(client, cx, unsettled);
      const { content } = await readZone(client, [operation.record.name], cx.signal);
      const { at } = standingOf(operation, content);
      if (at === 'after') return 'applied';
      if (at === 'before') fate.mayBeDone = wasOpen;
      throw refusal(zone, complaint, operation.record.address);
    }
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
    hint: 'See what it did:  deployctl history ENV',
  });
}

/** Types that may not be at the name beside what this operation leaves there. */
function excluded(operation: SetRecord): readonly number[] {
  const left = recordMovesOf(operation).filter(({ to }) => to !== null);
  const touched = recordMovesOf(operation).map(({ record }) => types[record.type]);
  return [types.CNAME, ...notBesideCname].filter(
    (other) =>
      !touched.some((type) => type === other) &&
      left.some(({ record }) => excludeEachOther(types[record.type], other)),
  );
}

/** Servers answer NOERROR to a CNAME beside other records and ignore it, so it is made a condition. */
const absentNeighbours = (operation: SetRecord): readonly Requirement[] =>
  excluded(operation).map((type) => requireSet(operation.record.name, type, null));

/** Sent all the same, it would be done, found in a transfer, and never be seen by anybody who asks. */
function refuseDelegated(zone: ZoneDeclared, { record, to }: SetRecord, reading: ZoneReading): void {
  const delegation = delegationAt(zone, reading, record);
  if (delegation === null || to === null) return;
  throw refusal(
    zone,
    {
      code: 'dns-below-a-delegation',
      summary: 'The name belongs to another zone',
      detail: `${record.name} lies at or below ${delegation}, which ${zone.zone} delegates to other servers by now: a record written here would never be seen.`,
      hint: 'Declare the zone that has the name, and write the record there.',
    },
    record.address,
  );
}

/** Sent all the same, the deletions would be done and the CNAME ignored: nothing would be left at the name. */
function refuseConflict(zone: ZoneDeclared, operation: SetRecord, content: ZoneContent): void {
  const { record } = operation;
  const left = recordMovesOf(operation).filter(({ to }) => to !== null);
  const others = othersAt(
    content,
    recordMovesOf(operation).map((each) => each.record),
  ).filter((type) => left.some((each) => each.record.type === 'CNAME' || type === 'CNAME'));
  if (others.length === 0) return;
  throw refusal(
    zone,
    {
      code: 'dns-cname-conflict',
      summary: 'A CNAME would stand beside other records',
      detail: `${record.name} has ${others.join(', ')} at ${serverText(zone.primary)} by now, and a CNAME tolerates nothing else at its name. It was left as it is.`,
      hint: 'Find out who changed it, then plan again:  deployctl plan ENV',
    },
    record.address,
  );
}

/** With `strict`, nothing in the zone may have changed since the look, not even a TTL. */
const serialOf = (zone: ZoneDeclared, { content }: ZoneReading): readonly Requirement[] =>
  zone.strict ? [{ holds: 'values', name: zone.zone, type: types.SOA, rdatas: [content.soa] }] : [];

/** The sets that an operation moves, in their order, as they are. */
export type SetsNow = readonly (RecordSet | null)[];

export type SetsStanding =
  | { readonly at: 'before' | 'after' }
  | { readonly at: 'elsewhere'; readonly now: SetsNow };

/** One update moves all of them, so they stand together at one end, or somebody else was here. */
export function standingOf(operation: SetRecord, content: ZoneContent): SetsStanding {
  const moves = recordMovesOf(operation);
  const now = moves.map(({ record: { name, type } }) => setAt(content, name, types[type]));
  if (moves.every(({ to }, index) => sameValue(now[index], to))) return { at: 'after' };
  if (moves.every(({ from }, index) => sameValue(now[index], from))) return { at: 'before' };
  return { at: 'elsewhere', now };
}

const changed = (zone: ZoneDeclared, operation: SetRecord, now: SetsNow): ProviderFailure => {
  const { record } = operation;
  const from = recordMovesOf(operation).map((move) => move.from);
  return refusal(
    zone,
    {
      code: 'dns-conflict',
      summary: 'The DNS record was changed by someone else',
      detail: `${nameText(operation)} is ${setsText(operation, now)} at ${serverText(zone.primary)}, and this step begins from ${setsText(operation, from)}. It was left as it is.`,
      hint: 'Find out who changed it, then plan again:  deployctl plan ENV',
    },
    record.address,
  );
};

/** `shop.internal.test. A`; without the type where others are moved with it. */
const nameText = ({ record, beside = [] }: SetRecord): string =>
  beside.length === 0 ? `${record.name} ${record.type}` : record.name;

/** `10.0.1.11 (TTL 60 s)`; with the types where there are several: `A 10.0.1.11 (TTL 60 s)`. */
export function setsText(operation: SetRecord, sets: SetsNow): string {
  const moves = recordMovesOf(operation);
  const there = moves.flatMap(({ record }, index) => {
    const set = sets[index] ?? null;
    return set === null ? [] : [`${moves.length === 1 ? '' : `${record.type} `}${setText(set)}`];
  });
  return there.length === 0 ? 'not there' : there.join(', ');
}

const setText = (set: RecordSet): string => `${set.values.join(' ')} (TTL ${set.ttlSeconds} s)`;

/** NOERROR is not yet "in effect": servers ignore what would break the zone, and say nothing. */
async function confirm(client: ZoneClient, operation: SetRecord, cx: Context): Promise<void> {
  const { record } = operation;
  const { zone } = client;
  const { content } = await readZone(client, [record.name], cx.signal);
  const moves = recordMovesOf(operation);
  const now = moves.map((each) => setAt(content, each.record.name, types[each.record.type]));
  if (moves.every(({ to }, index) => sameValue(now[index], to))) return;
  const others = othersAt(
    content,
    moves.map((each) => each.record),
  );
  const wanted = moves.map(({ to }) => to);
  throw mishap(
    zone,
    {
      code: 'dns-not-in-effect',
      summary: 'The DNS server said yes and did something else',
      detail: `${serverText(zone.primary)} answered NOERROR to ${nameText(operation)} = ${setsText(operation, wanted)}, and it is ${setsText(operation, now)} afterwards${others.length === 0 ? '' : `; the name also has ${others.join(', ')}`}.`,
      hint: 'Servers ignore a CNAME beside other records, and what lies below a delegation. Look at the zone and at the log of the server.',
    },
    record.address,
  );
}

/** Types at the name that are none of these records'. */
const othersAt = (content: ZoneContent, records: readonly RecordDeclared[]): readonly string[] => {
  const [first] = records;
  const own: ReadonlySet<string> = new Set(records.map(({ type }) => type));
  return first === undefined ? [] : besides(content, first).filter((type) => !own.has(type));
};

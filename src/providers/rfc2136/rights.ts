/** Whether the key may change what a run would change, found out without changing anything. */
import { encodeRdata } from '../../dns/rdata.ts';
import { rcodes, types } from '../../dns/types.ts';
import { type Edit, type Requirement, requireSet, type Update } from '../../dns/update.ts';
import { type Diagnostic, ProviderFailure, type RecordSet, type RecordType } from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { ZoneClient } from './client.ts';
import { aboutUpdate, complain } from './complaints.ts';
import { fenceName } from './fence.ts';
import type { ZoneReading } from './read.ts';
import { setAt, standingInstead } from './zone-content.ts';

/** Values that nobody has (RFC 5737, 3849, 2606), two of each, so that one of them is not in a given set. */
const nobodys: Readonly<Record<RecordType, readonly [string, string]>> = {
  A: ['192.0.2.1', '192.0.2.2'],
  AAAA: ['2001:db8::1', '2001:db8::2'],
  CNAME: ['one.invalid.', 'two.invalid.'],
  SRV: ['0 0 9 one.invalid.', '0 0 9 two.invalid.'],
  TXT: ['"deployctl asks whether it may"', '"deployctl asks whether it might"'],
};

/**
 * Updates that remove, from every record that a run would write, a value that it does not have: servers look at the
 * rights for each name, do nothing, and keep the serial (BIND, Knot, PowerDNS). They require each set as it was read, so
 * that they can never do anything.
 */
export function probesOf({ zone }: ZoneClient, { content }: ZoneReading): readonly Update[] {
  const targets: readonly { readonly name: string; readonly type: RecordType }[] = [
    ...zone.records.flatMap((record) => [
      record,
      ...standingInstead(content, record).map(({ type }) => ({ name: record.name, type })),
    ]),
    { name: fenceName(zone), type: 'TXT' },
  ];
  const parts = targets.map(({ name, type }): { requirement: Requirement; edit: Edit } => {
    const set: RecordSet | null = setAt(content, name, types[type]);
    const [one, two] = nobodys[type];
    const rdata = encodeRdata(types[type], set?.values.includes(one) === true ? two : one);
    return {
      requirement: requireSet(name, types[type], set?.values ?? null),
      edit: { edit: 'remove', name, type: types[type], rdata },
    };
  });
  const chunks = Array.from({ length: Math.ceil(parts.length / setsInOne) }, (_, index) =>
    parts.slice(index * setsInOne, (index + 1) * setsInOne),
  );
  return chunks.map((chunk) => ({
    zone: zone.zone,
    requirements: chunk.map(({ requirement }) => requirement),
    edits: chunk.map(({ edit }) => edit),
  }));
}

/** A message has at most 64 KiB: room for ten sets of 100 values, the most that servers take. */
const setsInOne = 10;

/** Why a run could not change the zone; empty: it could, or somebody is changing it right now. */
export async function missingRights(
  client: ZoneClient,
  reading: ZoneReading,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const { zone } = client;
  try {
    for (const probe of probesOf(client, reading)) {
      const { rcode, verdict } = await client.update(probe, signal);
      if (rcode === rcodes.NOERROR && verdict.verified) continue;
      const { outcome, complaint } = aboutUpdate(zone, rcode, verdict);
      if (outcome !== 'conflict') return [complain(zone, complaint)];
    }
    return [];
  } catch (error) {
    if (error instanceof ProviderFailure) return [error.diagnostic];
    throw error;
  }
}

/** PowerDNS takes unsigned updates from allowed addresses where no key is named for the zone (#12234). */
export async function takesUnsigned(
  client: ZoneClient,
  reading: ZoneReading,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const { zone } = client;
  if (zone.tsig === undefined) return [];
  try {
    for (const probe of probesOf(client, reading).slice(0, 1)) {
      const { rcode } = await client.update(probe, signal, 'unsigned');
      if (rcode !== rcodes.NOERROR) return [];
    }
  } catch (error) {
    // No answer is no yes.
    if (error instanceof ProviderFailure) return [];
    throw error;
  }
  return [
    {
      ...complain(zone, {
        code: 'dns-takes-unsigned-updates',
        summary: 'The DNS server takes updates without a key',
        detail: `${serverText(zone.primary)} also does what an unsigned update of ${zone.zone} from this machine asks: whoever can send from here can change it.`,
        hint: `Demand the key there. PowerDNS: pdnsutil set-meta ${zone.zone.replace(/\.$/, '')} TSIG-ALLOW-DNSUPDATE ${zone.tsig.name.replace(/\.$/, '')}`,
      }),
      severity: 'warning',
    },
  ];
}

/** What the primary holds, and what each server answers. */
import type { Message, WireRecord } from '../../dns/message.ts';
import { isAtLeast } from '../../dns/serial.ts';
import { notBesideCname, rcodeName, rcodes, types } from '../../dns/types.ts';
import {
  type DnsEndpoint,
  ProviderFailure,
  type RecordDeclared,
  type RecordSet,
  sameValue,
  type ZoneDeclared,
} from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { ZoneClient } from './client.ts';
import { refusal } from './complaints.ts';
import { delegationOf, setAt, type ZoneContent } from './zone-content.ts';

export interface ZoneReading {
  readonly content: ZoneContent;
  /** Names at or below a delegation that only questions have shown, and why the zone was not transferred. */
  readonly delegated: ReadonlySet<string>;
  readonly notTransferred: string | undefined;
}

/** Types that are asked for where the zone cannot be transferred. */
const askedTypes = [types.A, types.AAAA, types.CNAME, types.TXT, types.MX, types.SRV, types.NS];
/** The same for a name that is to have a CNAME, which must not come beside anything. */
const askedForCname = [...new Set([...askedTypes, ...notBesideCname])];
/** How often the questions begin again because the zone changed between them. */
const tries = 4;

/** The delegation at or above a record's name; null: there is none. */
export const delegationAt = (
  { zone }: ZoneDeclared,
  { content, delegated }: ZoneReading,
  { name }: RecordDeclared,
): string | null => delegationOf(content, name, zone) ?? (delegated.has(name) ? name : null);

/** The zone by transfer; where that is refused, these names of it by questions between two equal serials. */
export async function readZone(
  client: ZoneClient,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ZoneReading> {
  const transferred = await client.transfer(signal);
  if (!('refused' in transferred)) {
    return { content: transferred, delegated: new Set(), notTransferred: undefined };
  }
  for (let turn = 1; turn <= tries; turn++) {
    const asked = await readByQuestions(client, names, signal);
    if (asked !== undefined) return { ...asked, notTransferred: transferred.refused };
  }
  throw refusal(client.zone, {
    code: 'dns-zone-restless',
    summary: 'The zone changes faster than it can be read',
    detail: `${serverText(client.zone.primary)} refuses to transfer ${client.zone.zone} (${transferred.refused}), and its serial changed between the questions ${tries} times.`,
    hint: 'Allow the key to transfer the zone.',
  });
}

async function readByQuestions(
  client: ZoneClient,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Omit<ZoneReading, 'notTransferred'> | undefined> {
  const { primary } = client.zone;
  const before = await askSoa(client, primary, signal);
  const records: WireRecord[] = [];
  const delegated = new Set<string>();
  const aliases = new Set(client.zone.records.flatMap(({ name, type }) => (type === 'CNAME' ? [name] : [])));
  for (const name of names) {
    for (const type of aliases.has(name) ? askedForCname : askedTypes) {
      const message = await client.ask(primary, name, type, signal);
      if (isReferral(message)) {
        delegated.add(name);
        break;
      }
      if (message.rcode !== rcodes.NOERROR && message.rcode !== rcodes.NXDOMAIN) {
        throw failedQuestion(client, primary, name, message);
      }
      records.push(...message.answers.filter((each) => each.name === name && each.type === type));
    }
  }
  const after = await askSoa(client, primary, signal);
  const content = client.contentOf(primary, before, records);
  return content.serial === client.contentOf(primary, after, []).serial ? { content, delegated } : undefined;
}

const isReferral = (message: Message): boolean =>
  !message.isAuthoritative &&
  message.rcode === rcodes.NOERROR &&
  message.authority.some(({ type }) => type === types.NS);

const failedQuestion = (
  client: ZoneClient,
  server: DnsEndpoint,
  name: string,
  { rcode }: Message,
): ProviderFailure =>
  refusal(client.zone, {
    code: 'dns-question-refused',
    summary: 'A DNS server does not answer for the zone',
    detail: `${serverText(server)} answers ${rcodeName(rcode)} for ${name}.`,
    hint: `Check that it serves ${client.zone.zone}, and answers questions from this machine.`,
  });

async function askSoa(client: ZoneClient, server: DnsEndpoint, signal?: AbortSignal): Promise<WireRecord> {
  const { zone } = client.zone;
  const message = await client.ask(server, zone, types.SOA, signal);
  const soa = message.answers.find((each) => each.name === zone && each.type === types.SOA);
  if (message.rcode === rcodes.NOERROR && message.isAuthoritative && soa !== undefined) return soa;
  if (message.rcode !== rcodes.NOERROR) throw failedQuestion(client, server, zone, message);
  throw refusal(client.zone, {
    code: 'dns-server-lame',
    summary: 'A DNS server is no authority for the zone',
    detail: `${serverText(server)} answers for ${zone} without authority: it does not serve the zone, or its copy has expired.`,
    hint: 'Take it out of "servers", or mend its copy of the zone.',
  });
}

/** The serial of one server's own copy. */
export const askSerial = async (
  client: ZoneClient,
  server: DnsEndpoint,
  signal?: AbortSignal,
): Promise<number> => client.contentOf(server, await askSoa(client, server, signal), []).serial;

/** What one server itself says of a record. */
export type ServerAnswer =
  | { readonly answers: true; readonly serial: number; readonly rrset: RecordSet | null }
  | { readonly answers: false; readonly failure: ProviderFailure };

export async function askServer(
  client: ZoneClient,
  server: DnsEndpoint,
  record: RecordDeclared,
  signal?: AbortSignal,
): Promise<ServerAnswer> {
  try {
    // The serial first: what is asked later is at least as new.
    const soa = await askSoa(client, server, signal);
    const type = types[record.type];
    const message = await client.ask(server, record.name, type, signal);
    if (message.rcode !== rcodes.NOERROR && message.rcode !== rcodes.NXDOMAIN) {
      throw failedQuestion(client, server, record.name, message);
    }
    const content = client.contentOf(server, soa, message.answers);
    return { answers: true, serial: content.serial, rrset: setAt(content, record.name, type) };
  } catch (error) {
    if (error instanceof ProviderFailure) return { answers: false, failure: error };
    throw error;
  }
}

/** In what a server's answer differs from what it should be, as a clause; undefined: in nothing. */
export function differenceOf(
  answer: ServerAnswer & { readonly answers: true },
  rrset: RecordSet | null,
  serial: number,
): string | undefined {
  if (!sameValue(answer.rrset, rrset)) {
    return `answers ${answer.rrset === null ? 'that there is no such record' : `${answer.rrset.values.join(' ')} with TTL ${answer.rrset.ttlSeconds} s`} (serial ${answer.serial})`;
  }
  return isAtLeast(answer.serial, serial)
    ? undefined
    : `has serial ${answer.serial}, and the primary ${serial}`;
}

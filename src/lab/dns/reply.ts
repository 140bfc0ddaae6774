/** One message in, what is answered to it: who asks is found out first, then the opcode decides. */
import { Malformed } from '../../dns/malformed.ts';
import {
  encodeMessage,
  type Message,
  type Outgoing,
  parseMessage,
  type WireRecord,
} from '../../dns/message.ts';
import { isWithin } from '../../dns/name.ts';
import type { TsigKey } from '../../dns/tsig.ts';
import { type Signer, verifyRequest } from '../../dns/tsig-server.ts';
import { opcodes, rcodes, types } from '../../dns/types.ts';
import { answerOf } from './answers.ts';
import { updated } from './update.ts';
import { otherRecords, soaOf, type Zone } from './zone.ts';

export interface ServedZone {
  /** Canonical. */
  readonly name: string;
  /** Names of keys. */
  readonly updaters: readonly string[];
  readonly readers: readonly string[];
  read(): Zone;
  /** Durable when it returns. */
  write(zone: Zone): void;
}

export interface Desk {
  readonly zones: readonly ServedZone[];
  readonly keys: readonly TsigKey[];
  readonly now: () => number;
  readonly over: 'udp' | 'tcp';
}

/** Without EDNS, which this server does not speak (RFC 1035 section 4.2.1). */
const longestDatagram = 512;
/** A message of a transfer, as far as one record does not make it longer. */
const transferBytes = 16_384;

/** No answer at all to what is none of a client's messages. */
export function reply(bytes: Uint8Array, desk: Desk): readonly Uint8Array[] {
  if (bytes.length < 12 || ((bytes[2] ?? 0) & 0x80) !== 0) return [];
  try {
    return replyTo(bytes, parseMessage(bytes), desk);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const [id, opcode] = [(bytes[0] ?? 0) * 256 + (bytes[1] ?? 0), ((bytes[2] ?? 0) >> 3) & 0xf];
    return [encodeMessage({ id, opcode, isResponse: true, questions: [], rcode: rcodes.FORMERR })];
  }
}

function replyTo(bytes: Uint8Array, message: Message, desk: Desk): readonly Uint8Array[] {
  const signer = verifyRequest(bytes, message, desk.keys, desk.now());
  const envelope = {
    id: message.id,
    opcode: message.opcode,
    isResponse: true,
    recursionDesired: message.recursionDesired,
    questions: message.questions,
  };
  const sealed = (rest: Partial<Outgoing>): Uint8Array => {
    const plain = encodeMessage({ ...envelope, ...rest });
    return signer.who === 'holder' ? signer.signer.sign(plain, desk.now()) : plain;
  };
  if (signer.who === 'stranger' || signer.who === 'late') {
    return [signer.sign(encodeMessage({ ...envelope, rcode: rcodes.NOTAUTH }))];
  }
  const [question] = message.questions;
  if (question === undefined || message.questions.length !== 1) return [sealed({ rcode: rcodes.FORMERR })];
  const zone = zoneOf(question.name, desk.zones);
  switch (message.opcode) {
    case opcodes.QUERY: {
      if (zone === undefined) return [sealed({ rcode: rcodes.REFUSED })];
      if (question.type === types.AXFR) return transfer(zone, question.name, signer, desk, sealed);
      const whole = sealed(answerOf(zone.read(), question));
      return desk.over === 'udp' && whole.length > longestDatagram
        ? [sealed({ isTruncated: true, isAuthoritative: true })]
        : [whole];
    }
    case opcodes.UPDATE:
      return [sealed({ questions: [], rcode: update(message, zone, signer) })];
    default:
      return [sealed({ rcode: rcodes.NOTIMP })];
  }
}

/** The one that is nearest to the name. */
const zoneOf = (name: string, zones: readonly ServedZone[]): ServedZone | undefined =>
  zones
    .filter((zone) => isWithin(name, zone.name))
    .toSorted((a, b) => b.name.length - a.name.length)
    .at(0);

const isOneOf = (signer: Signer, keys: readonly string[]): boolean =>
  signer.who === 'holder' && keys.includes(signer.key.name);

/** The whole zone between its SOA and its SOA, in as many messages as it needs (RFC 5936 section 2.2). */
function transfer(
  zone: ServedZone,
  name: string,
  signer: Signer,
  { over }: Desk,
  sealed: (rest: Partial<Outgoing>) => Uint8Array,
): readonly Uint8Array[] {
  if (name !== zone.name) return [sealed({ rcode: rcodes.NOTAUTH })];
  if (over === 'udp' || !isOneOf(signer, zone.readers)) return [sealed({ rcode: rcodes.REFUSED })];
  const content = zone.read();
  const soa = soaOf(content);
  return chunksOf([soa, ...otherRecords(content), soa]).map((answers) =>
    sealed({ answers, isAuthoritative: true }),
  );
}

function chunksOf(records: readonly WireRecord[]): readonly (readonly WireRecord[])[] {
  const chunks: WireRecord[][] = [[]];
  let size = 0;
  for (const record of records) {
    if (size > transferBytes) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(record);
    size += record.name.length + 12 + record.rdata.length;
  }
  return chunks;
}

/** RFC 2136 section 3: the zone, then the right to change it, then what must hold. */
function update(message: Message, zone: ServedZone | undefined, signer: Signer): number {
  const [question] = message.questions;
  if (question?.type !== types.SOA) return rcodes.FORMERR;
  if (zone === undefined || zone.name !== question.name) return rcodes.NOTAUTH;
  if (!isOneOf(signer, zone.updaters)) return rcodes.REFUSED;
  const before = zone.read();
  const result = updated(before, message);
  if ('rcode' in result) return result.rcode;
  if (result.zone !== before) zone.write(result.zone);
  return rcodes.NOERROR;
}

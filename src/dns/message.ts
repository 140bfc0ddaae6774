/** DNS messages (RFC 1035 section 4, RFC 2136 section 2) between data and bytes. Strict: what is not understood whole is refused. */
import { Malformed } from './malformed.ts';
import { decodeName, encodeName } from './name.ts';
import { expandRdata } from './rdata.ts';
import { types } from './types.ts';

export interface WireQuestion {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface WireRecord extends WireQuestion {
  readonly ttl: number;
  /** Names in it are written out, in lower case. */
  readonly rdata: Uint8Array;
}

export interface Header {
  readonly id: number;
  readonly opcode: number;
  readonly isResponse: boolean;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly recursionDesired: boolean;
  readonly rcode: number;
}

export interface Message extends Header {
  /** In an update: the zone. */
  readonly questions: readonly WireQuestion[];
  /** In an update: what must hold. */
  readonly answers: readonly WireRecord[];
  /** In an update: what is done, in this order. */
  readonly authority: readonly WireRecord[];
  /** Without the signature. */
  readonly additional: readonly WireRecord[];
  /** The signature, and where it begins; it is the last record, or the message is refused (RFC 8945 section 5.1). */
  readonly signature: { readonly record: WireRecord; readonly at: number } | undefined;
}

export interface Outgoing extends Partial<Omit<Header, 'id' | 'opcode'>> {
  readonly id: number;
  readonly opcode: number;
  readonly questions: readonly WireQuestion[];
  readonly answers?: readonly WireRecord[];
  readonly authority?: readonly WireRecord[];
  readonly additional?: readonly WireRecord[];
}

const headerBytes = 12;
const largest = 65_535;

/** The bytes of a message, unsigned and without compression. */
export function encodeMessage(message: Outgoing): Uint8Array {
  const { questions, answers = [], authority = [], additional = [] } = message;
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint16(0, message.id);
  header.setUint16(2, flagsOf(message));
  header.setUint16(4, questions.length);
  header.setUint16(6, answers.length);
  header.setUint16(8, authority.length);
  header.setUint16(10, additional.length);
  const bytes = Buffer.concat([
    new Uint8Array(header.buffer),
    ...questions.map(encodeQuestion),
    ...[...answers, ...authority, ...additional].map(encodeRecord),
  ]);
  if (bytes.length > largest)
    throw new Malformed(`a message of ${bytes.length} bytes; at most ${largest} can be sent`);
  return bytes;
}

const flagsOf = (message: Outgoing): number =>
  (message.isResponse === true ? 0x8000 : 0) |
  (message.opcode << 11) |
  (message.isAuthoritative === true ? 0x400 : 0) |
  (message.isTruncated === true ? 0x200 : 0) |
  (message.recursionDesired === true ? 0x100 : 0) |
  (message.rcode ?? 0);

function encodeQuestion({ name, type, class: of }: WireQuestion): Uint8Array {
  const fixed = Buffer.alloc(4);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(of, 2);
  return Buffer.concat([encodeName(name), fixed]);
}

export function encodeRecord(record: WireRecord): Uint8Array {
  const fixed = Buffer.alloc(6);
  fixed.writeUInt32BE(record.ttl, 0);
  fixed.writeUInt16BE(record.rdata.length, 4);
  return Buffer.concat([encodeQuestion(record), fixed, record.rdata]);
}

/** Reads a message. Throws {@link Malformed}. */
export function parseMessage(bytes: Uint8Array): Message {
  if (bytes.length < headerBytes) throw new Malformed(`a message of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  let at = headerBytes;

  const questions: WireQuestion[] = [];
  for (let index = 0; index < view.getUint16(4); index++) {
    const { name, next } = decodeName(bytes, at);
    if (next + 4 > bytes.length) throw new Malformed('a question runs over the end');
    questions.push({ name, type: view.getUint16(next), class: view.getUint16(next + 2) });
    at = next + 4;
  }
  let signature: Message['signature'];
  const section = (count: number): readonly WireRecord[] => {
    const records: WireRecord[] = [];
    for (let index = 0; index < count; index++) {
      if (signature !== undefined) throw new Malformed('something follows the signature');
      const start = at;
      const { name, next } = decodeName(bytes, at);
      if (next + 10 > bytes.length) throw new Malformed('a record runs over the end');
      const type = view.getUint16(next);
      const end = next + 10 + view.getUint16(next + 8);
      if (end > bytes.length) throw new Malformed('a record runs over the end');
      const record: WireRecord = {
        name,
        type,
        class: view.getUint16(next + 2),
        ttl: view.getUint32(next + 4),
        rdata: expandRdata(bytes, next + 10, end, type),
      };
      at = end;
      if (type === types.TSIG) signature = { record, at: start };
      else records.push(record);
    }
    return records;
  };
  const answers = section(view.getUint16(6));
  const authority = section(view.getUint16(8));
  const additional = section(view.getUint16(10));
  if (at !== bytes.length) throw new Malformed(`${bytes.length - at} bytes follow the message`);
  return {
    id: view.getUint16(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    isAuthoritative: (flags & 0x400) !== 0,
    isTruncated: (flags & 0x200) !== 0,
    recursionDesired: (flags & 0x100) !== 0,
    rcode: flags & 0xf,
    questions,
    answers,
    authority,
    additional,
    signature,
  };
}

/** The content of records: canonical text, as zone files have it, and bytes. */
import { Malformed } from './malformed.ts';
import { decodeName, encodeName } from './name.ts';
import { types } from './types.ts';

const octet = (text: string): number | undefined => {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return value <= 255 && String(value) === text ? value : undefined;
};

function encodeA(text: string): Uint8Array {
  const octets = text.split('.').map(octet);
  if (octets.length !== 4 || octets.includes(undefined))
    throw new Malformed(`${text} is not an IPv4 address`);
  return Uint8Array.from(octets as number[]);
}

/** RFC 4291 section 2.2, with an IPv4 address at the end as well. */
function encodeAaaa(text: string): Uint8Array {
  const refused = new Malformed(`${text} is not an IPv6 address`);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let plain = text;
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const four = encodeA(dotted[2]);
    const pair = (at: number): string => (((four[at] ?? 0) << 8) | (four[at + 1] ?? 0)).toString(16);
    plain = `${dotted[1]}${pair(0)}:${pair(2)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) throw refused;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) throw refused;
  const all = [...head, ...Array.from({ length: halves.length === 1 ? 0 : missing }, () => '0'), ...tail];
  const bytes = new Uint8Array(16);
  for (const [index, group] of all.entries()) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw refused;
    const value = Number.parseInt(group, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 0xff;
  }
  return bytes;
}

/** RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups left out. */
function decodeAaaa(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

const holds = (encode: (text: string) => Uint8Array, text: string): boolean => {
  try {
    encode(text);
    return true;
  } catch {
    return false;
  }
};

export const isIPv4 = (text: string): boolean => holds(encodeA, text);
export const isIPv6 = (text: string): boolean => holds(encodeAaaa, text);

/** Character strings of a TXT record, each in quotes: `"v=1" "two"`. */
function encodeTxt(text: string): Uint8Array {
  const bytes: number[] = [];
  const strings = [...text.matchAll(/\s*"((?:[^"\\]|\\\d{3}|\\.)*)"\s*/gs)];
  if (strings.length === 0 || strings.map(([whole]) => whole).join('') !== text) {
    throw new Malformed(`${text} is not a list of texts in quotes`);
  }
  for (const [, content = ''] of strings) {
    const one: number[] = [];
    for (const [token] of content.matchAll(/\\\d{3}|\\.|./gsu)) {
      if (/^\\\d{3}$/.test(token)) one.push(Number(token.slice(1)));
      else one.push(...Buffer.from(token.startsWith('\\') ? token.slice(1) : token));
    }
    if (one.length > 255) throw new Malformed(`a text of ${one.length} bytes; one string has at most 255`);
    bytes.push(one.length, ...one);
  }
  return Uint8Array.from(bytes);
}

function decodeTxt(bytes: Uint8Array): string {
  const strings: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at] ?? 0;
    if (at + 1 + size > bytes.length) throw new Malformed('a text runs over the end');
    strings.push(quoteText(bytes.subarray(at + 1, at + 1 + size)));
    at += size + 1;
  }
  return strings.join(' ');
}

function quoteText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return `"${text}"`;
}

/** Any text as the canonical value of a TXT record: pieces of 255 bytes where it is longer. */
export function txtValue(text: string): string {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255)
    pieces.push(quoteText(bytes.subarray(at, at + 255)));
  return pieces.join(' ');
}

const shorts = (...values: readonly number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));

function encodeSrv(text: string): Uint8Array {
  const match = /^(\d+) (\d+) (\d+) (\S+)$/.exec(text);
  const numbers = match?.slice(1, 4).map(Number) ?? [];
  if (match?.[4] === undefined || numbers.some((number) => number > 0xffff)) {
    throw new Malformed(`${text} is not "priority weight port target."`);
  }
  return Buffer.concat([shorts(...numbers), encodeName(match[4])]);
}

/** What this program writes. Throws {@link Malformed}. */
export function encodeRdata(type: number, text: string): Uint8Array {
  switch (type) {
    case types.A:
      return encodeA(text);
    case types.AAAA:
      return encodeAaaa(text);
    case types.CNAME:
      return encodeName(text);
    case types.TXT:
      return encodeTxt(text);
    case types.SRV:
      return encodeSrv(text);
    default:
      throw new Malformed(`records of type ${type} are not written`);
  }
}

/** The content of an SOA with another serial (RFC 1035 section 3.3.13). */
export function withSerial(soa: Uint8Array, serial: number): Uint8Array {
  const copy = Buffer.from(soa);
  copy.writeUInt32BE(serial >>> 0, soa.length - 20);
  return copy;
}

export interface Soa {
  readonly primary: string;
  readonly serial: number;
  /** How long a name is remembered not to exist, bounded by the SOA's own TTL (RFC 2308 section 5). */
  readonly minimumSeconds: number;
}

export function decodeSoa(rdata: Uint8Array): Soa {
  const { name: primary, next: mailbox } = decodeName(rdata, 0);
  const { next } = decodeName(rdata, mailbox);
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  if (next + 20 !== rdata.length) throw new Malformed('an SOA of a wrong length');
  return { primary, serial: view.getUint32(next), minimumSeconds: view.getUint32(next + 16) };
}

/** The canonical text of a content whose names are written out; what has no text of its own as RFC 3597 has it. */
export function decodeRdata(type: number, rdata: Uint8Array): string {
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  switch (type) {
    case types.A:
      if (rdata.length !== 4) throw new Malformed(`an A record of ${rdata.length} bytes`);
      return rdata.join('.');
    case types.AAAA:
      if (rdata.length !== 16) throw new Malformed(`an AAAA record of ${rdata.length} bytes`);
      return decodeAaaa(rdata);
    case types.CNAME:
    case types.NS:
    case types.PTR:
    case types.DNAME:
      return decodeName(rdata, 0).name;
    case types.TXT:
      return decodeTxt(rdata);
    case types.SRV:
      if (rdata.length < 7) throw new Malformed(`an SRV record of ${rdata.length} bytes`);
      return `${view.getUint16(0)} ${view.getUint16(2)} ${view.getUint16(4)} ${decodeName(rdata, 6).name}`;
    default:
      return `\\# ${rdata.length} ${Buffer.from(rdata).toString('hex')}`;
  }
}

/** Where names begin in the content of the types that may have compressed ones (RFC 3597 section 4). */
const namesIn: ReadonlyMap<number, { readonly before: number; readonly names: number }> = new Map([
  [types.NS, { before: 0, names: 1 }],
  [types.CNAME, { before: 0, names: 1 }],
  [types.PTR, { before: 0, names: 1 }],
  [types.DNAME, { before: 0, names: 1 }],
  [types.SOA, { before: 0, names: 2 }],
  [types.MX, { before: 2, names: 1 }],
  [types.SRV, { before: 6, names: 1 }],
]);

/** The content of a record in a message, with its names written out and in lower case, so that it can be compared. */
export function expandRdata(message: Uint8Array, start: number, end: number, type: number): Uint8Array {
  const layout = namesIn.get(type);
  // Requirements and deletions of an update have no content at all.
  if (layout === undefined || start === end) return message.slice(start, end);
  const parts: Uint8Array[] = [message.subarray(start, start + layout.before)];
  let at = start + layout.before;
  for (let index = 0; index < layout.names; index++) {
    const { name, next } = decodeName(message, at);
    parts.push(encodeName(name));
    at = next;
  }
  if (at > end) throw new Malformed('a name runs over the end of its record');
  parts.push(message.subarray(at, end));
  return Uint8Array.from(Buffer.concat(parts));
}

/** Signatures by a shared key (TSIG, RFC 8945): of requests, of replies, and of the messages of a zone transfer. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Malformed } from './malformed.ts';
import { encodeRecord, type Message } from './message.ts';
import { decodeName, encodeName } from './name.ts';
import { classes, tsigErrors, types } from './types.ts';

/** Algorithms that may sign; MD5 and SHA-1 are refused (RFC 8945 section 6 makes SHA-256 the one that all have). */
const hashes = { 'hmac-sha256': 'sha256', 'hmac-sha384': 'sha384', 'hmac-sha512': 'sha512' } as const;

export interface TsigKey {
  /** Canonical. */
  readonly name: string;
  readonly algorithm: keyof typeof hashes;
  readonly secret: Uint8Array;
}

/** How far clocks may be apart, in seconds (RFC 8945 section 10). A lost update can be applied for so long. */
export const fudgeSeconds = 300;

export interface Signed {
  readonly bytes: Uint8Array;
  readonly mac: Uint8Array;
}

export interface Tsig {
  readonly algorithm: string;
  readonly timeSeconds: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** Signs a request. Sign afresh for every attempt: the time is part of it. */
export function signRequest(message: Uint8Array, key: TsigKey, nowMs: number): Signed {
  const timeSeconds = Math.floor(nowMs / 1000);
  const id = (message[0] ?? 0) * 256 + (message[1] ?? 0);
  const stamp = {
    algorithm: `${key.algorithm}.`,
    timeSeconds,
    fudge: fudgeSeconds,
    error: 0,
    other: nothing,
  };
  const mac = digest(key, [message, variables(key.name, stamp)]);
  return { bytes: withSignature(message, key.name, { ...stamp, mac, originalId: id }), mac };
}

/** The message with the signature as its last record. */
export function withSignature(message: Uint8Array, keyName: string, tsig: Tsig): Uint8Array {
  const record = encodeRecord({
    name: keyName,
    type: types.TSIG,
    class: classes.ANY,
    ttl: 0,
    rdata: encodeTsig(tsig),
  });
  const bytes = Buffer.concat([message, record]);
  bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10);
  return bytes;
}

/** What was signed: the bytes before the signature, with the counter and the id as they were before it was added. */
export function signedPart(bytes: Uint8Array, at: number, originalId: number): Uint8Array {
  const signed = Buffer.from(bytes.subarray(0, at));
  signed.writeUInt16BE(signed.readUInt16BE(10) - 1, 10);
  signed.writeUInt16BE(originalId, 0);
  return signed;
}

const nothing = new Uint8Array(0);

export const digest = (key: TsigKey, parts: readonly Uint8Array[]): Uint8Array => {
  const hmac = createHmac(hashes[key.algorithm], key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

export const timers = ({ timeSeconds, fudge }: Pick<Tsig, 'timeSeconds' | 'fudge'>): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(timeSeconds, 0, 6);
  bytes.writeUInt16BE(fudge, 6);
  return bytes;
};

export const short = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/** The TSIG variables (RFC 8945 section 4.3.3): names in canonical form, class ANY, TTL 0. */
export const variables = (name: string, stamp: Omit<Tsig, 'mac' | 'originalId'>): Uint8Array =>
  Buffer.concat([
    encodeName(name),
    short(classes.ANY),
    Buffer.alloc(4),
    encodeName(stamp.algorithm),
    timers(stamp),
    short(stamp.error),
    short(stamp.other.length),
    stamp.other,
  ]);

const encodeTsig = (tsig: Tsig): Uint8Array =>
  Buffer.concat([
    encodeName(tsig.algorithm),
    timers(tsig),
    short(tsig.mac.length),
    tsig.mac,
    short(tsig.originalId),
    short(tsig.error),
    short(tsig.other.length),
    tsig.other,
  ]);

/** Throws {@link Malformed}. */
export function decodeTsig(rdata: Uint8Array): Tsig {
  const { name: algorithm, next } = decodeName(rdata, 0);
  const bytes = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  if (next + 10 > bytes.length) throw new Malformed('a signature is cut off');
  const macBytes = bytes.readUInt16BE(next + 8);
  const afterMac = next + 10 + macBytes;
  if (afterMac + 6 > bytes.length) throw new Malformed('a signature is cut off');
  const otherBytes = bytes.readUInt16BE(afterMac + 4);
  if (afterMac + 6 + otherBytes !== bytes.length) throw new Malformed('a signature has a wrong length');
  return {
    algorithm,
    timeSeconds: bytes.readUIntBE(next, 6),
    fudge: bytes.readUInt16BE(next + 6),
    mac: bytes.subarray(next + 10, afterMac),
    originalId: bytes.readUInt16BE(afterMac),
    error: bytes.readUInt16BE(afterMac + 2),
    other: bytes.subarray(afterMac + 6),
  };
}

function readTsig(rdata: Uint8Array): Tsig | undefined {
  try {
    return decodeTsig(rdata);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/**
 * What a signature proves. `verified`: the reply comes from a holder of the key and answers this request; `error` is
 * what the server says about our signature (BADTIME is signed). Anything else proves nothing, and its reason stands
 * beside what the reply claims.
 */
export type Verdict =
  | {
      readonly verified: true;
      readonly mac: Uint8Array;
      readonly error: number;
      readonly clockOffSeconds: number | undefined;
    }
  | { readonly verified: false; readonly why: string; readonly error: number };

/**
 * Verifies replies to one request, in the order in which they come: one, or all those of a zone transfer, in which
 * some may be unsigned as long as the next signature covers them (RFC 8945 section 5.3.1; at most 99 in a row).
 */
export class ReplyVerifier {
  readonly #key: TsigKey;
  #prior: Uint8Array;
  #isFirst = true;
  #unsigned: Uint8Array[] = [];

  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#prior = requestMac;
  }

  /** Whether everything so far is covered by a signature. */
  get isSettled(): boolean {
    return !this.#isFirst && this.#unsigned.length === 0;
  }

  /** Takes an unsigned message of a stream; false: there may be no such message here. */
  passUnsigned(bytes: Uint8Array): boolean {
    if (this.#isFirst || this.#unsigned.length >= 99) return false;
    this.#unsigned.push(bytes);
    return true;
  }

  /** Never throws for what is in them: what comes in answer may be anybody's. */
  verify(bytes: Uint8Array, message: Message, nowMs: number): Verdict {
    if (message.signature === undefined) return { verified: false, why: 'it is not signed', error: 0 };
    const tsig = readTsig(message.signature.record.rdata);
    if (tsig === undefined) return { verified: false, why: 'its signature cannot be read', error: 0 };
    const { error } = tsig;
    const doubt = (why: string): Verdict => ({ verified: false, why, error });
    if (message.signature.record.name !== this.#key.name)
      return doubt(`it is signed by the key ${message.signature.record.name}`);
    if (tsig.algorithm !== `${this.#key.algorithm}.`) return doubt(`it is signed with ${tsig.algorithm}`);
    if (tsig.mac.length === 0) return doubt('its signature is empty');

    const signed = signedPart(bytes, message.signature.at, tsig.originalId);
    const expected = digest(this.#key, [
      short(this.#prior.length),
      this.#prior,
      ...this.#unsigned,
      signed,
      this.#isFirst ? variables(this.#key.name, tsig) : timers(tsig),
    ]);
    if (expected.length !== tsig.mac.length || !timingSafeEqual(expected, tsig.mac)) {
      return doubt('its signature is wrong');
    }
    this.#prior = tsig.mac;
    this.#isFirst = false;
    this.#unsigned = [];
    const isLate = error === tsigErrors.BADTIME;
    // A complaint about the time carries our own time, and the server's beside it.
    const serverSeconds =
      isLate && tsig.other.length === 6 ? Buffer.from(tsig.other).readUIntBE(0, 6) : tsig.timeSeconds;
    const offSeconds = serverSeconds - Math.floor(nowMs / 1000);
    if (!isLate && Math.abs(offSeconds) > tsig.fudge)
      return doubt(`its time is ${Math.abs(offSeconds)} s off`);
    return { verified: true, mac: tsig.mac, error, clockOffSeconds: isLate ? offSeconds : undefined };
  }
}

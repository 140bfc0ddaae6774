/** The other side of TSIG (RFC 8945 section 5.2): requests that are verified, replies that are signed. */
import { timingSafeEqual } from 'node:crypto';
import type { Message } from './message.ts';
import {
  decodeTsig,
  digest,
  short,
  signedPart,
  type TsigKey,
  timers,
  variables,
  withSignature,
} from './tsig.ts';
import { tsigErrors } from './types.ts';

/** Who signed a request. `stranger`: nobody that can be told from anybody else, and the error to say so with. */
export type Signer =
  | { readonly who: 'nobody' }
  | { readonly who: 'holder'; readonly key: TsigKey; readonly signer: ReplySigner }
  | {
      readonly who: 'late';
      readonly key: TsigKey;
      readonly signer: ReplySigner;
      readonly sign: (reply: Uint8Array) => Uint8Array;
    }
  | { readonly who: 'stranger'; readonly sign: (reply: Uint8Array) => Uint8Array };

/** Checks key, signature and time, in this order, so that nobody without the key learns the server's clock. */
export function verifyRequest(
  bytes: Uint8Array,
  message: Message,
  keys: readonly TsigKey[],
  nowMs: number,
): Signer {
  if (message.signature === undefined) return { who: 'nobody' };
  const { record, at } = message.signature;
  const tsig = decodeTsig(record.rdata);
  const stranger = (error: number): Signer => ({
    who: 'stranger',
    sign: (reply) => withSignature(reply, record.name, { ...tsig, mac: nothing, error, other: nothing }),
  });
  const key = keys.find((each) => each.name === record.name && `${each.algorithm}.` === tsig.algorithm);
  if (key === undefined) return stranger(tsigErrors.BADKEY);
  const expected = digest(key, [signedPart(bytes, at, tsig.originalId), variables(key.name, tsig)]);
  if (expected.length !== tsig.mac.length || !timingSafeEqual(expected, tsig.mac))
    return stranger(tsigErrors.BADSIG);
  const signer = new ReplySigner(key, tsig.mac, tsig.originalId);
  const nowSeconds = Math.floor(nowMs / 1000);
  if (Math.abs(nowSeconds - tsig.timeSeconds) <= tsig.fudge) return { who: 'holder', key, signer };
  const serverTime = Buffer.alloc(6);
  serverTime.writeUIntBE(nowSeconds, 0, 6);
  return {
    who: 'late',
    key,
    signer,
    sign: (reply) => signer.sign(reply, tsig.timeSeconds * 1000, tsigErrors.BADTIME, serverTime),
  };
}

const nothing = new Uint8Array(0);

/** Signs what answers one request, in the order in which it is sent: one message, or all those of a zone transfer. */
export class ReplySigner {
  readonly #key: TsigKey;
  readonly #originalId: number;
  #prior: Uint8Array;
  #isFirst = true;

  constructor(key: TsigKey, requestMac: Uint8Array, originalId: number) {
    this.#key = key;
    this.#prior = requestMac;
    this.#originalId = originalId;
  }

  sign(reply: Uint8Array, nowMs: number, error = 0, other: Uint8Array = nothing): Uint8Array {
    const stamp = {
      algorithm: `${this.#key.algorithm}.`,
      timeSeconds: Math.floor(nowMs / 1000),
      fudge: 300,
      error,
      other,
    };
    const mac = digest(this.#key, [
      short(this.#prior.length),
      this.#prior,
      reply,
      this.#isFirst ? variables(this.#key.name, stamp) : timers(stamp),
    ]);
    this.#prior = mac;
    this.#isFirst = false;
    return withSignature(reply, this.#key.name, { ...stamp, mac, originalId: this.#originalId });
  }
}

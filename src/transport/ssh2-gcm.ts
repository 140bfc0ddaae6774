/** What the packets of AES-GCM are made of (RFC 5647), and ssh2's own cipher of them as it is inside. */
import { type KeyObject, randomFillSync } from 'node:crypto';

export interface GcmCipher {
  readonly _encSSLName: 'aes-128-gcm' | 'aes-256-gcm';
  _encKey: KeyObject | Uint8Array;
  readonly _encIV: Uint8Array;
  readonly _onWrite: (bytes: Uint8Array) => void;
  outSeqno: number;
  /** A packet with room for so many bytes from its sixth on, its length and padding written. */
  allocPacket: (payloadBytes: number) => Buffer;
}

export function isGcm(cipher: unknown): cipher is GcmCipher {
  const { _encSSLName, _encKey, _encIV, _onWrite, outSeqno, allocPacket } = (cipher ??
    {}) as Partial<GcmCipher>;
  return (
    (_encSSLName === 'aes-128-gcm' || _encSSLName === 'aes-256-gcm') &&
    _encKey !== undefined &&
    _encIV instanceof Uint8Array &&
    _encIV.length === 12 &&
    typeof _onWrite === 'function' &&
    typeof outSeqno === 'number' &&
    typeof allocPacket === 'function'
  );
}

const lengthBytes = 4;
const blockBytes = 16;

/** For so many bytes after the length: whole blocks, and at least four bytes (RFC 4253 section 6). */
export const paddingOf = (bytes: number): number =>
  blockBytes - (bytes % blockBytes) + (bytes % blockBytes > 12 ? blockBytes : 0);

/** Padding for many packets: to ask OpenSSL for that of each takes as long as half of its encryption. */
const random = Buffer.allocUnsafeSlow(4096);
let randomUsed = random.length;

/** Fills `packet` between the two places with random bytes that nothing else was filled with. */
export function pad(packet: Buffer, start: number, end: number): void {
  if (randomUsed + end - start > random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  random.copy(packet, start, randomUsed, randomUsed + end - start);
  randomUsed += end - start;
}

/** As ssh2's, with padding out of what was made for many. */
export function allocPacket(payloadBytes: number): Buffer {
  const padding = paddingOf(1 + payloadBytes);
  const packet = Buffer.allocUnsafe(lengthBytes + 1 + payloadBytes + padding);
  packet.writeUInt32BE(packet.length - lengthBytes);
  packet[lengthBytes] = padding;
  pad(packet, packet.length - padding, packet.length);
  return packet;
}

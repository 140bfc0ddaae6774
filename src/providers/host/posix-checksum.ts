/** The checksum that POSIX `cksum` prints, at the speed of zlib's. */
import { crc32 } from 'node:zlib';

/** Bytes are turned around here, so many at a time, before zlib gets them. */
const turned = new Uint32Array(64 * 1024);
const turnedBytes = new Uint8Array(turned.buffer);

/** zlib gives the complement of what stands in the register: with this it begins at zero, as cksum does. */
const nothing = 0xffff_ffff;

/**
 * POSIX has the polynomial of zlib's CRC-32 (0x04C11DB7), but goes through each byte from its highest bit, where zlib begins at
 * the lowest, starts with 0, and puts the length behind the bytes (XCU, cksum, EXTENDED DESCRIPTION). So each byte is
 * turned around for zlib, and the result turned back. Finds any change of up to 32 bits in a row, and all but one in 2^32 of others.
 */
export class PosixChecksum {
  #crc = nothing;
  #bytes = 0;

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += turnedBytes.length) {
      this.#take(bytes.subarray(at, at + turnedBytes.length));
    }
    this.#bytes += bytes.length;
  }

  /** Of all bytes so far, as `cksum` prints it: the CRC, a space, and how many bytes there are. */
  get text(): string {
    const length: number[] = [];
    for (let rest = this.#bytes; rest > 0; rest = Math.floor(rest / 256)) length.push(rest % 256);
    const whole = new PosixChecksum();
    whole.#crc = this.#crc;
    whole.#take(Uint8Array.from(length));
    // Of both complements, zlib's and that of POSIX, nothing is left.
    return `${turnWord(whole.#crc)} ${this.#bytes}`;
  }

  #take(bytes: Uint8Array): void {
    turnedBytes.set(bytes);
    const words = Math.ceil(bytes.length / 4);
    for (let at = 0; at < words; at += 1) turned[at] = turnBytes(turned[at] ?? 0);
    this.#crc = crc32(turnedBytes.subarray(0, bytes.length), this.#crc);
  }
}

/** Each of the four bytes with its bits in the opposite order. */
function turnBytes(word: number): number {
  const pairs = ((word >>> 1) & 0x5555_5555) | ((word & 0x5555_5555) << 1);
  const fours = ((pairs >>> 2) & 0x3333_3333) | ((pairs & 0x3333_3333) << 2);
  return ((fours >>> 4) & 0x0f0f_0f0f) | ((fours & 0x0f0f_0f0f) << 4);
}

/** All 32 bits in the opposite order. */
function turnWord(word: number): number {
  const bytes = turnBytes(word);
  return ((bytes >>> 24) | ((bytes >>> 8) & 0xff00) | ((bytes & 0xff00) << 8) | (bytes << 24)) >>> 0;
}

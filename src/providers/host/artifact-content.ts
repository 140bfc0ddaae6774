/** The bytes of one artifact, by chunks. What is small enough is read once: what was digested is what is sent. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { PosixChecksum } from './posix-checksum.ts';

/** Large enough that the cost of each does not show. */
export const chunkBytes = 256 * 1024;

/** A millisecond each. */
const chunksInTurn = 4;

/**
 * So much of an artifact is held while any host gets it. All of one that fits is held, so that each byte is read once. Of a
 * larger one, hosts that go side by side find each chunk here, and one that lags behind has it read again.
 */
const heldBytes = 128 * 1024 * 1024;

/** There are fewer bytes now than there were when it was opened. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

/** Chunks by their number; those used last are held. */
export class Content {
  readonly bytes: number;
  readonly #file: FileHandle;
  readonly #held = new Map<number, Promise<Buffer>>();
  /** Where all of it can be held, in one piece: for each of many, V8 would sooner look for what is not used any more. */
  readonly #whole: Buffer | undefined;
  #checksum: Promise<string> | undefined;
  #digest: Promise<string> | undefined;

  constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.bytes = bytes;
    this.#whole = bytes <= heldBytes ? Buffer.allocUnsafeSlow(bytes) : undefined;
  }

  /** Whether {@link chunk} always gives the same bytes, those that {@link digest} and {@link checksum} are of. */
  get isHeld(): boolean {
    return this.#whole !== undefined;
  }

  /** Throws {@link CutOff}, or what the file system says. */
  chunk(index: number): Promise<Buffer> {
    const chunk = this.#held.get(index) ?? this.#read(index);
    // Last in the map is used last.
    this.#held.delete(index);
    this.#held.set(index, chunk);
    if (this.#held.size * chunkBytes > heldBytes) {
      for (const oldest of this.#held.keys()) {
        this.#held.delete(oldest);
        break;
      }
    }
    return chunk;
  }

  async #read(index: number): Promise<Buffer> {
    const start = index * chunkBytes;
    const end = Math.min(start + chunkBytes, this.bytes);
    const chunk = this.#whole?.subarray(start, end) ?? Buffer.allocUnsafeSlow(end - start);
    for (let filled = 0; filled < chunk.length; ) {
      const { bytesRead } = await this.#file.read(chunk, filled, chunk.length - filled, start + filled);
      if (bytesRead === 0) throw new CutOff('it became shorter while it was sent');
      filled += bytesRead;
    }
    return chunk;
  }

  /** What POSIX `cksum` says of it. Throws as {@link chunk} does, and the same goes for {@link digest}. Both are made once. */
  checksum(): Promise<string> {
    this.#checksum ??= this.#put(new PosixChecksum()).then(({ text }) => text);
    return this.#checksum;
  }

  /** The SHA-256 of it, in hex. */
  digest(): Promise<string> {
    this.#digest ??= this.#put(createHash('sha256')).then((hash) => hash.digest('hex'));
    return this.#digest;
  }

  /** Puts all chunks into it, a few in each turn of the event loop: whatever is sent meanwhile goes on, but not overtakes. */
  async #put<T extends { update(bytes: Buffer): unknown }>(into: T): Promise<T> {
    for (let index = 0; index * chunkBytes < this.bytes; index += 1) {
      into.update(await this.chunk(index));
      if (index % chunksInTurn === chunksInTurn - 1) await setImmediate();
    }
    return into;
  }

  close(): Promise<void> {
    this.#held.clear();
    return this.#file.close();
  }
}

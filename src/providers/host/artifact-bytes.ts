/** The bytes of artifacts for many hosts at once: each read once, and held in a bounded part of the memory. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactDeclared, systemReason } from '../../model/index.ts';
import { isDigestKnown } from './file-digest.ts';
import { packFolder } from './folder-pack.ts';

/** Large enough that the cost of each does not show. */
const chunkBytes = 256 * 1024;

/**
 * So much of an artifact is held while any host gets it: hosts that go side by side find each chunk there, one that
 * lags behind has it read again. Raise it where many hosts of different speed get large artifacts.
 */
const heldBytes = 128 * 1024 * 1024;

/** The artifact is not what was planned, or can no longer be read. Nothing of it was handed out. */
export class ArtifactChanged extends Error {
  override readonly name = 'ArtifactChanged';
}

export class ArtifactBytes {
  readonly #cache: string | undefined;
  readonly #open = new Map<string, { users: number; readonly content: Promise<Content> }>();

  constructor(cache: string | undefined) {
    this.#cache = cache;
  }

  #pathOf({ fromUrl, path, sha256 }: ArtifactDeclared): string {
    if (fromUrl !== true) return path;
    if (this.#cache === undefined) throw new ArtifactChanged(`${path} has no cache to lie in`);
    return join(this.#cache, sha256);
  }

  /**
   * Throws {@link ArtifactChanged} if the bytes are no longer those that were declared. (What changes after that is found
   * by the host, which has the digest too.)
   */
  async open(artifact: ArtifactDeclared): Promise<OpenArtifact> {
    const path = this.#pathOf(artifact);
    const key = `${artifact.kind} ${artifact.sha256} ${path}`;
    const shared = this.#open.get(key) ?? { users: 0, content: openContent(artifact, path) };
    this.#open.set(key, shared);
    shared.users += 1;
    const close = async (): Promise<void> => {
      shared.users -= 1;
      if (shared.users > 0) return;
      this.#open.delete(key);
      await shared.content.then((content) => content.close()).catch(() => {});
    };
    try {
      const content = await shared.content;
      return { from: (offset) => chunksOf(content, offset), [Symbol.asyncDispose]: close };
    } catch (error) {
      await close();
      throw error;
    }
  }
}

export interface OpenArtifact extends AsyncDisposable {
  /** The chunks from this byte on. Throws {@link ArtifactChanged} where there are fewer bytes now. */
  from(offset: number): AsyncGenerator<Buffer>;
}

async function* chunksOf(content: Content, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < content.bytes; ) {
    const chunk = await content.chunk(Math.floor(at / chunkBytes));
    const part = at % chunkBytes === 0 ? chunk : chunk.subarray(at % chunkBytes);
    at += part.length;
    yield part;
  }
}

/** Chunks by their number; those used last are held. */
class Content {
  readonly bytes: number;
  readonly #file: FileHandle;
  readonly #held = new Map<number, Promise<Buffer>>();
  /** Where all of it can be held, in one piece: for each of many, V8 would sooner look for what is not used any more. */
  readonly #whole: Buffer | undefined;

  constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.bytes = bytes;
    this.#whole = bytes <= heldBytes ? Buffer.allocUnsafeSlow(bytes) : undefined;
  }

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
      if (bytesRead === 0) throw new ArtifactChanged('it became shorter while it was sent');
      filled += bytesRead;
    }
    return chunk;
  }

  /** The digest of all of it; what fits stays held. */
  async digest(): Promise<string> {
    const hash = createHash('sha256');
    for (let index = 0; index * chunkBytes < this.bytes; index += 1) hash.update(await this.chunk(index));
    return hash.digest('hex');
  }

  close(): Promise<void> {
    this.#held.clear();
    return this.#file.close();
  }
}

async function openContent(artifact: ArtifactDeclared, path: string): Promise<Content> {
  let content: Content | undefined;
  try {
    const file = artifact.kind === 'folder' ? await packedFile(path) : await open(path, 'r');
    content = new Content(file, (await file.stat()).size);
    if (await isDigestKnown(file, artifact.sha256)) return content;
    const sha256 = await content.digest();
    if (sha256 === artifact.sha256) return content;
    throw new ArtifactChanged(
      `${artifact.path} has the SHA-256 ${sha256} now, but it had ${artifact.sha256} when it was planned`,
    );
  } catch (error) {
    await content?.close();
    if (error instanceof ArtifactChanged) throw error;
    throw new ArtifactChanged(`${artifact.path} can no longer be read: ${systemReason(error)}`);
  }
}

/** A folder packed into a file that has no name any more: it is gone with this process, however that ends. */
async function packedFile(folder: string): Promise<FileHandle> {
  const place = await mkdtemp(join(tmpdir(), 'deployctl-pack-'));
  try {
    const file = await open(join(place, 'packed.tar'), 'wx+', 0o600);
    try {
      for await (const block of inChunks(packFolder(folder))) await file.appendFile(block);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** tar comes in blocks of 512 bytes: together they are written faster. */
async function* inChunks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const block of source) {
    held.push(block);
    bytes += block.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** The bytes of artifacts for many hosts at once: each read once, and held in a bounded part of the memory. */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactDeclared, systemReason } from '../../model/index.ts';
import { Content, chunkBytes } from './artifact-content.ts';
import { isDigestKnown } from './file-digest.ts';
import { packFolder } from './folder-pack.ts';

/** The artifact is not what was planned, or can no longer be read. It was not handed out to its end. */
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

  /** Throws {@link ArtifactChanged} if the bytes are seen to be no longer those that were declared. */
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
      return {
        checksum: content.isHeld ? await content.checksum() : undefined,
        from: (offset) => chunksOf(content, artifact, offset),
        [Symbol.asyncDispose]: close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  }
}

export interface OpenArtifact extends AsyncDisposable {
  /**
   * What POSIX `cksum` says of the artifact. Undefined: it may have changed since it was digested, so that whoever gets it
   * has to digest it.
   */
  readonly checksum: string | undefined;
  /**
   * The chunks from this byte on. Throws {@link ArtifactChanged} where it can be read no longer; and, where there is a
   * checksum, in the last chunk's place if not all bytes have the digest that was declared.
   */
  from(offset: number): AsyncGenerator<Buffer>;
}

async function* chunksOf(
  content: Content,
  artifact: ArtifactDeclared,
  offset: number,
): AsyncGenerator<Buffer> {
  // Beside what is sent, if that was not done before.
  if (content.isHeld) content.digest().catch(() => {});
  for (let at = offset; at < content.bytes; ) {
    const chunk = await content.chunk(Math.floor(at / chunkBytes)).catch((error: unknown) => {
      throw unreadable(artifact, error);
    });
    const part = at % chunkBytes === 0 ? chunk : chunk.subarray(at % chunkBytes);
    at += part.length;
    if (at === content.bytes && content.isHeld) await expectDigest(content, artifact);
    yield part;
  }
}

/** Throws {@link ArtifactChanged} if the bytes do not have the digest that was declared. */
async function expectDigest(content: Content, { path, sha256: declared }: ArtifactDeclared): Promise<void> {
  const sha256 = await content.digest();
  if (sha256 === declared) return;
  throw new ArtifactChanged(
    `${path} has the SHA-256 ${sha256} now, but it had ${declared} when it was planned`,
  );
}

async function openContent(artifact: ArtifactDeclared, path: string): Promise<Content> {
  let file: FileHandle | undefined;
  try {
    file = artifact.kind === 'folder' ? await packedFile(path) : await open(path, 'r');
    const content = new Content(file, (await file.stat()).size);
    // What looks as it did when it was digested may be sent at once, up to its last chunk.
    if (!(await isDigestKnown(file, artifact.sha256))) await expectDigest(content, artifact);
    if (content.isHeld) await content.checksum();
    return content;
  } catch (error) {
    await file?.close();
    throw error instanceof ArtifactChanged ? error : unreadable(artifact, error);
  }
}

const unreadable = ({ path }: ArtifactDeclared, error: unknown): ArtifactChanged =>
  new ArtifactChanged(`${path} can no longer be read: ${systemReason(error)}`);

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

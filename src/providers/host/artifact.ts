/** The artifact on the operator's side: what it is, its digest, and its bytes for many hosts at once. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ArtifactDeclared,
  asSha256,
  type Diagnostic,
  type Outcome,
  type Sha256,
  visible,
} from '../../model/index.ts';
import { checkArchive } from './archive-check.ts';
import { FolderPackError, packFolder } from './folder-pack.ts';
import { isPathComponent } from './layout.ts';

/** Chunks of a transfer: large enough that the cost of each does not show. */
const chunkBytes = 256 * 1024;

const archiveNames = /\.(tar|tar\.gz|tgz)$/i;
const foreignArchives = /\.(zip|tar\.(xz|bz2|zst|lz4|lzma)|txz|tbz2?|tzst|7z|rar)$/i;

/** Whether the name says that the archive is compressed. */
export const isGzipped = (fileName: string): boolean => /\.(tgz|tar\.gz)$/i.test(fileName);

/**
 * Reads an artifact once: kind by its name and nature, digest, size, and whether every entry of an archive may be
 * unpacked. Never throws for what is wrong with the artifact. The digest of a folder is that of its packed bytes.
 */
export async function readArtifact(path: string): Promise<Outcome<ArtifactDeclared>> {
  const fileName = basename(path);
  const complaint = (code: string, summary: string, detail: string, hint?: string): Outcome<never> => {
    const diagnostic: Diagnostic = {
      code,
      severity: 'error',
      summary,
      detail,
      ...(hint === undefined ? {} : { hint }),
    };
    return { ok: false, diagnostics: [diagnostic] };
  };
  try {
    const found = await stat(path);
    if (!isPathComponent(fileName)) {
      return complaint(
        'artifact-name',
        'Artifact has an unusable name',
        `${visible(path)} can not be the name of a file on a host.`,
      );
    }
    if (found.isDirectory()) {
      const { sha256, bytes } = await digestOf(packFolder(path));
      return whole({ path, kind: 'folder', fileName, sha256, bytes });
    }
    if (!found.isFile()) {
      return complaint(
        'artifact-kind',
        'Artifact is neither a file nor a folder',
        `${path} is something else.`,
      );
    }
    if (foreignArchives.test(fileName)) {
      return complaint(
        'artifact-kind',
        'Kind of archive is not supported',
        `${path} is to be unpacked on hosts that are only known to have tar and gzip.`,
        'Pack it as .tar.gz (or .tar), or name the folder itself as the artifact.',
      );
    }
    if (archiveNames.test(fileName)) {
      const verdict = await checkArchive(createReadStream(path), isGzipped(fileName));
      if (!verdict.ok) {
        return verdict.because === 'unsafe'
          ? complaint(
              'artifact-unsafe-entry',
              'Archive has entries that must not be unpacked',
              `${path}: ${verdict.reasons.join('; ')}.`,
              'Pack it again from a folder of its own, without absolute paths, "..", devices or links that lead out.',
            )
          : complaint(
              'artifact-broken',
              'Archive can not be read',
              `${path}: ${verdict.reasons.join('; ')}.`,
              'It is cut off or damaged: build or fetch it again.',
            );
      }
    }
    const { sha256, bytes } = await digestOf(createReadStream(path, { highWaterMark: chunkBytes }));
    return whole({ path, kind: archiveNames.test(fileName) ? 'archive' : 'file', fileName, sha256, bytes });
  } catch (error) {
    if (error instanceof FolderPackError) {
      return complaint('artifact-unsafe-entry', 'Folder can not be packed', `${visible(error.message)}.`);
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return complaint(
        'artifact-missing',
        'Artifact does not exist',
        `There is no ${visible(path)}.`,
        "Build it first, or correct artifact in the release block (it is relative to the environment's folder).",
      );
    }
    if (code === undefined) throw error;
    return complaint(
      'artifact-unreadable',
      'Artifact can not be read',
      `${visible(path)}: ${visible(message)}.`,
    );
  }
}

const whole = (value: ArtifactDeclared): Outcome<ArtifactDeclared> => ({ ok: true, value, diagnostics: [] });

async function digestOf(source: AsyncIterable<Buffer>): Promise<{ sha256: Sha256; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: asSha256(hash.digest('hex')), bytes };
}

/** What is sent to hosts for this artifact. */
const openArtifact = (artifact: ArtifactDeclared): AsyncIterable<Buffer> =>
  artifact.kind === 'folder'
    ? inChunks(packFolder(artifact.path))
    : createReadStream(artifact.path, { highWaterMark: chunkBytes });

/** tar comes in blocks of 512 bytes: together they travel better. */
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

/** Up to this size an artifact that several hosts get at once is read once and held while any of them needs it. */
const sharedAtMost = 256 * 1024 * 1024;

/** The bytes of artifacts, each read once for all transfers that overlap in time. */
export class ArtifactBytes {
  readonly #shared = new Map<string, { users: number; readonly content: Promise<readonly Buffer[]> }>();

  /**
   * The chunks of the artifact. Throws {@link ArtifactChanged} if they are no longer those that were declared: the
   * digest is known before the first byte of a shared artifact is handed out, and before the last of a large one.
   */
  async *read(artifact: ArtifactDeclared): AsyncGenerator<Buffer> {
    if (artifact.bytes > sharedAtMost) {
      yield* verified(artifact);
      return;
    }
    const key = `${artifact.kind} ${artifact.sha256} ${artifact.path}`;
    const shared = this.#shared.get(key) ?? { users: 0, content: collect(verified(artifact)) };
    shared.content.catch(() => {});
    this.#shared.set(key, shared);
    shared.users += 1;
    try {
      yield* await shared.content;
    } finally {
      shared.users -= 1;
      if (shared.users === 0) this.#shared.delete(key);
    }
  }
}

export class ArtifactChanged extends Error {
  override readonly name = 'ArtifactChanged';
}

async function* verified(artifact: ArtifactDeclared): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | undefined;
  try {
    for await (const chunk of openArtifact(artifact)) {
      hash.update(chunk);
      if (held !== undefined) yield held;
      held = chunk;
    }
  } catch (error) {
    throw new ArtifactChanged(`${artifact.path} can no longer be read: ${(error as Error).message}`);
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== artifact.sha256) {
    throw new ArtifactChanged(
      `${artifact.path} has the SHA-256 ${sha256} now, but it had ${artifact.sha256} when it was planned`,
    );
  }
  if (held !== undefined) yield held;
}

async function collect(source: AsyncIterable<Buffer>): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks;
}

/**
 * The SHA-256 of files. A plan reads an artifact whole, and a run that follows it in the same process would read it once
 * more before it sends a byte: a second for each 300 MB. What nobody has written to since need not be read again, and the
 * host looks at the digest of what arrived in any case.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { asSha256, type Sha256 } from '../../model/index.ts';

const chunkBytes = 256 * 1024;
/** A file may be written twice within a tick of its file system's clock: the coarsest in use is that of FAT. */
const coarsestMs = 3_000;

const known = new Map<string, Sha256>();

/** Reads the file whole. Throws what the file system says. */
export async function digestOfFile(path: string): Promise<{ sha256: Sha256; bytes: number }> {
  await using file = await open(path, 'r');
  const before = await identityOf(file);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
  const sha256 = asSha256(hash.digest('hex'));
  if (before !== undefined && before === (await identityOf(file))) known.set(before, sha256);
  return { sha256, bytes };
}

/** Whether {@link digestOfFile} has read this file as it is now, and found this digest. */
export async function isDigestKnown(file: FileHandle, sha256: Sha256): Promise<boolean> {
  const identity = await identityOf(file);
  return identity !== undefined && known.get(identity) === sha256;
}

/** Changes with every write, and nobody can turn ctime back. Undefined: it was written to a moment ago. */
async function identityOf(file: FileHandle): Promise<string | undefined> {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await file.stat({ bigint: true });
  if (Date.now() - Number(ctimeMs) < coarsestMs) return undefined;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

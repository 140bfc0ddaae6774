/** A file is read once for its digest, and again as soon as anybody may have written to it. */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { asSha256, type Sha256 } from '../../../../src/model/index.ts';
import { digestOfFile, isDigestKnown } from '../../../../src/providers/host/file-digest.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deployctl-digest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sha256Of = (text: string): Sha256 => asSha256(createHash('sha256').update(text).digest('hex'));

async function knows(path: string, sha256: Sha256): Promise<boolean> {
  await using file = await open(path, 'r');
  return await isDigestKnown(file, sha256);
}

test('one that was written a moment ago is never known', async () => {
  const path = join(folder, 'fresh');
  await writeFile(path, 'x'.repeat(600_000));
  const sha256 = sha256Of('x'.repeat(600_000));
  expect(await digestOfFile(path)).toEqual({ sha256, bytes: 600_000 });
  expect(await knows(path, sha256)).toBe(false);
});

test('one that lies there is known until somebody writes to it, even if it looks the same', async () => {
  const path = join(folder, 'settled');
  await writeFile(path, 'one');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  try {
    const { sha256 } = await digestOfFile(path);
    expect(await knows(path, sha256)).toBe(true);
    expect(await knows(path, sha256Of('two'))).toBe(false);
    const { atime, mtime, ctimeMs } = await stat(path);
    // The clock of the file system goes on in ticks.
    do {
      await writeFile(path, 'two');
      await utimes(path, atime, mtime);
    } while ((await stat(path)).ctimeMs === ctimeMs);
    expect(await knows(path, sha256)).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

/** What hosts get of an artifact is what was digested, whatever is done to its file meanwhile. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { ArtifactDeclared } from '../../../../src/model/index.ts';
import { ArtifactBytes, ArtifactChanged } from '../../../../src/providers/host/artifact-bytes.ts';
import { digestOfFile } from '../../../../src/providers/host/file-digest.ts';
import { PosixChecksum } from '../../../../src/providers/host/posix-checksum.ts';

let folder: string;
beforeAll(async () => {
  // In memory, where there is such a place: a disk notes that a file was written to when it gets its pages.
  folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'deployctl-bytes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.useRealTimers();
});

/** A file that was digested so long after it was written that its digest is remembered. */
async function planned(name: string, bytes: Buffer): Promise<ArtifactDeclared> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return await declare(path);
}

async function declare(path: string): Promise<ArtifactDeclared> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  return { path, kind: 'file', fileName: 'shop.bin', ...(await digestOfFile(path)) };
}

async function allOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test('all that is handed out was read before the first of it, with its checksum', async () => {
  const bytes = randomBytes(1_000_001);
  const artifact = await planned('overwritten', bytes);
  await using opened = await new ArtifactBytes(undefined).open(artifact);
  await writeFile(artifact.path, randomBytes(1_000_001));
  const checksum = new PosixChecksum();
  checksum.update(bytes);
  expect(opened.checksum).toBe(checksum.text);
  expect((await allOf(opened.from(0))).equals(bytes)).toBe(true);
  expect((await allOf(opened.from(700_000))).equals(bytes.subarray(700_000))).toBe(true);
});

/** Writes a byte into the file twice, through its memory: the second time the file system knows nothing of it. */
const pencil = `
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    bytes = mmap.mmap(file.fileno(), 0)
    for byte in (0, 1):
        bytes[0] = byte
        print("written", flush=True)
        sys.stdin.readline()
`;

test('a change that the file system does not tell is found before the last chunk', async ({ skip }) => {
  if (spawnSync('python3', ['-c', '']).status !== 0) skip('there is no python3 here');
  const path = join(folder, 'drawn');
  await writeFile(path, randomBytes(1_000_000));
  const writer: ChildProcess = spawn('python3', ['-c', pencil, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    if (writer.stdout === null || writer.stdin === null) throw new Error('no pipes');
    await once(writer.stdout, 'data');
    const artifact = await declare(path);
    writer.stdin.write('\n');
    await once(writer.stdout, 'data');
    await using opened = await new ArtifactBytes(undefined).open(artifact);
    let got = 0;
    const taken = (async () => {
      for await (const chunk of opened.from(0)) got += chunk.length;
    })();
    await expect(taken).rejects.toThrow(ArtifactChanged);
    await expect(taken).rejects.toThrow(/has the SHA-256 [0-9a-f]{64} now, but it had/);
    expect(got).toBe(3 * 256 * 1024);
  } finally {
    writer.kill();
  }
});

test('one that is too large to be held has no checksum, so that the hosts digest it', async () => {
  const path = join(folder, 'sparse');
  await writeFile(path, '');
  await truncate(path, 128 * 1024 * 1024 + 1);
  const artifact = await declare(path);
  await using opened = await new ArtifactBytes(undefined).open(artifact);
  expect(opened.checksum).toBeUndefined();
  const last = await allOf(opened.from(128 * 1024 * 1024 - 5));
  expect(last).toEqual(Buffer.alloc(6));
});

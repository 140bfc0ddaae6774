import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LockHolder } from '../../../src/model/index.ts';
import { acquireLock, isHeld, readHolder, removeLock } from '../../../src/state/local/lock.ts';
import { temporaryFolder, wallClock } from '../../rig/state.ts';

const holder = (overrides: Partial<LockHolder> = {}): LockHolder => ({
  id: 'f00d',
  who: 'kim@laptop',
  pid: process.pid,
  command: 'deployctl apply prod',
  machine: hostname(),
  since: wallClock.now(),
  ...overrides,
});
const now = { timeoutMs: 0, clock: wallClock, environment: 'prod' };

async function taken(folder: string, as = holder()): Promise<AsyncDisposable> {
  const outcome = await acquireLock(folder, as, now);
  if (!outcome.ok) throw new Error(outcome.diagnostics[0]?.detail);
  return outcome.value;
}

test('one holds it, the next is told who, where, since when, with what, and how to clear it', async () => {
  using folder = temporaryFolder();
  await using _lock = await taken(
    folder.path,
    holder({ since: (wallClock.now() - 125_000) as LockHolder['since'] }),
  );
  const outcome = await acquireLock(folder.path, holder({ id: 'beef' }), now);
  expect(outcome.ok).toBe(false);
  const [diagnostic] = outcome.diagnostics;
  expect(diagnostic?.code).toBe('state-locked');
  expect(diagnostic?.detail).toBe(
    `kim@laptop (process ${process.pid} on ${hostname()}, command: deployctl apply prod) has held the lock of prod for 2 min 5 s. Lock id: f00d. Nothing was changed.`,
  );
  expect(diagnostic?.hint).toContain('deployctl unlock ENV f00d');
  expect(readHolder(folder.path)?.id).toBe('f00d');
});

test('released, it leaves no record and can be taken again', async () => {
  using folder = temporaryFolder();
  await (await taken(folder.path))[Symbol.asyncDispose]();
  expect(readHolder(folder.path)).toBeUndefined();
  await (await taken(folder.path))[Symbol.asyncDispose]();
  expect(readdirSync(folder.path)).toEqual(['lock.sqlite']);
});

test('who waits gets it when it is released', async () => {
  using folder = temporaryFolder();
  const first = await taken(folder.path);
  const waiting = acquireLock(folder.path, holder({ id: 'beef' }), { ...now, timeoutMs: 10_000 });
  await wallClock.sleep(120);
  await first[Symbol.asyncDispose]();
  const outcome = await waiting;
  expect(outcome.ok && outcome.value.holder.id).toBe('beef');
  if (outcome.ok) await outcome.value[Symbol.asyncDispose]();
});

test('the record of a dead process keeps nobody out', async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'lock.json'), JSON.stringify(holder({ pid: 2 ** 22 - 1 })));
  await using _lock = await taken(folder.path, holder({ id: 'beef' }));
  expect(readHolder(folder.path)?.id).toBe('beef');
});

test('whether it is held is asked of the kernel, not of the record', async () => {
  using folder = temporaryFolder();
  expect(isHeld(folder.path)).toBe(false);
  expect(readdirSync(folder.path)).toEqual([]);
  const lock = await taken(folder.path);
  expect(isHeld(folder.path)).toBe(true);
  await lock[Symbol.asyncDispose]();
  // The holder was killed, and its number is another process's by now.
  writeFileSync(join(folder.path, 'lock.json'), JSON.stringify(holder()));
  expect(isHeld(folder.path)).toBe(false);
});

test('only the owner can read who holds it', async () => {
  using folder = temporaryFolder();
  await using _lock = await taken(folder.path);
  const modes = readdirSync(folder.path).map((name) => statSync(join(folder.path, name)).mode & 0o777);
  expect(modes).toEqual([0o600, 0o600]);
});

test.for([
  ['a lock that a live process holds', 'f00d', true, true, 'lock-held-by-live-process'],
  ['a record of a dead process', 'f00d', false, true, undefined],
  ['a record with another id', 'beef', false, true, 'lock-id-differs'],
  ['nothing', 'f00d', false, false, 'lock-not-held'],
] as const)('removing %s', async ([, id, isLive, isRecorded, code]) => {
  using folder = temporaryFolder();
  const lock = isLive ? await taken(folder.path) : undefined;
  if (isRecorded && !isLive)
    writeFileSync(join(folder.path, 'lock.json'), JSON.stringify(holder({ pid: 2 ** 22 - 1 })));
  expect(removeLock(folder.path, id)?.code).toBe(code);
  expect(readHolder(folder.path) === undefined).toBe(code === undefined || !isRecorded);
  await lock?.[Symbol.asyncDispose]();
});

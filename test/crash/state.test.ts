/** The recorded state under kill -9, under races, on a full disk and with damaged bytes: with real processes and files. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { StateFailure } from '../../src/model/index.ts';
import { acquireLock } from '../../src/state/local/lock.ts';
import { openLocalState } from '../../src/state/local/store.ts';
import { shop, switching } from '../rig/plans.ts';
import { type Child, startChild } from '../rig/processes.ts';
import { Random } from '../rig/random.ts';
import { actor, at, temporaryFolder, wallClock } from '../rig/state.ts';

const kills = Number(process.env.DEPLOYCTL_KILLS ?? 40);

test(`${kills} times killed while it writes, the journal has every entry that was acknowledged`, async () => {
  using folder = temporaryFolder();
  const random = new Random(1);
  let acknowledged = 0;
  for (let round = 0; round < kills; round += 1) {
    const child = startChild(new URL('./state-child.ts', import.meta.url), [folder.path]);
    expect(await child.line()).toBe('ready');
    await wallClock.sleep(random.between(0, 30));
    child.process.kill('SIGKILL');
    const { lines } = await child.ended;
    const last = Number(lines.at(-1));
    if (Number.isInteger(last)) acknowledged = last;

    await using state = await openLocalState(folder.path, { create: false, randomUUID });
    const journal = await state.journal(1);
    const seqs = new Set(journal.map((entry) => entry.seq));
    const lost = lines.slice(1).filter((line) => line !== '' && !seqs.has(Number(line)));
    expect(lost).toEqual([]);
    expect((await state.read()).stateSerial).toBeGreaterThanOrEqual(acknowledged);
    await state.verify();
  }
  expect(acknowledged).toBeGreaterThan(kills);
}, 300_000);

test('of racers for the lock exactly one wins, and every other is told by whom it was beaten', async () => {
  using folder = temporaryFolder();
  const names = ['anna', 'ben', 'cleo', 'dan'];
  const racers = names.map((name) =>
    startChild(new URL('./lock-child.ts', import.meta.url), [folder.path, name]),
  );
  const all = (say: string): Promise<(string | undefined)[]> =>
    Promise.all(
      racers.map((racer) => {
        racer.say(say);
        return racer.line();
      }),
    );
  for (let round = 0; round < 60; round += 1) {
    const answers = await all(`try ${Date.now() + 30}`);
    const winners = names.filter((_, index) => answers[index] === 'won');
    expect([answers, winners.length]).toEqual([answers, 1]);
    for (const answer of answers) {
      if (answer !== 'won') expect(answer).toContain(`lost ${winners[0]} (process `);
    }
    await all('release');
  }
  for (const racer of racers) racer.process.stdin?.end();
  await Promise.all(racers.map((racer) => racer.ended));
}, 120_000);

test('who is kept from the lock by another try, and by no holder, gets it when that try is over', async () => {
  using folder = temporaryFolder();
  const holder = {
    id: 'a',
    who: 'anna',
    pid: process.pid,
    command: 'c',
    machine: 'm',
    since: wallClock.now(),
  };
  const options = { timeoutMs: 0, clock: wallClock, environment: 'test' };
  const first = await acquireLock(folder.path, holder, options);
  if (!first.ok) throw new Error('the lock of a new folder is not to be had');
  await first.value[Symbol.asyncDispose]();
  // As far as another one gets before it fails: a shared lock.
  using other = new DatabaseSync(join(folder.path, 'lock.sqlite'));
  other.exec('BEGIN');
  other.prepare('SELECT * FROM sqlite_schema').all();
  const tried = acquireLock(folder.path, holder, options);
  await wallClock.sleep(60);
  other.exec('ROLLBACK');
  const second = await tried;
  expect(second.ok).toBe(true);
  if (second.ok) await second.value[Symbol.asyncDispose]();
});

test('a killed holder frees the lock at once', async () => {
  using folder = temporaryFolder();
  const start = (name: string): Child =>
    startChild(new URL('./lock-child.ts', import.meta.url), [folder.path, name]);
  const first = start('anna');
  first.say('try 0');
  expect(await first.line()).toBe('won');
  first.process.kill('SIGKILL');
  await first.ended;
  const holder = {
    id: 'b',
    who: 'ben',
    pid: process.pid,
    command: 'c',
    machine: 'm',
    since: wallClock.now(),
  };
  const outcome = await acquireLock(folder.path, holder, {
    timeoutMs: 0,
    clock: wallClock,
    environment: 'test',
  });
  expect(outcome.ok).toBe(true);
  if (outcome.ok) await outcome.value[Symbol.asyncDispose]();
});

/** A state with a finished run and one in progress, everything in the main file, and what reading it gives. */
async function wholeState(folder: string): Promise<string> {
  {
    await using state = await openLocalState(folder, { create: true, randomUUID });
    for (const run of [1, 2]) {
      const { lineage } = await state.read();
      await state.begin(switching([shop()], { lineage }), actor, at(run));
      for (let count = 0; count < 20; count += 1) {
        await state.append(run, {
          at: at(count),
          step: undefined,
          mark: 'done',
          seen: [
            {
              kind: 'member',
              address: `m${count % 5}` as never,
              spec: { admin: 'ready', up: true, sessions: count },
            },
          ],
        });
      }
      if (run === 1) await state.end(run, 'complete', at(99));
    }
  }
  return readAll(folder);
}

async function readAll(folder: string): Promise<string> {
  await using state = await openLocalState(folder, { create: true, randomUUID: () => 'never' });
  return JSON.stringify([
    await state.read(),
    await state.runs(),
    await state.journal(1),
    await state.journal(2),
    await state.planOf(2),
  ]);
}

/** `same`: it reads as before; `refused`: the damage was named. Anything else is the failure that the test looks for. */
async function readDamaged(folder: string, whole: string): Promise<'same' | 'refused' | string> {
  try {
    const now = await readAll(folder);
    return now === whole ? 'same' : `reads as ${now.slice(0, 200)}`;
  } catch (cause) {
    return cause instanceof StateFailure ? 'refused' : `throws ${String(cause)}`;
  }
}

const bytesToFlip = Number(process.env.DEPLOYCTL_FLIPS ?? 400);

test(`${bytesToFlip} flipped bytes: each is named, or changes nothing that can be read`, async () => {
  using folder = temporaryFolder();
  const original = join(folder.path, 'whole');
  const whole = await wholeState(original);
  const bytes = readFileSync(join(original, 'state.sqlite'));
  const random = new Random(7);
  const verdicts = { same: 0, refused: 0 };
  for (let count = 0; count < bytesToFlip; count += 1) {
    // The header byte by byte, the rest by chance.
    const position = count < 100 ? count : random.between(100, bytes.length - 1);
    const damaged = join(folder.path, 'damaged');
    mkdirSync(damaged);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8((flipped.readUInt8(position) ^ (1 << random.between(0, 7))) & 0xff, position);
    writeFileSync(join(damaged, 'state.sqlite'), flipped);
    copyFileSync(join(original, 'reserve'), join(damaged, 'reserve'));
    const verdict = await readDamaged(damaged, whole);
    if (verdict !== 'same' && verdict !== 'refused') throw new Error(`byte ${position}: ${verdict}`);
    verdicts[verdict] += 1;
    rmSync(damaged, { recursive: true });
  }
  expect(verdicts.refused).toBeGreaterThan(bytesToFlip / 4);
}, 300_000);

test('a file that was cut off anywhere is refused', async () => {
  using folder = temporaryFolder();
  const original = join(folder.path, 'whole');
  const whole = await wholeState(original);
  const { length } = readFileSync(join(original, 'state.sqlite'));
  for (let cut = 4_096; cut < length; cut += 4_096 * 3) {
    const damaged = join(folder.path, 'damaged');
    mkdirSync(damaged);
    copyFileSync(join(original, 'state.sqlite'), join(damaged, 'state.sqlite'));
    copyFileSync(join(original, 'reserve'), join(damaged, 'reserve'));
    truncateSync(join(damaged, 'state.sqlite'), cut);
    expect([cut, await readDamaged(damaged, whole)]).toEqual([cut, 'refused']);
    rmSync(damaged, { recursive: true });
  }
}, 120_000);

/** Whether this user may mount a small file system of its own, which a full disk is made of. */
function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m none /mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!mayMount())('on a full disk, outcomes are still recorded and nothing new begins', async () => {
  using folder = temporaryFolder();
  const child = new URL('./full-disk-child.ts', import.meta.url).pathname;
  const script = `mount -t tmpfs -o size=3m none "$1" && exec "$2" --no-warnings "$3" "$1"`;
  const printed = execFileSync(
    'unshare',
    ['-rm', 'sh', '-euc', script, 'sh', folder.path, process.execPath, child],
    {
      encoding: 'utf8',
    },
  );
  expect(printed.trim().split('\n')).toEqual([
    'intended: acknowledged, then state-disk-full',
    'done: acknowledged',
    'intended: state-disk-full',
    'end: acknowledged',
    'whole: yes',
    'open: state-disk-full',
    'after space was freed: acknowledged',
  ]);
});

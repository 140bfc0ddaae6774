import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asAddress,
  type NewJournalEntry,
  type Recorded,
  type RecordedResource,
  type StepId,
} from '../../../src/model/index.ts';
import { networkFileSystemOf } from '../../../src/state/local/folder.ts';
import { type LocalState, openLocalState, openMemoryState } from '../../../src/state/local/store.ts';
import { planOf, shop, switching } from '../../rig/plans.ts';
import { actor, at, countingIds, refusal, temporaryFolder } from '../../rig/state.ts';
import { declare, service } from '../../rig/worlds.ts';

const write = (folder: string): Promise<LocalState> =>
  openLocalState(folder, { create: true, randomUUID: countingIds('lineage') });
const read = (folder: string): Promise<LocalState> =>
  openLocalState(folder, { create: false, randomUUID: countingIds('never') });

const entry = (mark: NewJournalEntry['mark'], rest: Partial<NewJournalEntry> = {}): NewJournalEntry => ({
  at: at(5),
  step: 's1' as StepId,
  mark,
  ...rest,
});

const member = (name: string, admin: 'ready' | 'drain' | null): RecordedResource =>
  ({
    kind: 'member',
    address: name,
    spec: admin === null ? null : { admin, up: true, sessions: 0 },
  }) as RecordedResource;

describe.for([
  ['in a file', (folder: string) => write(folder)],
  ['in memory', async () => openMemoryState(countingIds('lineage'))],
] as const)('a state %s', ([, open]) => {
  test('numbers its runs, keeps their plans and their journals, and counts each write', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    const plan = switching([shop()]);
    expect(await state.begin(plan, actor, at(1))).toBe(1);
    const first = await state.append(1, entry('intended'));
    await state.append(1, entry('done', { detail: { op: 'slot.link', elapsedMs: 1500 } }));
    await state.end(1, 'complete', at(9));
    expect(await state.begin(planOf({ lineage: 'lineage-1' }), actor, at(10))).toBe(2);

    expect(first).toEqual({ at: 5, step: 's1', mark: 'intended', run: 1, seq: 2 });
    expect((await state.journal(1)).map((each) => each.mark)).toEqual(['intended', 'done']);
    expect(await state.planOf(1)).toEqual(JSON.parse(JSON.stringify(plan)));
    const recorded = await state.read();
    expect(recorded.stateSerial).toBe(5);
    expect(recorded.lineage).toBe('lineage-1');
    expect(recorded.deployments.map((each) => [each.number, each.at, each.declared.environment])).toEqual([
      [1, 9, 'test'],
    ]);
    expect(recorded.unfinished?.run).toBe(2);
    expect(await state.durations()).toEqual({ 'slot.link': [1.5] });
    expect(await state.verify()).toBe(5);
  });

  test('records the last value seen of each resource, and forgets what is gone', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    await state.begin(planOf(), actor, at(1));
    await state.append(1, entry('done', { seen: [member('a', 'ready'), member('b', 'ready')] }));
    await state.append(1, entry('undone', { seen: [member('a', 'drain'), member('b', null)] }));
    expect((await state.read()).resources).toEqual([member('a', 'drain')]);
    await state.verify();
  });

  test.for([
    ['a second run while one is open', 'run-unfinished', (s: LocalState) => s.begin(planOf(), actor, at(2))],
    ['an entry of another run', 'run-unknown', (s: LocalState) => s.append(7, entry('intended'))],
    ['the plan of a run that never was', 'run-unknown', (s: LocalState) => s.planOf(7)],
    ['the journal of a run that never was', 'run-unknown', (s: LocalState) => s.journal(7)],
  ] as const)('refuses %s', async ([, code, attempt]) => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    await state.begin(planOf(), actor, at(1));
    expect(await refusal(() => attempt(state))).toBe(code);
    expect((await state.read()).stateSerial).toBe(1);
  });

  test('lets a stopped run go on and end again, and a settled one not', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    await state.begin(planOf(), actor, at(1));
    await state.end(1, 'stopped', at(2));
    expect((await state.read()).unfinished?.outcome).toBe('stopped');
    await state.append(1, entry('intended'));
    await state.end(1, 'reverted', at(3));
    expect((await state.read()).unfinished).toBeUndefined();
    expect((await state.read()).deployments).toEqual([]);
    expect(await refusal(() => state.append(1, entry('intended')))).toBe('run-settled');
    expect(await refusal(() => state.end(1, 'complete', at(4)))).toBe('run-settled');
  });

  test('takes a plan made before there was a state only as the first', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    const plan = planOf({ lineage: '' });
    await state.begin(plan, actor, at(1));
    await state.end(1, 'complete', at(2));
    expect(await refusal(() => state.begin(plan, actor, at(3)))).toBe('plan-other-lineage');
    const strange = planOf({ lineage: 'other' });
    expect(await refusal(() => state.begin(strange, actor, at(3)))).toBe('plan-other-lineage');
  });

  test('a deployment of some services says of the others what they ran before', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    const { lineage } = await state.read();
    const run = async (versions: readonly [string, string], untouched?: string): Promise<void> => {
      const [api, shop] = versions;
      const services = [service({ name: 'api', version: api }), service({ name: 'shop', version: shop })];
      const left = untouched === undefined ? {} : { untouched: [asAddress(untouched)] };
      const number = await state.begin(
        planOf({ lineage, declared: declare(services), ...left }),
        actor,
        at(1),
      );
      await state.end(number, 'complete', at(2));
    };
    await run(['1.0.0', '1.0.0']);
    await run(['2.0.0', '2.0.0'], 'service.shop');
    await run(['3.0.0', '3.0.0'], 'service.api');
    const { deployments } = await state.read();
    expect(
      deployments.map(({ declared }) =>
        declared.services.map(({ name, release }) => `${name} ${release.version}`).toSorted(),
      ),
    ).toEqual([
      ['api 1.0.0', 'shop 1.0.0'],
      ['api 2.0.0', 'shop 1.0.0'],
      ['api 2.0.0', 'shop 3.0.0'],
    ]);
  });

  test('a refresh is no run', async () => {
    using folder = temporaryFolder();
    await using state = await open(folder.path);
    const refresh = { ...planOf(), intent: { kind: 'refresh_only' } } as const;
    await expect(state.begin(refresh, actor, at(1))).rejects.toThrow('not by a run');
    expect(await state.runs()).toEqual([]);
  });
});

describe('the files', () => {
  test('reading a state that is not there makes nothing and is empty', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'state');
    await using state = await read(path);
    expect(await state.read()).toEqual({
      lineage: '',
      stateSerial: 0,
      resources: [],
      deployments: [],
      unfinished: undefined,
    });
    expect(await state.runs()).toEqual([]);
    expect(await state.durations()).toEqual({});
    expect(existsSync(path)).toBe(false);
  });

  test('belong to their owner alone, whatever the umask was', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'state');
    mkdirSync(path, { mode: 0o755 });
    chmodSync(path, 0o755);
    await using state = await write(path);
    await state.begin(planOf(), actor, at(1));
    const modes = readdirSync(path).map((name) => [name, statSync(join(path, name)).mode & 0o777]);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(modes).toEqual([
      ['reserve', 0o600],
      ['state.sqlite', 0o600],
      ['state.sqlite-shm', 0o600],
      ['state.sqlite-wal', 0o600],
    ]);
  });

  test('a reader sees what a writer has acknowledged, while it goes on writing', async () => {
    using folder = temporaryFolder();
    await using writer = await write(folder.path);
    await writer.begin(planOf(), actor, at(1));
    await using reader = await read(folder.path);
    expect((await reader.read()).stateSerial).toBe(1);
    await writer.append(1, entry('intended'));
    expect((await reader.read()).stateSerial).toBe(2);
  });

  test('a reader that leaves last clears away what a killed writer left', async () => {
    using folder = temporaryFolder();
    {
      await using writer = await write(folder.path);
      await writer.begin(planOf(), actor, at(1));
      await using reader = await read(folder.path);
      await reader.read();
    }
    expect(readdirSync(folder.path).sort()).toEqual(['reserve', 'state.sqlite']);
  });

  test.for([
    ['the folder', (path: string) => symlinkSync('/tmp', path)],
    [
      'the file',
      (path: string) => {
        mkdirSync(path);
        writeFileSync(`${path}.victim`, 'precious');
        symlinkSync(`${path}.victim`, join(path, 'state.sqlite'));
      },
    ],
  ] as const)('a symbolic link in place of %s is refused', async ([, arrange]) => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'state');
    arrange(path);
    expect(await refusal(() => write(path))).toBe('state-path-is-link');
    if (existsSync(`${path}.victim`)) expect(readFileSync(`${path}.victim`, 'utf8')).toBe('precious');
  });

  test('a newer format is refused and left as it is', async () => {
    using folder = temporaryFolder();
    await (await write(folder.path))[Symbol.asyncDispose]();
    const file = join(folder.path, 'state.sqlite');
    const future = new DatabaseSync(file);
    future.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)');
    future.close();
    const before = readFileSync(file);
    expect(await refusal(() => write(folder.path))).toBe('state-newer');
    expect(await refusal(() => read(folder.path))).toBe('state-newer');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test.for([
    ['text', Buffer.from('hello, this is not a database at all, but a letter to nobody.')],
    ['an empty file', Buffer.alloc(0)],
  ] as const)('%s that stands in its place is refused and left as it is', async ([, bytes]) => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'state.sqlite');
    writeFileSync(file, bytes);
    expect(await refusal(() => write(folder.path))).toBe('state-not-ours');
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test.for([
    ['NFS', 0x6969, 'NFS'],
    ['CIFS as a signed number', 0xff534d42 | 0, 'CIFS'],
    ['sshfs', 0x65735546, 'a FUSE file system'],
    ['ext4', 0xef53, undefined],
    ['tmpfs', 0x01021994, undefined],
    ['overlayfs', 0x794c7630, undefined],
  ] as const)('%s', ([, magic, name]) => {
    expect(networkFileSystemOf(magic)).toBe(name);
  });
});

describe('a long journal', () => {
  const original = temporaryFolder();
  afterAll(() => original[Symbol.dispose]());
  /** Longer than what is verified each time. The second writer verifies all of it, which its write notes. */
  beforeAll(async () => {
    {
      await using state = await write(original.path);
      await state.begin(planOf(), actor, at(1));
      for (let count = 0; count < 2_010; count += 1) {
        await state.append(1, entry('done', { seen: [member('a', count % 2 === 0 ? 'ready' : 'drain')] }));
      }
    }
    await using state = await write(original.path);
    await state.append(1, entry('done'));
  }, 120_000);
  const copied = (folder: string): void => cpSync(original.path, folder, { recursive: true });
  const damage = (folder: string, sql: string): void => {
    const database = new DatabaseSync(join(folder, 'state.sqlite'));
    database.exec(sql);
    database.close();
  };

  test('is not read whole to go on with it; what lies far back is verified when it is read', async () => {
    using folder = temporaryFolder();
    copied(folder.path);
    damage(folder.path, `UPDATE chain SET body = replace(body, 'ready', 'maint') WHERE seq = 2`);
    await using state = await write(folder.path);
    await state.append(1, entry('done'));
    await expect(state.journal(1)).rejects.toMatchObject({ diagnostic: { code: 'state-corrupted' } });
    await expect(state.verify()).rejects.toMatchObject({ diagnostic: { code: 'state-corrupted' } });
  });

  test.for([
    [
      'a new entry that was changed',
      `UPDATE chain SET body = replace(body, 'done', 'undone') WHERE seq = 2000`,
    ],
    ['the newest entry removed', 'DELETE FROM chain WHERE seq = (SELECT max(seq) FROM chain)'],
    ['a resource that was changed', `UPDATE resource SET body = replace(body, 'drain', 'maint')`],
    ['a resource that was removed', 'DELETE FROM resource'],
    [
      'an old entry, where the last writer knew no seal',
      `DELETE FROM meta WHERE key = 'seal'; UPDATE chain SET hash = 'x' WHERE seq = 2`,
    ],
  ] as const)('%s is found before anything is written', async ([, sql]) => {
    using folder = temporaryFolder();
    copied(folder.path);
    damage(folder.path, sql);
    expect(await refusal(() => write(folder.path))).toBe('state-corrupted');
  });
});

test('what was declared can be read when the state is closed', async () => {
  using folder = temporaryFolder();
  let recorded: Recorded;
  {
    await using state = await write(folder.path);
    await state.begin(planOf(), actor, at(1));
    await state.end(1, 'complete', at(2));
    recorded = await state.read();
  }
  expect(recorded.deployments[0]?.declared).toEqual(planOf().declared);
});

describe('damage', () => {
  /** Each edit is what somebody with sqlite3 and a good reason might do. */
  test.for([
    ['an entry that was changed', `UPDATE chain SET body = replace(body, 'intended', 'done') WHERE seq = 2`],
    ['an entry that was removed', 'DELETE FROM chain WHERE seq = 2'],
    ['the newest entry removed', 'DELETE FROM chain WHERE seq = 3'],
    [
      'two entries that changed places',
      'UPDATE chain SET seq = 9 WHERE seq = 2; UPDATE chain SET seq = 2 WHERE seq = 3; UPDATE chain SET seq = 3 WHERE seq = 9',
    ],
    ['another lineage', `UPDATE meta SET value = 'mine' WHERE key = 'lineage'`],
    ['a plan that was changed', `UPDATE blob SET bytes = x'00'`],
    ['a plan that was removed', 'DELETE FROM blob'],
    ['a resource that was changed', `UPDATE resource SET body = replace(body, 'ready', 'drain')`],
    ['a resource that was removed', 'DELETE FROM resource'],
  ] as const)('%s is found before anything is written', async ([, sql]) => {
    using folder = temporaryFolder();
    {
      await using state = await write(folder.path);
      await state.begin(planOf(), actor, at(1));
      await state.append(1, entry('intended'));
      await state.append(1, entry('done', { seen: [member('a', 'ready')] }));
    }
    const database = new DatabaseSync(join(folder.path, 'state.sqlite'));
    database.exec(sql);
    database.close();
    expect(await refusal(() => write(folder.path))).toBe('state-corrupted');
  });

  test('is told with what to do', async () => {
    using folder = temporaryFolder();
    {
      await using state = await write(folder.path);
      await state.begin(planOf(), actor, at(1));
    }
    const database = new DatabaseSync(join(folder.path, 'state.sqlite'));
    database.exec(`UPDATE chain SET hash = 'x'`);
    database.close();
    await using state = await read(folder.path);
    await expect(state.read()).rejects.toMatchObject({
      diagnostic: {
        code: 'state-corrupted',
        detail: expect.stringContaining('journal entry 1 does not match its hash'),
        hint: expect.stringContaining('backup'),
      },
    });
  });
});

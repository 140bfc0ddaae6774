/** Bringing, linking and removing releases: whole or not at all, whatever goes wrong in between. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asSha256, type ReleaseDeclared, releaseDirectory } from '../../src/model/index.ts';
import { type HostProvider, openHostProvider } from '../../src/providers/host/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import {
  declaredWith,
  execProcess,
  placeOn,
  releaseOf,
  SlotOperations,
  testContext,
} from '../rig/host-world.ts';
import { type Fleet, type SshdHost, startSshd } from '../rig/sshd.ts';

let fleet: Fleet;
let channels: HostChannels;
let provider: HostProvider;

const providerOf = (own: Fleet, open: HostChannels): HostProvider =>
  openHostProvider(
    declaredWith(
      own.hosts.map((host) => host.declared),
      own.folder,
      undefined,
      { root: '/none', keep: 3 },
      [],
    ),
    open,
    { clock: realClock, operatorFolder: own.folder, resolveSecret: async () => '' },
  );

beforeAll(async () => {
  fleet = await startSshd({ hosts: 3 });
  channels = openHostChannels(
    fleet.hosts.map((host) => host.declared),
    { clock: realClock },
  );
  provider = providerOf(fleet, channels);
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

let roots = 0;
function slotOn(host: SshdHost | undefined, root?: string): SlotOperations & { readonly root: string } {
  if (host === undefined) throw new Error('no host');
  roots += 1;
  const place = placeOn(host.name, { root: root ?? join(host.root, `srv-${roots}`), keep: 3 });
  return Object.assign(new SlotOperations(place, 'blue'), { root: place.install.root });
}

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  roots += 1;
  const folder = join(fleet.folder, `payload-${roots}`);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** What deployctl's own folders hold: nothing but manifests may be left after any failure. */
async function leftovers(root: string): Promise<string[]> {
  const incoming = await readdir(join(root, '.deployctl/incoming')).catch(() => []);
  const releases = await readdir(join(root, 'releases')).catch(() => []);
  return [...incoming, ...releases];
}

describe('what is brought', () => {
  test('an archive is unpacked as it is: modes, links, empty folders, odd names', async () => {
    const folder = await folderWith({
      'bin/start.sh': '#!/bin/sh\n',
      'a file\nwith "names".txt': 'x',
      'ünïcode/é': 'y',
    });
    await rm(join(folder, 'a file\nwith "names".txt'));
    await writeFile(join(folder, `it's "odd" $x`), 'z');
    await chmod(join(folder, 'bin/start.sh'), 0o755);
    await mkdir(join(folder, 'empty'));
    await symlink('bin/start.sh', join(folder, 'current'));
    const path = join(fleet.folder, 'shop.tar.gz');
    execFileSync('tar', ['-czf', path, '-C', folder, '.']);
    const release = await releaseOf(path, '1.0.0');
    expect(release.artifact.kind).toBe('archive');
    const slot = slotOn(fleet.hosts[0]);
    await provider.perform(slot.put(release), testContext());
    const there = join(slot.root, 'releases', releaseDirectory(release));
    expect((await readdir(there)).sort()).toEqual(
      ['bin', 'current', 'empty', `it's "odd" $x`, 'ünïcode'].sort(),
    );
    expect((await lstat(join(there, 'bin/start.sh'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(there, 'current'))).toBe('bin/start.sh');
  });

  test('a folder has the same digest wherever and whenever it is read, and arrives whole', async () => {
    const files = { 'b.txt': 'b', 'a/c.txt': 'c', [`${'deep/'.repeat(30)}long.txt`]: 'l' };
    const here = await releaseOf(await folderWith(files), '1.0.0');
    const there = await releaseOf(await folderWith(files), '1.0.0');
    expect(there.artifact.sha256).toBe(here.artifact.sha256);
    const other = await releaseOf(await folderWith({ ...files, 'b.txt': 'B' }), '1.0.0');
    expect(other.artifact.sha256).not.toBe(here.artifact.sha256);
    const slot = slotOn(fleet.hosts[0]);
    await provider.perform(slot.put(here), testContext());
    expect(
      await readFile(
        join(slot.root, 'releases', releaseDirectory(here), 'deep/'.repeat(30), 'long.txt'),
        'utf8',
      ),
    ).toBe('l');
  });

  test('several hosts at once get the same bytes, and what is there is not sent again', async () => {
    const path = join(fleet.folder, 'large.bin');
    await writeFile(path, randomBytes(5_000_000));
    const release = await releaseOf(path, '1.0.0');
    const slots = fleet.hosts.map((host) => slotOn(host));
    const sentBy = async (): Promise<number[]> =>
      Promise.all(
        slots.map(async (slot) => {
          const cx = testContext();
          await provider.perform(slot.put(release), cx);
          const last = cx.reported.at(-1);
          return last?.type === 'step_progress' ? last.done : 0;
        }),
      );
    expect(await sentBy()).toEqual([5_000_000, 5_000_000, 5_000_000]);
    expect(await sentBy()).toEqual([0, 0, 0]);
    for (const slot of slots) {
      const found = await readFile(join(slot.root, 'releases', releaseDirectory(release), 'large.bin'));
      expect(found.equals(await readFile(path))).toBe(true);
    }
  });

  test('releases are listed oldest first', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const made: string[] = [];
    for (const version of ['9', '1', '5']) {
      const release = await releaseOf(await folderWith({ v: version }), version);
      await provider.perform(slot.put(release), testContext());
      made.push(releaseDirectory(release));
    }
    const [seen] = await provider.seen(slot.prune(), testContext());
    expect(seen?.kind === 'inventory' && seen.spec?.releases.map((each) => each.directory)).toEqual(made);
  });

  test('half of an earlier install is no release, and is replaced', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const release = await releaseOf(await folderWith({ whole: 'yes' }), '1.0.0');
    const half = join(slot.root, 'releases', releaseDirectory(release));
    await mkdir(half, { recursive: true });
    await writeFile(join(half, 'half'), '');
    expect(await provider.look(slot.put(release), testContext())).toMatchObject({ at: 'before' });
    await provider.perform(slot.put(release), testContext());
    expect(await readdir(half)).toEqual(['whole']);
    expect(await readdir(join(slot.root, '.deployctl/incoming'))).toEqual([]);
  });
});

describe('what is refused', () => {
  test('an artifact that has changed since it was planned', async () => {
    const path = join(fleet.folder, 'changing.bin');
    await writeFile(path, 'planned');
    const release = await releaseOf(path, '1.0.0');
    await writeFile(path, 'changed');
    const slot = slotOn(fleet.hosts[0]);
    await expect(provider.perform(slot.put(release), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'artifact-changed', hint: 'Plan again.' },
    });
    expect(await leftovers(slot.root)).toEqual([]);
  });

  const liar = `#!/bin/sh\ncat >/dev/null\necho "${'0'.repeat(64)}  -"\n`;
  test.for([
    {
      what: 'what was damaged on its way to the disk',
      tools: { cat: '#!/bin/sh\ntr a b\n' },
      arrives: false,
      told: /What .* received has the SHA-256 [0-9a-f]{64}, but/,
    },
    {
      what: 'where cksum answers nonsense, what has another digest',
      tools: { cksum: liar, sha256sum: liar },
      arrives: false,
      told: /SHA-256 0{64}, but/,
    },
    {
      what: 'but not, where cksum answers nonsense, what has the digest',
      tools: { cksum: liar },
      arrives: true,
    },
    {
      what: 'but not what cksum finds whole',
      tools: { sha256sum: liar },
      // Only that of coreutils 9 and later is asked.
      arrives: spawnSync('cksum', ['--debug', '/dev/null']).status === 0,
    },
  ] as const)('$what', async ({ tools, arrives, ...rest }) => {
    await using own = await startSshd({ hosts: 1 });
    const [host] = own.hosts;
    const before = join(own.folder, 'bin');
    await mkdir(before);
    for (const [name, text] of Object.entries(tools)) {
      await writeFile(join(before, name), text, { mode: 0o755 });
    }
    await host?.stop();
    const config = join(own.folder, host?.name ?? '', 'sshd_config');
    const text = await readFile(config, 'utf8');
    await writeFile(
      config,
      text.replace(/SetEnv (.*)/, `SetEnv $1 PATH=${before}:/usr/local/bin:/usr/bin:/bin`),
    );
    await host?.start();
    await using open = openHostChannels(
      own.hosts.map((each) => each.declared),
      { clock: realClock },
    );
    const slot = slotOn(host);
    const release = await releaseOf(await folderWith({ a: 'a' }), '1.0.0');
    const put = providerOf(own, open).perform(slot.put(release), testContext());
    if (arrives) {
      await put;
      expect(await leftovers(slot.root)).toEqual([releaseDirectory(release)]);
      return;
    }
    await expect(put).rejects.toMatchObject({
      effect: 'none',
      diagnostic: {
        code: 'artifact-digest-mismatch',
        detail: expect.stringMatching('told' in rest ? rest.told : /SHA-256/),
      },
    });
    expect(await leftovers(slot.root)).toEqual([]);
  });

  test('another content under the same name', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const release = await releaseOf(await folderWith({ a: 'a' }), '1.0.0');
    await provider.perform(slot.put(release), testContext());
    const other: ReleaseDeclared = {
      ...release,
      artifact: {
        ...release.artifact,
        sha256: asSha256(`${release.artifact.sha256.slice(0, 8)}${'f'.repeat(56)}`),
      },
    };
    expect(await provider.look(slot.put(other), testContext())).toMatchObject({ at: 'elsewhere' });
    await expect(provider.perform(slot.put(other), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'release-differs' },
    });
  });

  test.runIf(process.getuid?.() === 0).for([
    ['before it is sent, where the host knows that it will not fit', 3_000_000, 'file'],
    ['in mid-transfer or while it is unpacked', 700_000, 'archive'],
  ] as const)('a full disk: %s', async ([, bytes, kind]) => {
    const [host] = fleet.hosts;
    const root = join(host?.root ?? '', `small-${kind}`);
    await mkdir(root);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root]);
    try {
      let path = join(fleet.folder, `bulk-${kind}`);
      await mkdir(path);
      await writeFile(join(path, 'bulk'), randomBytes(bytes));
      if (kind === 'file') path = join(path, 'bulk');
      const release = await releaseOf(path, '1.0.0');
      const slot = slotOn(host, root);
      await expect(provider.perform(slot.put(release), testContext())).rejects.toMatchObject({
        diagnostic: { code: 'disk-full', summary: 'Disk of the host is full' },
      });
      expect(await leftovers(root)).toEqual([]);
      expect(await provider.look(slot.put(release), testContext())).toMatchObject({ at: 'before' });
    } finally {
      execFileSync('umount', [root]);
    }
  });

  test('a root that cannot be made', async () => {
    const [host] = fleet.hosts;
    const file = join(host?.root ?? '', 'a-file');
    await writeFile(file, '');
    const release = await releaseOf(await folderWith({ a: 'a' }), '1.0.0');
    await expect(
      provider.perform(slotOn(host, join(file, 'shop')).put(release), testContext()),
    ).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'host-command-failed', detail: expect.stringContaining('Not a directory') },
    });
  });

  test.for([
    ['a release that leads out', { directory: '../../etc' }],
    ['a release that is an option', { directory: '-rf' }],
    ['our own folder', { directory: '.deployctl' }],
  ] as const)('%s', async ([, change]) => {
    const release = await releaseOf(await folderWith({ a: 'a' }), '1.0.0');
    const operation = { ...slotOn(fleet.hosts[0]).put(release), ...change };
    await expect(provider.perform(operation, testContext())).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'unsafe-path' },
    });
  });
});

describe('a connection that breaks in mid-transfer', () => {
  /** A host of its own, a release of 40 MB, and a context whose report stops the host after 10 MB. */
  async function breaking(whenStopped: (host: SshdHost) => Promise<void>) {
    const own = await startSshd({ hosts: 1 });
    const [host] = own.hosts;
    if (host === undefined) throw new Error('no host');
    const open = openHostChannels([host.declared], { clock: realClock });
    const path = join(own.folder, 'large.bin');
    await writeFile(path, randomBytes(40_000_000));
    let stopped: Promise<void> | undefined;
    const cx = testContext({
      report: (event) => {
        if (event.type !== 'step_progress') return;
        cx.reported.push(event);
        if (event.done > 10_000_000) stopped ??= host.stop().then(() => whenStopped(host));
      },
    });
    return {
      host,
      cx,
      provider: providerOf(own, open),
      release: await releaseOf(path, '1.0.0'),
      slot: slotOn(host),
      stopped: () => stopped,
      async [Symbol.asyncDispose]() {
        await open[Symbol.asyncDispose]();
        await own[Symbol.asyncDispose]();
      },
    };
  }

  const incoming = (root: string): Promise<string[]> => readdir(join(root, '.deployctl/incoming'));

  test('is no release; the next try goes on from there, and another content does not', async () => {
    await using broken = await breaking(async () => {});
    const put = broken.slot.put(broken.release);
    await expect(broken.provider.perform(put, broken.cx)).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: { code: 'host-connection-lost' },
    });
    await broken.stopped();
    await broken.host.start();
    expect(await broken.provider.look(put, testContext())).toMatchObject({ at: 'before' });
    expect(await incoming(broken.slot.root)).toHaveLength(1);
    const again = testContext();
    await broken.provider.perform(put, again);
    const [first] = again.reported;
    expect(first).toMatchObject({ type: 'step_progress', total: 40_000_000 });
    if (first?.type === 'step_progress') expect(first.done).toBeGreaterThan(1_000_000);
    expect(await broken.provider.look(put, testContext())).toMatchObject({ at: 'after' });
    const there = join(broken.slot.root, 'releases', releaseDirectory(broken.release), 'large.bin');
    expect((await readFile(there)).equals(await readFile(broken.release.artifact.path))).toBe(true);
    expect(await incoming(broken.slot.root)).toEqual([]);
  });

  test('goes on by itself where the host comes back', async () => {
    await using broken = await breaking((host) => host.start());
    const put = broken.slot.put(broken.release);
    await broken.provider.perform(put, broken.cx);
    expect(broken.stopped()).toBeDefined();
    expect(await broken.provider.look(put, testContext())).toMatchObject({ at: 'after' });
    expect(await incoming(broken.slot.root)).toEqual([]);
  });
});

test.for([
  ['of another content', (length: number) => randomBytes(length / 2)],
  ['longer than the whole', (length: number) => randomBytes(length + 1)],
] as const)('a part that is %s is not believed', async ([, partOf]) => {
  const path = join(fleet.folder, 'parted.bin');
  await writeFile(path, randomBytes(3_000_000));
  const release = await releaseOf(path, '1.0.0');
  const slot = slotOn(fleet.hosts[0]);
  const incoming = join(slot.root, '.deployctl/incoming');
  await mkdir(incoming, { recursive: true });
  await writeFile(join(incoming, `${release.artifact.sha256}.0.part`), partOf(3_000_000));
  await writeFile(join(incoming, `${'0'.repeat(64)}.0.part`), 'of a release that nobody wants any more');
  await provider.perform(slot.put(release), testContext());
  const there = join(slot.root, 'releases', releaseDirectory(release), 'parted.bin');
  expect((await readFile(there)).equals(await readFile(path))).toBe(true);
  expect(await readdir(incoming)).toEqual([]);
});

describe('the symlink of a slot', () => {
  test('is not moved when it is not where the plan saw it', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const [one, two, three] = await Promise.all(
      ['1', '2', '3'].map(async (version) => releaseOf(await folderWith({ v: version }), version)),
    );
    if (one === undefined || two === undefined || three === undefined) throw new Error('no releases');
    for (const release of [one, two, three]) await provider.perform(slot.put(release), testContext());
    await provider.perform(slot.link(null, releaseDirectory(three)), testContext());
    const stale = slot.link(releaseDirectory(one), releaseDirectory(two));
    expect(await provider.look(stale, testContext())).toEqual({
      at: 'elsewhere',
      seen: `points to ${releaseDirectory(three)}`,
    });
    await expect(provider.perform(stale, testContext())).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'slot-changed-elsewhere' },
    });
    expect(await readlink(join(slot.root, 'blue'))).toBe(`releases/${releaseDirectory(three)}`);
  });

  test('is not pointed at what is not installed', async () => {
    const slot = slotOn(fleet.hosts[0]);
    await expect(provider.perform(slot.link(null, '9-00000000'), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'release-missing' },
    });
  });

  test('never misses while it is moved', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const releases = await Promise.all(['1', '2'].map(async (v) => releaseOf(await folderWith({ v }), v)));
    const [one, two] = releases.map(releaseDirectory);
    if (one === undefined || two === undefined) throw new Error('no releases');
    for (const release of releases) await provider.perform(slot.put(release), testContext());
    await provider.perform(slot.link(null, one), testContext());
    let moving = true;
    let reads = 0;
    const reader = (async () => {
      while (moving) {
        expect(['1', '2']).toContain(await readFile(join(slot.root, 'blue/v'), 'utf8'));
        reads += 1;
      }
    })();
    for (let round = 0; round < 10; round += 1) {
      await provider.perform(slot.link(one, two), testContext());
      await provider.perform(slot.link(two, one), testContext());
    }
    moving = false;
    await reader;
    expect(reads).toBeGreaterThan(20);
  });
});

describe('removing', () => {
  test('takes what is named and nothing else, and never what a slot points to or a process runs from', async () => {
    const slot = slotOn(fleet.hosts[0]);
    const releases = await Promise.all(
      ['1', '2', '3'].map(async (version) => releaseOf(await folderWith({ v: version }), version)),
    );
    const [one, two, three] = releases;
    if (one === undefined || two === undefined || three === undefined) throw new Error('no releases');
    for (const release of releases) await provider.perform(slot.put(release), testContext());
    await provider.perform(slot.link(null, releaseDirectory(two)), testContext());
    await expect(provider.perform(slot.prune(two), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'release-in-use' },
    });
    const running = { release: releaseDirectory(three), process: execProcess('shop-blue', ['sleep', '300']) };
    await provider.perform(slot.set(null, running), testContext());
    await expect(provider.perform(slot.prune(one, three), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'release-in-use', detail: expect.stringContaining(releaseDirectory(three)) },
    });
    await provider.perform(slot.set(running, null), testContext());
    const prune = slot.prune(one, three);
    await provider.perform(prune, testContext());
    await provider.perform(prune, testContext());
    expect(await provider.look(prune, testContext())).toMatchObject({ at: 'after' });
    expect(await readdir(join(slot.root, 'releases'))).toEqual([releaseDirectory(two)]);
    expect(await readdir(join(slot.root, '.deployctl/releases'))).toEqual([releaseDirectory(two)]);
    expect(await readdir(join(slot.root, '.deployctl/incoming'))).toEqual([]);
  });
});

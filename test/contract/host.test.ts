/** The laws of a provider, for every operation and every kind of process that runs without systemd, on real hosts. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asAddress,
  type Declared,
  type HostDeclared,
  type InstanceState,
  instanceAddress,
  type Operation,
  type ProcessDeclared,
  type ReleaseDeclared,
  releaseDirectory,
} from '../../src/model/index.ts';
import { type HostProvider, openHostProvider } from '../../src/providers/host/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import {
  artifactOf,
  declaredWith,
  execProcess,
  httpHealth,
  origin,
  placeOn,
  releaseOf,
  SlotOperations,
  scriptProcess,
  testContext,
  writeApplication,
  writeLauncher,
} from '../rig/host-world.ts';
import { type Fleet, freePort, startSshd } from '../rig/sshd.ts';

let fleet: Fleet;
let channels: HostChannels;
let hosts: readonly HostDeclared[];
let one: ReleaseDeclared;
let two: ReleaseDeclared;
const secrets = new Map([['token', 'canary-secret\'"$x\nsecond']]);

beforeAll(async () => {
  fleet = await startSshd({ hosts: 1, names: ['web-1'] });
  const [web] = fleet.hosts;
  if (web === undefined) throw new Error('no host');
  hosts = [web.declared, { ...web.declared, name: 'here', connection: { kind: 'local' } }];
  channels = openHostChannels(hosts, { clock: realClock });
  for (const version of ['1.0.0', '2.0.0'])
    await writeLauncher(await writeApplication(fleet.folder, version));
  one = await releaseOf(join(fleet.folder, 'shop-1.0.0'), '1.0.0');
  two = await releaseOf(join(fleet.folder, 'shop-2.0.0'), '2.0.0');
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

interface World {
  readonly provider: HostProvider;
  readonly slot: SlotOperations;
  readonly root: string;
  readonly declared: Declared;
  readonly address: string;
  readonly port: number;
  readonly process: ProcessDeclared;
  state(): Promise<InstanceState | undefined>;
}

let roots = 0;

/** One slot below a root of its own, with a process of this kind. */
async function world(
  host: string,
  kind: 'exec' | 'script',
  more: Partial<ProcessDeclared> = {},
): Promise<World> {
  const [web] = fleet.hosts;
  if (web === undefined) throw new Error('no host');
  roots += 1;
  const root = join(web.root, `srv ${roots}`);
  const slot = new SlotOperations(placeOn(host, { root, keep: 3 }), 'blue');
  const { address } = web;
  const port = await freePort(address);
  const process =
    kind === 'exec'
      ? execProcess('shop-blue', [globalThis.process.execPath, 'server.cjs', String(port), address], more)
      : scriptProcess('shop-blue', globalThis.process.execPath, address, port, more);
  const health = httpHealth(address, port);
  const declared = declaredWith(hosts, fleet.folder, one, slot.place.install, [
    { slot: 'blue', host, process, health },
  ]);
  const provider = openHostProvider(declared, channels, {
    clock: realClock,
    operatorFolder: fleet.folder,
    lineage: 'test-lineage',
    resolveSecret: async (name) => secrets.get(name) ?? '',
  });
  return {
    provider,
    slot,
    root,
    declared,
    address,
    port,
    process,
    async state() {
      const { observations } = await provider.observe(declared, new AbortController().signal);
      const wanted = instanceAddress(slot.place.service, 'blue', host);
      const found = observations.find((each) => each.address === wanted);
      if (found?.kind !== 'instance') throw new Error('not observed');
      if (found.status === 'unknown') throw new Error(found.why.detail);
      return found.status === 'present' ? found.spec : undefined;
    },
  };
}

/** Law: before, after, after again; and what was done twice was done once. */
async function performs(provider: HostProvider, operation: Operation): Promise<void> {
  const cx = testContext();
  expect(await provider.look(operation, cx), `${operation.op} before`).toEqual({ at: 'before' });
  await provider.perform(operation, cx);
  expect(await provider.look(operation, cx), `${operation.op} after`).toEqual({ at: 'after' });
  await provider.perform(operation, cx);
  expect(await provider.look(operation, cx), `${operation.op} twice`).toEqual({ at: 'after' });
}

const ask = async (
  at: World,
  path = '/',
): Promise<{ version: string; folder: string; env: Record<string, string> }> =>
  (await (await fetch(`http://${at.address}:${at.port}${path}`)).json()) as never;

describe.for([
  ['over SSH, process "exec"', 'web-1', 'exec'],
  ['over SSH, process "script"', 'web-1', 'script'],
  ['on this machine, process "exec"', 'here', 'exec'],
  ['on this machine, process "script"', 'here', 'script'],
] as const)('%s', ([, host, kind]) => {
  test('the whole way of a release there and back, each step twice', async () => {
    const at = await world(host, kind, {
      environment: { GREETING: "it's $HOME", TOKEN: { secret: 'token' } },
    });
    const { provider, slot } = at;
    const first = releaseDirectory(one);
    const second = releaseDirectory(two);
    const runsFirst = { release: first, process: at.process };
    const runsSecond = { release: second, process: at.process };
    expect(await at.state()).toBeUndefined();

    await performs(provider, slot.put(one));
    await performs(provider, slot.link(null, first));
    expect(await at.state()).toEqual({
      linked: first,
      running: null,
      tampered: null,
      health: { status: 'not_checked' },
    });
    await performs(provider, slot.set(null, runsFirst));
    await provider.perform(slot.verify(first, httpHealth(at.address, at.port)), testContext());
    expect(await at.state()).toEqual({
      linked: first,
      running: runsFirst,
      tampered: null,
      health: { status: 'healthy' },
    });
    const answer = await ask(at);
    expect(answer.version).toBe('1.0.0');
    expect(answer.folder).toBe(`${at.root}/releases/${first}`);
    expect(answer.env).toMatchObject({ GREETING: "it's $HOME", TOKEN: secrets.get('token') });
    expect(answer.env.PATH).toBeTruthy();

    // The next release: the link moves, and what runs is still what it was started with.
    await performs(provider, slot.put(two));
    await performs(provider, slot.link(first, second));
    expect(await at.state()).toMatchObject({ linked: second, running: runsFirst });
    await performs(provider, slot.set(runsFirst, runsSecond));
    await provider.perform(slot.verify(second, httpHealth(at.address, at.port)), testContext());
    expect((await ask(at)).version).toBe('2.0.0');

    // And back: each inverse is the same operation the other way round.
    await performs(provider, slot.set(runsSecond, runsFirst));
    await performs(provider, slot.link(second, first));
    await performs(provider, slot.remove(two));
    await provider.perform(slot.verify(first, httpHealth(at.address, at.port)), testContext());
    expect((await ask(at)).version).toBe('1.0.0');
    await performs(provider, slot.set(runsFirst, null));
    await performs(provider, slot.link(first, null));
    expect(await at.state()).toBeUndefined();
    await expect(fetch(`http://${at.address}:${at.port}/`)).rejects.toThrow();
  });

  test('what the step left behind is seen, to be recorded', async () => {
    const at = await world(host, kind);
    const cx = testContext();
    const directory = releaseDirectory(one);
    await at.provider.perform(at.slot.put(one), cx);
    expect(await at.provider.seen(at.slot.put(one), cx)).toEqual([
      {
        kind: 'inventory',
        address: `service.shop.install.host["${host}"]`,
        spec: { releases: [{ directory, sha256: one.artifact.sha256 }], freeBytes: expect.any(Number) },
      },
    ]);
    const link = at.slot.link(null, directory);
    await at.provider.perform(link, cx);
    expect(await at.provider.seen(link, cx)).toEqual([
      {
        kind: 'instance',
        address: at.slot.instance,
        spec: { linked: directory, running: null, tampered: null, health: { status: 'not_checked' } },
      },
    ]);
    const back = at.slot.link(directory, null);
    await at.provider.perform(back, cx);
    expect(await at.provider.seen(back, cx)).toEqual([
      { kind: 'instance', address: at.slot.instance, spec: null },
    ]);
  });

  test('no secret is in a file that others can read, in a record or in an argument list', async () => {
    const at = await world(host, kind, { environment: { TOKEN: { secret: 'token' } } });
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.link(null, releaseDirectory(one)), cx);
    await at.provider.perform(at.slot.set(null, { release: releaseDirectory(one), process: at.process }), cx);
    const channel = await channels.to(host);
    const { stdout } = await channel.script(
      `cd "$root/.deployctl" || exit 9
      grep -rl canary-secret . | while read -r file; do ls -l "$file" | cut -c1-10; done
      cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^canary-secre[t]'`,
      { root: at.root },
      { timeoutMs: 20_000 },
    );
    expect(stdout.trim().split('\n')).toEqual(['-rw-------', '0']);
    expect(JSON.stringify(await at.state())).not.toContain('canary-secret');
    await at.provider.perform(at.slot.set({ release: releaseDirectory(one), process: at.process }, null), cx);
  });

  test('a secret that has another value now shows as a difference, and not its value', async () => {
    const at = await world(host, kind, { environment: { TOKEN: { secret: 'rotated' } } });
    const cx = testContext();
    secrets.set('rotated', 'before');
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.link(null, releaseDirectory(one)), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    expect((await at.state())?.running).toEqual(running);
    secrets.set('rotated', 'after');
    const seen = (await at.state())?.running;
    expect(seen?.process.environment.TOKEN).toEqual({ secret: 'rotated (an earlier value)' });
    if (seen == null) throw new Error('it does not run');
    await at.provider.perform(at.slot.set(seen, running), cx);
    expect((await at.state())?.running).toEqual(running);
    await at.provider.perform(at.slot.set(running, null), cx);
  });

  test('a start that fails ends by name, with the last words of its log; the way back is open', async () => {
    const at = await world(host, kind);
    const cx = testContext();
    const directory = releaseDirectory(one);
    const good = { release: directory, process: at.process };
    const broken = {
      release: directory,
      process: {
        ...at.process,
        ...(at.process.kind === 'script'
          ? { start: ['sh', '-c', 'echo starting; echo "no \x1b[2Jdatabase" >&2; exit 7'] }
          : { command: ['sh', '-c', 'echo starting; echo "no \x1b[2Jdatabase" >&2; exit 7'] }),
      } as ProcessDeclared,
    };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.link(null, directory), cx);
    await at.provider.perform(at.slot.set(null, good), cx);
    const operation = at.slot.set(good, broken);
    await expect(at.provider.perform(operation, cx)).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: {
        code: 'process-start-failed',
        detail: expect.stringMatching(/code 7[\s\S]*starting[\s\S]*no ␛\[2Jdatabase/),
      },
    });
    expect((await at.state())?.running).toBeNull();
    expect(await at.provider.look(operation, cx)).toEqual({ at: 'before' });
    await performs(at.provider, at.slot.set(broken, good));
    await at.provider.perform(at.slot.set(good, null), cx);
  });

  test('a process that somebody else started is left alone', async () => {
    const at = await world(host, kind);
    const cx = testContext();
    const directory = releaseDirectory(one);
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.link(null, directory), cx);
    const theirs = { release: directory, process: { ...at.process, environment: { BY: 'somebody' } } };
    await at.provider.perform(at.slot.set(null, theirs), cx);
    const ours = at.slot.set(null, { release: directory, process: at.process });
    expect(await at.provider.look(ours, cx)).toMatchObject({ at: 'elsewhere' });
    await expect(at.provider.perform(ours, cx)).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'process-changed-elsewhere' },
    });
    expect((await at.state())?.running).toEqual(theirs);
    await at.provider.perform(at.slot.set(theirs, null), cx);
  });

  test('an older run of the same lineage is refused, another lineage is noted', async () => {
    const at = await world(host, kind);
    await at.provider.perform(at.slot.put(one), testContext({ fence: { lineage: 'test-lineage', run: 8 } }));
    const late = testContext({ fence: { lineage: 'test-lineage', run: 7 } });
    for (const operation of [
      at.slot.put(two),
      at.slot.link(null, releaseDirectory(one)),
      at.slot.set(null, { release: releaseDirectory(one), process: at.process }),
      at.slot.remove(one),
    ]) {
      await expect(at.provider.perform(operation, late), operation.op).rejects.toMatchObject({
        effect: 'none',
        diagnostic: { code: 'fence-newer' },
      });
    }
    expect(await at.state()).toBeUndefined();
    await at.provider.perform(at.slot.put(one), testContext({ fence: { lineage: 'other', run: 1 } }));
    await at.provider.perform(
      at.slot.link(null, releaseDirectory(one)),
      testContext({ fence: { lineage: 'other', run: 1 } }),
    );
    const { notes } = await at.provider.observe(at.declared, new AbortController().signal);
    expect(notes.map((note) => note.code)).toContain('host-other-lineage');
  });
});

describe('process "exec"', () => {
  test('a process that crashes is started again, and stopping ends it for good', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    await at.provider.perform(at.slot.verify(running.release, httpHealth(at.address, at.port)), cx);
    await fetch(`http://${at.address}:${at.port}/crash`).catch(() => undefined);
    await at.provider.perform(at.slot.verify(running.release, httpHealth(at.address, at.port)), cx);
    const log = await readFile(join(at.root, '.deployctl/shop-blue/log'), 'utf8');
    expect(log).toMatch(/the process ended with code 9; it starts again in 1 s/);
    await at.provider.perform(at.slot.set(running, null), cx);
    await expect(fetch(`http://${at.address}:${at.port}/`)).rejects.toThrow();
  });

  test('it is told once to stop, and what takes too long is ended', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const stubborn = execProcess(
      'shop-blue',
      ['sh', '-c', "trap 'echo told' TERM; echo ready; while :; do sleep 0.1; done"],
      { stopTimeoutMs: 1_000 },
    );
    const running = { release: releaseDirectory(one), process: stubborn };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    await at.provider.perform(at.slot.set(running, null), cx);
    expect((await readFile(join(at.root, '.deployctl/shop-blue/log'), 'utf8')).match(/told/g)).toHaveLength(
      1,
    );
    expect(await at.state()).toBeUndefined();
  });

  test('what the command left in the background goes with it', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const parent = execProcess('shop-blue', ['sh', '-c', 'sleep 300 & echo $! > child.pid; wait']);
    const running = { release: releaseDirectory(one), process: parent };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    const pid = (await readFile(join(at.root, 'releases', running.release, 'child.pid'), 'utf8')).trim();
    await at.provider.perform(at.slot.set(running, null), cx);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone Z');
    expect(stat).toMatch(/ Z/);
  });

  test('it outlives the connection that started it', async () => {
    const at = await world('web-1', 'exec');
    const own = openHostChannels(hosts, { clock: realClock });
    const provider = openHostProvider(at.declared, own, {
      clock: realClock,
      operatorFolder: fleet.folder,
      resolveSecret: async () => '',
    });
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await provider.perform(at.slot.put(one), cx);
    await provider.perform(at.slot.set(null, running), cx);
    await own[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await at.state())?.running).toEqual(running);
    await at.provider.perform(at.slot.set(running, null), cx);
  });

  test('a number that another process has now is not taken for it', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    await at.provider.perform(at.slot.link(null, running.release), cx);
    const unit = join(at.root, '.deployctl/shop-blue');
    const kept = {
      pid: await readFile(join(unit, 'pid'), 'utf8'),
      child: await readFile(join(unit, 'child'), 'utf8'),
    };
    // As after a restart of the host: the same numbers, other times.
    await writeFile(join(unit, 'pid'), `${process.pid} 1 x\n`);
    await writeFile(join(unit, 'child'), `${process.pid} 1 x\n`);
    expect((await at.state())?.running).toBeNull();
    await writeFile(join(unit, 'pid'), kept.pid);
    await writeFile(join(unit, 'child'), kept.child);
    await at.provider.perform(at.slot.set(running, null), cx);
  });

  test('a command that is not there', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    const process = execProcess('shop-blue', ['bin/nothing']);
    await expect(
      at.provider.perform(at.slot.set(null, { release: releaseDirectory(one), process }), cx),
    ).rejects.toMatchObject({
      diagnostic: { code: 'process-start-failed', detail: expect.stringContaining('127') },
    });
  });

  test('a user that is not there, and what runs goes on', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.set(null, running), cx);
    const process = { ...at.process, user: 'nobody-of-this-name' };
    await expect(
      at.provider.perform(at.slot.set(running, { release: releaseDirectory(one), process }), cx),
    ).rejects.toMatchObject({ effect: 'none', diagnostic: { code: 'user-unknown' } });
    expect((await at.state())?.running).toEqual(running);
    await at.provider.perform(at.slot.set(running, null), cx);
  });

  test.runIf(process.getuid?.() === 0)(
    'another user: the process has its rights, its home and nothing else',
    async () => {
      const at = await world('web-1', 'exec');
      const cx = testContext();
      const process = execProcess('shop-blue', ['sh', '-c', 'id -un; echo "$HOME"; id -Gn; exec sleep 300'], {
        user: 'nobody',
      });
      // Folders of the tests are closed to others, a real install root is not.
      const channel = await channels.to('web-1');
      await channel.script(
        'chmod a+x "$a" "$b" "$c"',
        { a: fleet.folder, b: join(fleet.folder, 'web-1'), c: join(fleet.folder, 'web-1/root') },
        { timeoutMs: 5_000 },
      );
      await at.provider.perform(at.slot.put(one), cx);
      const running = { release: releaseDirectory(one), process };
      await at.provider.perform(at.slot.set(null, running), cx);
      const log = await readFile(join(at.root, '.deployctl/shop-blue/log'), 'utf8');
      expect(log.split('\n').slice(1, 3)).toEqual(['nobody', '/nonexistent']);
      await at.provider.perform(at.slot.set(running, null), cx);
    },
  );
});

describe('process "script"', () => {
  test('a launcher whose status never says that it runs', async () => {
    const at = await world('web-1', 'script', {
      startTimeoutMs: 1_000,
      status: ['false'],
    } as Partial<ProcessDeclared>);
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    await expect(
      at.provider.perform(
        at.slot.set(null, {
          release: releaseDirectory(one),
          process: { ...at.process, start: ['true'] } as ProcessDeclared,
        }),
        cx,
      ),
    ).rejects.toMatchObject({
      diagnostic: { code: 'process-start-failed', detail: expect.stringContaining('status command') },
    });
  });

  test('a launcher that stays in the foreground', async () => {
    const at = await world('web-1', 'script', { startTimeoutMs: 1_000 } as Partial<ProcessDeclared>);
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    await expect(
      at.provider.perform(
        at.slot.set(null, {
          release: releaseDirectory(one),
          process: { ...at.process, start: ['sleep', '7'] } as ProcessDeclared,
        }),
        cx,
      ),
    ).rejects.toMatchObject({
      diagnostic: { code: 'process-start-failed', detail: expect.stringContaining('background') },
    });
  });

  test('a launcher that does not stop', async () => {
    const at = await world('web-1', 'script', { stopTimeoutMs: 1_000 });
    const cx = testContext();
    const running = {
      release: releaseDirectory(one),
      process: { ...at.process, start: ['true'], stop: ['true'], status: ['true'] } as ProcessDeclared,
    };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    await expect(at.provider.perform(at.slot.set(running, null), cx)).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: { code: 'process-stop-timeout' },
    });
    expect((await at.state())?.running).toEqual(running);
  });
});

describe('process "systemd"', () => {
  test.skipIf(hasSystemd())('a host without systemd says so', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    await at.provider.perform(at.slot.put(one), cx);
    const process = { ...at.process, kind: 'systemd' } as ProcessDeclared;
    await expect(
      at.provider.perform(at.slot.set(null, { release: releaseDirectory(one), process }), cx),
    ).rejects.toMatchObject({ diagnostic: { code: 'systemd-missing' } });
  });
});

describe('observing', () => {
  test('a host that can not be reached is unknown, never absent, and the others are seen', async () => {
    const at = await world('web-1', 'exec');
    const dead: HostDeclared = {
      ...(at.declared.hosts[0] as HostDeclared),
      name: 'dead',
      address: asAddress('host.dead'),
      connection: {
        ...(at.declared.hosts[0] as HostDeclared).connection,
        port: await freePort(at.address),
      } as never,
    };
    const health = httpHealth(at.address, at.port);
    const declared = declaredWith([...hosts, dead], fleet.folder, one, at.slot.place.install, [
      { slot: 'blue', host: 'web-1', process: at.process, health },
      { slot: 'blue', host: 'dead', process: at.process, health },
    ]);
    await using own = openHostChannels(declared.hosts, { clock: realClock });
    await using provider = openHostProvider(declared, own, {
      clock: realClock,
      operatorFolder: fleet.folder,
      resolveSecret: async () => '',
    });
    const { observations } = await provider.observe(declared, new AbortController().signal);
    const of = (host: string) =>
      observations.filter((each) => each.address.includes(`"${host}"`)).map((each) => each.status);
    expect(of('web-1')).toEqual(['present', 'absent']);
    expect(of('dead')).toEqual(['unknown', 'unknown']);
    const unknown = observations.find((each) => each.status === 'unknown');
    expect(unknown).toMatchObject({ why: { code: 'host-unreachable' } });
    const cx = testContext();
    const far = new SlotOperations(placeOn('dead', at.slot.place.install), 'blue');
    expect(await provider.look(far.link(null, 'x'), cx)).toMatchObject({ at: 'unknown' });
  });

  test('a process that answers, but not as it should, is unhealthy with the reason', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    await at.provider.perform(at.slot.verify(running.release, httpHealth(at.address, at.port)), cx);
    const declared = declaredWith(hosts, fleet.folder, one, at.slot.place.install, [
      {
        slot: 'blue',
        host: 'web-1',
        process: at.process,
        health: httpHealth(at.address, at.port, { path: '/broken' } as never),
      },
    ]);
    const { observations } = await at.provider.observe(declared, new AbortController().signal);
    expect(observations.find((each) => each.kind === 'instance')).toMatchObject({
      spec: { health: { status: 'unhealthy', detail: 'GET /broken was answered with 500, not 200' } },
    });
    await at.provider.perform(at.slot.set(running, null), cx);
  });

  test('something else in the place of the symlink is unknown, with what to do', async () => {
    const at = await world('web-1', 'exec');
    await mkdir(join(at.root, 'blue'), { recursive: true });
    await expect(at.state()).rejects.toThrow(/is not a symlink/);
    await expect(at.provider.perform(at.slot.link(null, 'x'), testContext())).rejects.toMatchObject({
      diagnostic: { code: 'slot-obstructed' },
    });
    await rm(join(at.root, 'blue'), { recursive: true });
  });

  test('a record that was edited into nonsense makes the instance unknown while it runs', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    const path = join(at.root, '.deployctl/shop-blue/process.json');
    const kept = await readFile(path, 'utf8');
    await writeFile(path, '{"format":1');
    await expect(at.state()).rejects.toThrow(/it is not JSON/);
    await writeFile(path, kept);
    await at.provider.perform(at.slot.set(running, null), cx);
  });
});

test('an artifact of one file is installed under its own name, with its executable bit', async () => {
  const at = await world('web-1', 'exec');
  const path = join(fleet.folder, 'run me.sh');
  await writeFile(path, '#!/bin/sh\necho ran\n', { mode: 0o755 });
  const release: ReleaseDeclared = { name: 'shop', version: '3', artifact: await artifactOf(path), origin };
  await performs(at.provider, at.slot.put(release));
  const channel = await channels.to('web-1');
  const ran = await channel.script(
    '"$folder/run me.sh"; ls -A "$folder"',
    { folder: `${at.root}/releases/${releaseDirectory(release)}` },
    { timeoutMs: 10_000 },
  );
  expect(ran.stdout).toBe('ran\nrun me.sh\n');
});

/** On a machine that is run by systemd, the fleet's tests cover it. */
function hasSystemd(): boolean {
  return existsSync('/run/systemd/system');
}

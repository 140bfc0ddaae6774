/** The laws of a provider, for every operation and every kind of process that runs without systemd, on real hosts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asAddress,
  type HostDeclared,
  type ProcessDeclared,
  type ReleaseDeclared,
  releaseDirectory,
} from '../../src/model/index.ts';
import { withHomes } from '../../src/providers/host/home.ts';
import { openHostProvider } from '../../src/providers/host/index.ts';
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
  testContext,
  writeApplication,
  writeLauncher,
} from '../rig/host-world.ts';
import { type Fleet, freePort, startSshd } from '../rig/sshd.ts';
import { describeHost, type HostRig, type HostWorld, openWorld, performs } from './host-contract.ts';

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

const rigOf = (host: string): HostRig => {
  const [web] = fleet.hosts;
  const declared = hosts.find((each) => each.name === host);
  if (web === undefined || declared === undefined) throw new Error('no host');
  return {
    ...{ host: declared, hosts, channels, folder: fleet.folder, roots: web.root, one, two, secrets },
    address: web.address,
    freePort: () => freePort(web.address),
    runtime: process.execPath,
  };
};

const world = (
  host: string,
  kind: 'exec' | 'script',
  more: Partial<ProcessDeclared> = {},
): Promise<HostWorld> => openWorld(rigOf(host), kind, more);

for (const [name, host, kind] of [
  ['over SSH, process "exec"', 'web-1', 'exec'],
  ['over SSH, process "script"', 'web-1', 'script'],
  ['on this machine, process "exec"', 'here', 'exec'],
  ['on this machine, process "script"', 'here', 'script'],
] as const) {
  describeHost(name, kind, () => rigOf(host));
}

test('a step is two exchanges with its host: a look, and a change that looks again', async () => {
  const at = await world('web-1', 'exec');
  let exchanges = 0;
  const counted: HostChannels = {
    to: async (host, signal) => {
      const channel = await channels.to(host, signal);
      return {
        host,
        script: (...args) => {
          exchanges += 1;
          return channel.script(...args);
        },
        stream: (...args) => {
          exchanges += 1;
          return channel.stream(...args);
        },
        dial: (...args) => channel.dial(...args),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const bare = openHostProvider(at.declared, counted, {
    clock: realClock,
    operatorFolder: fleet.folder,
    resolveSecret: async () => '',
  });
  // As the program opens it.
  await using provider = withHomes(bare, counted);
  const release = releaseDirectory(one);
  const running = { release, process: at.process };
  const took: [string, number][] = [];
  for (const operation of [
    at.slot.put(one),
    at.slot.link(null, release),
    at.slot.set(null, running),
    at.slot.verify(release, httpHealth(at.address, at.port)),
    at.slot.set(running, null),
    at.slot.link(release, null),
    at.slot.remove(one),
  ]) {
    exchanges = 0;
    const cx = testContext();
    const isWait = operation.op === 'health.verify';
    const before = isWait ? undefined : await provider.look(operation, cx);
    if (before !== undefined && before.at !== 'before') throw new Error(JSON.stringify(before));
    let isTold = false;
    const after = (): void => {
      isTold = true;
    };
    await provider.perform(operation, cx, { before, after });
    expect(isTold, operation.op).toBe(true);
    took.push([operation.op, exchanges]);
  }
  expect(took).toEqual([
    // One more asks what the host has of it, before a byte is sent.
    ['release.put', 3],
    ['slot.link', 2],
    ['process.set', 2],
    // The process is looked at before its check and after it.
    ['health.verify', 2],
    ['process.set', 2],
    ['slot.link', 2],
    ['release.remove', 2],
  ]);
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

  test('nothing is left of a supervisor that is killed once its command has ended too', async () => {
    const at = await world('web-1', 'exec');
    const cx = testContext();
    const running = { release: releaseDirectory(one), process: at.process };
    await at.provider.perform(at.slot.put(one), cx);
    await at.provider.perform(at.slot.set(null, running), cx);
    const numberIn = async (file: string): Promise<number> =>
      Number((await readFile(join(at.root, '.deployctl/shop-blue', file), 'utf8')).split(' ')[0]);
    const supervisor = await numberIn('pid');
    expect(processesInGroup(supervisor).length).toBeGreaterThan(2);
    process.kill(supervisor, 'SIGKILL');
    process.kill(await numberIn('child'), 'SIGKILL');
    await expect.poll(() => processesInGroup(supervisor), { timeout: 30_000 }).toEqual([]);
    expect((await at.state())?.running).toBeUndefined();
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
  test('a host that cannot be reached is unknown, never absent, and the others are seen', async () => {
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

/** Without those that only wait to be fetched by their parent. */
function processesInGroup(group: number): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [state, , owner] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return state !== 'Z' && Number(owner) === group;
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}

/** On a machine that is run by systemd, the fleet's tests cover it. */
function hasSystemd(): boolean {
  return existsSync('/run/systemd/system');
}

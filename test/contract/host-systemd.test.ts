/** `process "systemd"` on hosts that systemd runs: the laws of every provider, and what is systemd's own. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ProcessDeclared, releaseDirectory } from '../../src/model/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { type Fleet, type FleetHost, startFleet } from '../fleet/fleet.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { realClock } from '../rig/clock.ts';
import { httpHealth, releaseOf, testContext, writeApplication } from '../rig/host-world.ts';
import { describeHost, type HostRig, type HostWorld, openWorld, performs } from './host-contract.ts';

const nowhere = await whyNoFleet();
const where = nowhere === undefined ? '' : ` (skipped: ${nowhere})`;

let fleet: Fleet;
let web: FleetHost;
let channels: HostChannels;
let rig: HostRig;
let port = 9_000;

beforeAll(async () => {
  if (nowhere !== undefined) return;
  fleet = await startFleet(['web-1']);
  web = fleet.host('web-1');
  channels = openHostChannels([web.declared], { clock: realClock });
  for (const version of ['1.0.0', '2.0.0']) await writeApplication(fleet.folder, version);
  rig = {
    ...{ host: web.declared, hosts: [web.declared], channels, folder: fleet.folder, roots: '/srv' },
    ...{ address: web.address, runtime: '/usr/local/bin/node' },
    freePort: async () => {
      port += 1;
      return port;
    },
    one: await releaseOf(join(fleet.folder, 'shop-1.0.0'), '1.0.0'),
    two: await releaseOf(join(fleet.folder, 'shop-2.0.0'), '2.0.0'),
    secrets: new Map([['token', 'canary-secret\'"$x\nsecond']]),
  };
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

/** A test that failed must not be another's failure. */
afterEach(async () => {
  if (nowhere !== undefined) return;
  await web.run(`systemctl stop shop-blue 2>/dev/null || :
rm -rf /etc/systemd/system/shop-blue.service /run/systemd/system/shop-blue.service.d
systemctl daemon-reload
systemctl reset-failed`);
});

const unitFile = () => join(web.disk, 'etc/systemd/system/shop-blue.service');
const show = async (property: string): Promise<string> =>
  (await web.run('systemctl show -p "$property" --value shop-blue', { property })).trim();

/** A world whose process runs the first release. */
async function running(more: Partial<ProcessDeclared> = {}) {
  const at = await openWorld(rig, 'systemd', more);
  const to = { release: releaseDirectory(rig.one), process: at.process };
  await at.provider.perform(at.slot.put(rig.one), testContext());
  await at.provider.perform(at.slot.link(null, to.release), testContext());
  await at.provider.perform(at.slot.set(null, to), testContext());
  return { at, to };
}

const command = (at: HostWorld, ...argv: readonly string[]): ProcessDeclared =>
  ({ ...at.process, command: argv }) as ProcessDeclared;

describe.skipIf(nowhere !== undefined)(`on a host of the fleet${where}`, () => {
  describeHost('as the user deploy with sudo -n, process "systemd"', 'systemd', () => rig);
  describeHost('as the user deploy with sudo -n, process "exec"', 'exec', () => rig);

  test('the unit is enabled while it runs, and nothing of it is left when it is stopped', async () => {
    const { at, to } = await running({ user: 'shop', stopTimeoutMs: 7_000 } as Partial<ProcessDeclared>);
    expect(await show('UnitFileState')).toBe('enabled');
    expect(await show('TimeoutStopUSec')).toBe('7s');
    expect((await web.run('stat -c "%U %a" /etc/systemd/system/shop-blue.service')).trim()).toBe('root 644');
    expect((await web.run('ps -o user= -p "$(systemctl show -p MainPID --value shop-blue)"')).trim()).toBe(
      'shop',
    );
    await at.provider.perform(at.slot.set(to, null), testContext());
    expect(await show('LoadState')).toBe('not-found');
    expect(await web.run('ls /etc/systemd/system/multi-user.target.wants')).not.toContain('shop-blue');
  });

  test('what ran when the power went runs again after the boot, and needs nothing from us', async () => {
    const { at, to } = await running();
    await web.cutPower();
    await web.boot();
    await at.provider.perform(at.slot.verify(to.release, httpHealth(at.address, at.port)), testContext());
    expect(await at.state()).toMatchObject({
      linked: to.release,
      running: to,
      health: { status: 'healthy' },
    });
    await at.provider.perform(at.slot.set(to, null), testContext());
    await web.cutPower();
    await web.boot();
    expect((await at.state())?.running).toBeNull();
  });

  test('what does not stop in its time is ended, with all that it started', async () => {
    const { at } = await running();
    const stubborn = {
      release: releaseDirectory(rig.one),
      process: {
        ...command(at, '/bin/sh', '-c', "trap 'echo told' TERM; sleep 301 & while :; do sleep 0.1; done"),
        stopTimeoutMs: 1_000,
      },
    };
    const first = { ...stubborn, process: at.process };
    await at.provider.perform(at.slot.set(first, stubborn), testContext());
    await at.provider.perform(at.slot.set(stubborn, null), testContext());
    expect((await at.state())?.running).toBeNull();
    // Killed, on a machine that is busy, is not yet gone.
    await expect
      .poll(async () => (await web.run('pgrep -cx sleep || :')).trim(), { timeout: 10_000 })
      .toBe('0');
  });

  test.for([
    ['a command that is not there', ['/opt/nothing'], /missing, or not executable \(systemd: 203\)/],
    ['a command that ends at once', ['/bin/sh', '-c', 'echo bye; exit 0'], /ended by itself[\s\S]*bye/],
    ['a command that a signal ends', ['/bin/sh', '-c', 'kill -SEGV $$'], /signal 11/],
  ] as const)('%s does not start, and says why', async ([, argv, words]) => {
    const at = await openWorld(rig, 'systemd');
    await at.provider.perform(at.slot.put(rig.one), testContext());
    const to = { release: releaseDirectory(rig.one), process: command(at, ...argv) };
    await expect(at.provider.perform(at.slot.set(null, to), testContext())).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: { code: 'process-start-failed', detail: expect.stringMatching(words) },
    });
    expect(await show('LoadState')).toBe('not-found');
  });

  test('the last words of a start are in its error also where journald comes to them late', async () => {
    const at = await openWorld(rig, 'systemd');
    await at.provider.perform(at.slot.put(rig.one), testContext());
    const to = {
      release: releaseDirectory(rig.one),
      process: command(at, '/bin/sh', '-c', 'echo bye; exit 0'),
    };
    await web.run('systemctl kill --signal=STOP systemd-journald');
    const started = at.provider.perform(at.slot.set(null, to), testContext());
    await Promise.allSettled([
      started,
      new Promise((resolve) => setTimeout(resolve, 2_000)).then(() =>
        web.run('systemctl kill --signal=CONT systemd-journald'),
      ),
    ]);
    await expect(started).rejects.toMatchObject({
      diagnostic: { detail: expect.stringMatching(/ended by itself[\s\S]*bye/) },
    });
  });

  test('one that crashes in a loop is unhealthy, with how it ends and its own last words', async () => {
    const { at, to } = await running({ environment: { LOOP: '1' } });
    const looping = {
      ...to,
      process: command(at, '/bin/sh', '-c', 'sleep 0.6; printf "no \\033[2Jdatabase\\n"; exit 9'),
    };
    await at.provider.perform(at.slot.set(to, looping), testContext());
    await expect
      .poll(async () => (await at.state())?.health, { timeout: 15_000, interval: 500 })
      .toMatchObject({
        status: 'unhealthy',
        detail: expect.stringMatching(/^it crashes: it ended with code 9, .*last words: no .*database$/),
      });
    const health = httpHealth(at.address, at.port, { deadlineMs: 3_000 });
    await expect(
      at.provider.perform(at.slot.verify(to.release, health), testContext()),
    ).rejects.toMatchObject({
      diagnostic: { code: 'health-not-passed', detail: expect.stringContaining('no ␛[2Jdatabase') },
    });
    await at.provider.perform(at.slot.set(looping, to), testContext());
    await at.provider.perform(at.slot.verify(to.release, httpHealth(at.address, at.port)), testContext());
    await at.provider.perform(at.slot.set(to, null), testContext());
  });

  test('one that systemd has given up on does not run, says so, and starts again', async () => {
    const { at, to } = await running();
    await web.run(`mkdir -p /run/systemd/system/shop-blue.service.d
printf '[Service]\\nRestart=no\\n' >/run/systemd/system/shop-blue.service.d/no.conf
systemctl daemon-reload
systemctl kill --kill-whom=main -s ABRT shop-blue
while systemctl is-active -q shop-blue; do sleep 0.1; done
rm -r /run/systemd/system/shop-blue.service.d
systemctl daemon-reload`);
    expect(await show('ActiveState')).toBe('failed');
    expect(await at.state()).toMatchObject({
      running: null,
      health: { status: 'unhealthy', detail: expect.stringMatching(/signal 6/) },
    });
    await performs(at.provider, at.slot.set(null, to));
    expect(await show('ActiveState')).toBe('active');
    await at.provider.perform(at.slot.set(to, null), testContext());
  });

  test('a unit that somebody edited is seen as a difference of texts, and written anew', async () => {
    const { at, to } = await running();
    const written = await readFile(unitFile(), 'utf8');
    await writeFile(unitFile(), written.replace('RestartSec=2', 'RestartSec=99'));
    const seen = await at.state();
    expect(seen?.tampered).toMatchObject({ path: '/etc/systemd/system/shop-blue.service' });
    expect(seen?.tampered?.expected).toContain('RestartSec=2');
    expect(seen?.tampered?.actual).toContain('RestartSec=99');
    await at.provider.perform(at.slot.set(to, null), testContext());
    await at.provider.perform(at.slot.set(null, to), testContext());
    expect((await at.state())?.tampered).toBeNull();
    expect(await readFile(unitFile(), 'utf8')).toBe(written);
    // Removed altogether: the process lives on, and what a boot would bring is what is missing.
    await rm(unitFile());
    expect(await at.state()).toMatchObject({ running: to, tampered: { actual: '' } });
    await at.provider.perform(at.slot.set(to, null), testContext());
  });

  test("somebody else's unit of the same name is left alone", async () => {
    const theirs = '[Service]\nExecStart=/bin/sleep 302\n';
    await writeFile(unitFile(), theirs);
    await web.run('systemctl daemon-reload; systemctl start shop-blue');
    const at = await openWorld(rig, 'systemd');
    await at.provider.perform(at.slot.put(rig.one), testContext());
    const to = { release: releaseDirectory(rig.one), process: at.process };
    await expect(at.provider.perform(at.slot.set(null, to), testContext())).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'unit-foreign', detail: expect.stringContaining('shop-blue.service') },
    });
    expect(await readFile(unitFile(), 'utf8')).toBe(theirs);
    expect(await show('ActiveState')).toBe('active');
  });

  test('a full disk is named, and what runs goes on', async () => {
    const { at, to } = await running();
    await web.fillDisk();
    try {
      await expect(at.provider.perform(at.slot.put(rig.two), testContext())).rejects.toMatchObject({
        effect: 'none',
        diagnostic: { code: 'disk-full' },
      });
      const { notes } = await at.provider.observe(at.declared, new AbortController().signal);
      expect(notes.map((note) => note.code)).toContain('host-disk-low');
    } finally {
      await web.emptyDisk();
    }
    expect((await at.state())?.running).toEqual(to);
    await performs(at.provider, at.slot.put(rig.two));
    await at.provider.perform(at.slot.set(to, null), testContext());
  });

  test('a disk that fills up while the unit is written: nothing is left that a boot would start', async () => {
    const at = await openWorld(rig, 'systemd');
    const to = { release: releaseDirectory(rig.one), process: at.process };
    await at.provider.perform(at.slot.put(rig.one), testContext());
    // Room for nothing in this folder alone: everything before the unit can be written.
    await web.run(
      'mount -t tmpfs -o size=4k tmpfs /etc/systemd/system; cat /dev/zero >/etc/systemd/system/x 2>&1 || :',
    );
    try {
      await expect(at.provider.perform(at.slot.set(null, to), testContext())).rejects.toMatchObject({
        effect: 'maybe',
        diagnostic: { code: 'disk-full', detail: expect.stringContaining('What was begun was removed') },
      });
      expect((await web.run('ls /etc/systemd/system')).trim()).toBe('x');
    } finally {
      await web.run('umount /etc/systemd/system; systemctl daemon-reload');
    }
    expect(await show('LoadState')).toBe('not-found');
    expect(await web.run(`ls "${at.root}/.deployctl/shop-blue"`)).not.toContain('started');
    await performs(at.provider, at.slot.set(null, to));
    await at.provider.perform(at.slot.set(to, null), testContext());
  });

  test('what a start that was cut off left behind is taken back, not taken for stopped', async () => {
    const { at, to } = await running();
    // As when the power goes between enabling the unit and starting it.
    await web.run('systemctl stop shop-blue');
    expect(await show('UnitFileState')).toBe('enabled');
    expect(await at.provider.look(at.slot.set(to, null), testContext())).toMatchObject({ at: 'before' });
    await performs(at.provider, at.slot.set(to, null));
    expect(await show('LoadState')).toBe('not-found');
  });

  test('a clock that is off by a day is noted, and nothing depends on it', async () => {
    await web.shiftClock(86_400);
    try {
      const { at, to } = await running();
      const { notes } = await at.provider.observe(at.declared, new AbortController().signal);
      expect(notes.map((note) => note.detail).join()).toMatch(/web-1 is 8640\d s ahead/);
      const broken = { ...to, process: command(at, '/bin/sh', '-c', 'echo my last words; exit 3') };
      await expect(at.provider.perform(at.slot.set(to, broken), testContext())).rejects.toMatchObject({
        diagnostic: { detail: expect.stringMatching(/code 3[\s\S]*my last words/) },
      });
    } finally {
      await web.shiftClock(0);
    }
  });

  test('a connection whose cable is pulled does not outlive its goodbye', async () => {
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = sockets();
    const own = openHostChannels([web.declared], { clock: realClock });
    await own.to('web-1');
    expect(sockets()).toBe(before + 1);
    await web.pullCable();
    try {
      await own[Symbol.asyncDispose]();
      await expect.poll(sockets).toBe(before);
    } finally {
      await web.plugCable();
    }
  });

  test('a host that lets nobody in while it boots or shuts down is told with its own words', async () => {
    await web.run('echo "System is going down for maintenance." >/run/nologin');
    try {
      await using own = openHostChannels([web.declared], { clock: realClock });
      await expect(own.to('web-1')).rejects.toMatchObject({
        effect: 'none',
        diagnostic: {
          code: 'host-unreachable',
          detail: expect.stringContaining('going down for maintenance'),
        },
      });
    } finally {
      await web.run('rm /run/nologin');
    }
  });

  test('a host key that changed stops everything before a word is sent', async () => {
    const before = await readFile(fleet.knownHosts, 'utf8');
    await web.changeHostKey();
    await using own = openHostChannels([web.declared], { clock: realClock });
    await expect(own.to('web-1')).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: expect.stringMatching(/^host-key/) },
    });
    const [type, key] = (await readFile(join(web.disk, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8')).split(
      ' ',
    );
    await writeFile(fleet.knownHosts, `${web.address} ${type} ${key}\n`);
    await using again = openHostChannels([web.declared], { clock: realClock });
    await again.to('web-1');
    expect(before).not.toContain(key);
  });
});

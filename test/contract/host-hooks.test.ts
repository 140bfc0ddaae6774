/** Hooks and health checks on real hosts: once, in time, told safely. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Declared,
  type HealthDeclared,
  type ProviderFailure,
  type ReleaseDeclared,
  releaseDirectory,
} from '../../src/model/index.ts';
import { type HostProvider, openHostProvider } from '../../src/providers/host/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import {
  declaredWith,
  execProcess,
  httpHealth,
  origin,
  placeOn,
  releaseOf,
  SlotOperations,
  type TestContext,
  testContext,
  writeApplication,
} from '../rig/host-world.ts';
import { type Fleet, freeAddress, freePort, type SshdHost, startSshd } from '../rig/sshd.ts';

let fleet: Fleet;
let web: SshdHost;
let channels: HostChannels;
let provider: HostProvider;
let declared: Declared;
let release: ReleaseDeclared;
let slot: SlotOperations;
let folder: string;

const lines = (cx: TestContext): string[] =>
  cx.reported.flatMap((event) => (event.type === 'step_output' ? [`${event.stream}: ${event.line}`] : []));

beforeAll(async () => {
  fleet = await startSshd({ hosts: 1, names: ['web-1'] });
  const [host] = fleet.hosts;
  if (host === undefined) throw new Error('no host');
  web = host;
  release = await releaseOf(await writeApplication(fleet.folder, '1.0.0'), '1.0.0');
  slot = new SlotOperations(placeOn('web-1', { root: join(web.root, 'shop'), keep: 3 }), 'blue');
  declared = declaredWith([web.declared], fleet.folder, release, slot.place.install, []);
  channels = openHostChannels(declared.hosts, { clock: realClock });
  provider = openHostProvider(declared, channels, {
    clock: realClock,
    operatorFolder: join(fleet.folder, 'operator'),
    resolveSecret: async () => 'canary-secret',
  });
  folder = join(slot.place.install.root, 'releases', releaseDirectory(release));
  await provider.perform(slot.put(release), testContext());
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

describe.for([
  ['on a host', true],
  ["on the operator's machine", false],
] as const)('a hook %s', ([, onHost]) => {
  const hook = (argv: readonly string[], more: object = {}) =>
    slot.hook(folder, argv, { place: onHost ? slot.place : undefined, ...more } as never);

  test('runs in its folder with its environment, and its output is told line by line', async () => {
    const cx = testContext();
    const operation = hook(
      [
        'sh',
        '-c',
        'pwd; echo "$DEPLOYCTL_HOOK $DEPLOYCTL_RUN $MINE $SECRET"; [ "$SECRET" = canary-secret ] && echo "it has its secret"; sleep 0.1; echo warn >&2; printf "no end"',
      ],
      { environment: { MINE: "it's", SECRET: { secret: 'x' } } },
    );
    expect(await provider.look(operation, cx)).toEqual({ at: 'before' });
    await provider.perform(operation, cx);
    expect(lines(cx).filter((line) => line.startsWith('stdout'))).toEqual([
      `stdout: ${folder}`,
      "stdout: before_start 1 it's (secret x)",
      'stdout: it has its secret',
      'stdout: no end',
    ]);
    expect(lines(cx).filter((line) => line.startsWith('stderr'))).toEqual(['stderr: warn']);
    expect(await provider.look(operation, cx)).toEqual({ at: 'after' });
    expect(await provider.seen(operation, cx)).toEqual([]);
  });

  test('runs once, however often its step is performed', async () => {
    const cx = testContext();
    const count = join(fleet.folder, `count-${onHost}`);
    const operation = hook(['sh', '-c', `echo ran >>"${count}"`]);
    await provider.perform(operation, cx);
    await provider.perform(operation, cx);
    expect(await readFile(count, 'utf8')).toBe('ran\n');
  });

  test('that fails is told with its code and its last words; the next attempt runs it again', async () => {
    const cx = testContext();
    const count = join(fleet.folder, `fails-${onHost}`);
    const operation = hook([
      'sh',
      '-c',
      `echo ran >>"${count}"; echo "migration 7: \x1b[2J locked" >&2; exit 3`,
    ]);
    const failed = expect.objectContaining({
      code: 'hook-failed',
      detail: expect.stringMatching(/ended with code 3[\s\S]*migration 7: ␛\[2J locked/),
    });
    await expect(provider.perform(operation, cx)).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: failed,
    });
    await expect(provider.perform(operation, cx)).rejects.toMatchObject({ diagnostic: failed });
    expect(await readFile(count, 'utf8')).toBe('ran\n');
    expect(await provider.look(operation, cx)).toEqual({ at: 'before' });
    const again = testContext({ step: cx.step, attempt: 1 });
    await expect(provider.perform(operation, again)).rejects.toMatchObject({ diagnostic: failed });
    expect(await readFile(count, 'utf8')).toBe('ran\nran\n');
  });

  test('that prints its secret brings it neither to a terminal nor into the record', async () => {
    const cx = testContext();
    const argv = ['sh', '-c', 'echo "token=$SECRET!" >&2; exit 1'];
    const failed = await provider.perform(hook(argv, { environment: { SECRET: { secret: 'x' } } }), cx).then(
      () => undefined,
      (error: ProviderFailure) => error.diagnostic.detail,
    );
    expect(failed).toContain('token=(secret x)!');
    expect(lines(cx)).toEqual(['stderr: token=(secret x)!']);
  });

  test('that takes too long is ended with all that it started', async () => {
    const cx = testContext();
    const late = join(fleet.folder, `late-${onHost}`);
    const operation = hook(['sh', '-c', `echo begun; sleep 4; echo late >"${late}"`], { timeoutMs: 1_000 });
    await expect(provider.perform(operation, cx)).rejects.toMatchObject({
      diagnostic: { code: 'hook-timeout', detail: expect.stringContaining('within 1 s') },
    });
    expect(lines(cx)).toContain('stdout: begun');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await expect(readFile(late)).rejects.toThrow();
  });

  test('whose folder is not there is not begun', async () => {
    const operation = hook(['true'], { folder: join(fleet.folder, 'nothing') });
    const cx = testContext();
    await expect(provider.perform({ ...operation, folder: `${folder}-not` }, cx)).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'hook-folder-missing' },
    });
  });

  test('can print anything, and nothing of it reaches a terminal', async () => {
    const cx = testContext();
    const operation = hook([
      'sh',
      '-c',
      "printf '\\033]0;owned\\007\\033[2Jx\\rhidden\\n\\233\\n\\377\\376\\n'; head -c 20000 /dev/zero | tr '\\0' y; echo; yes z | head -6000",
    ]);
    await provider.perform(operation, cx);
    const told = lines(cx);
    expect(told[0]).toBe('stdout: ␛]0;owned␇␛[2Jx␍hidden');
    expect(told.every((line) => !/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(line))).toBe(true);
    expect(told.every((line) => line.length < 4_100)).toBe(true);
    expect(told.length).toBeLessThan(5_010);
    expect(told.at(-1)).toMatch(/more lines are not shown/);
  });
});

describe('a hook whose connection breaks', () => {
  test('goes on, and the resumed step waits for it and does not run it twice', async () => {
    await using own = await startSshd({ hosts: 1, names: ['web-1'] });
    const [host] = own.hosts;
    if (host === undefined) throw new Error('no host');
    await using other = openHostChannels([host.declared], { clock: realClock });
    const reopened = openHostProvider({ ...declared, hosts: [host.declared] }, other, {
      clock: realClock,
      operatorFolder: own.folder,
      resolveSecret: async () => '',
    });
    const cx = testContext();
    const count = join(own.folder, 'count');
    const operation = slot.hook(folder, [
      'sh',
      '-c',
      `echo ran >>"${count}"; sleep 3; echo finished; exit 0`,
    ]);
    const broken = reopened.perform(operation, cx);
    broken.catch(() => {});
    for (;;) {
      const text = await readFile(count, 'utf8').catch(() => '');
      if (text !== '') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await host.stop();
    await expect(broken).rejects.toMatchObject({
      effect: 'maybe',
      diagnostic: { code: 'host-connection-lost' },
    });
    await host.start();
    expect(await reopened.look(operation, cx)).toEqual({ at: 'before' });
    const resumed = testContext({ step: cx.step });
    await reopened.perform(operation, resumed);
    expect(lines(resumed)).toContain('stdout: finished');
    expect(await reopened.look(operation, resumed)).toEqual({ at: 'after' });
    expect(await readFile(count, 'utf8')).toBe('ran\n');
  });

  test('that was killed on the host is lost, and is not run a second time', async () => {
    const cx = testContext();
    const count = join(fleet.folder, 'killed');
    const operation = slot.hook(folder, [
      'sh',
      '-c',
      `echo ran >>"${count}"; kill -KILL -$(ps -o pgid= -p $$ | tr -d ' ')`,
    ]);
    await expect(provider.perform(operation, cx)).rejects.toMatchObject({
      diagnostic: { code: 'hook-lost' },
    });
    await expect(provider.perform(operation, cx)).rejects.toMatchObject({
      diagnostic: { code: 'hook-lost' },
    });
    expect(await readFile(count, 'utf8')).toBe('ran\n');
  });
});

describe('a health check', () => {
  /** Something that runs, and says nothing about its health: the checks go to servers of the test. */
  async function running(): Promise<{ slot: SlotOperations; stop(): Promise<void> }> {
    const own = new SlotOperations(slot.place, `slot-${Math.random().toString(36).slice(2, 8)}`);
    const process = execProcess(`shop-${own.slot}`, [
      'sh',
      '-c',
      'echo "working \x1b[5m hard"; exec sleep 300',
    ]);
    const runs = { release: releaseDirectory(release), process };
    await provider.perform(own.set(null, runs), testContext());
    return { slot: own, stop: () => provider.perform(own.set(runs, null), testContext()) };
  }
  const fast = { intervalMs: 20, deadlineMs: 1_500, timeoutMs: 500 };

  test('passes only after as many passes in a row as are wanted', async () => {
    const instance = await running();
    const at = await freeAddress();
    const answers = [200, 503, 200, 200, 500, 200, 200, 200];
    let asked = 0;
    const server = createServer((_, response) => {
      response.statusCode = answers[asked] ?? 200;
      asked += 1;
      response.end('x'.repeat(100_000));
    });
    await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
    const cx = testContext();
    const health = httpHealth(at.address, at.port, {
      ...fast,
      deadlineMs: 20_000,
      passes: 3,
    } as Partial<HealthDeclared>);
    await provider.perform(instance.slot.verify(releaseDirectory(release), health), cx);
    expect(asked).toBe(8);
    expect(cx.reported.flatMap((event) => (event.type === 'step_progress' ? [event.text] : []))).toEqual([
      '1 of 3 passes',
      'GET /health was answered with 503, not 200',
      '1 of 3 passes',
      '2 of 3 passes',
      'GET /health was answered with 500, not 200',
      '1 of 3 passes',
      '2 of 3 passes',
      '3 of 3 passes',
    ]);
    await new Promise((resolve) => server.close(resolve));
    await instance.stop();
  });

  test.for([
    ['nobody listens', 'none', /connection refused/],
    ['the answer never comes', 'silent', /was not answered within 0.5 s/],
    ['the answer is no HTTP', 'noise', /GET \/health: /],
    ['the answer has endless headers', 'endless', /GET \/health/],
    ['the answer is another status', 'status', /was answered with 404, not 200/],
  ] as const)('fails at its deadline with the last answer and the log when %s', async ([, kind, reason]) => {
    const instance = await running();
    const at = await freeAddress();
    const server = createTcpServer((socket) => {
      socket.on('error', () => {}).resume();
      if (kind === 'noise') socket.end('\x1b[2J\x00\x01 what?\r\n\r\n');
      if (kind === 'status') socket.end('HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n');
      if (kind === 'endless') {
        socket.write('HTTP/1.1 200 OK\r\n');
        const more = (): void => {
          if (!socket.destroyed)
            socket.write(`x-${Math.random()}: ${'y'.repeat(4000)}\r\n`, () => setImmediate(more));
        };
        more();
      }
    });
    if (kind !== 'none') await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
    const health = httpHealth(at.address, at.port, fast as Partial<HealthDeclared>);
    await expect(
      provider.perform(instance.slot.verify(releaseDirectory(release), health), testContext()),
    ).rejects.toMatchObject({
      effect: 'none',
      diagnostic: {
        code: 'health-not-passed',
        detail: expect.stringMatching(
          new RegExp(`${reason.source}[\\s\\S]*The last lines of its log:[\\s\\S]*working  ?hard`),
        ),
      },
    });
    if (kind !== 'none') await new Promise((resolve) => server.close(resolve));
    await instance.stop();
  });

  test('proves nothing about another release', async () => {
    const instance = await running();
    await expect(
      provider.perform(instance.slot.verify('9.9.9-00000000', undefined), testContext()),
    ).rejects.toMatchObject({
      diagnostic: {
        code: 'health-not-passed',
        detail: expect.stringContaining(`is of ${releaseDirectory(release)}`),
      },
    });
    await instance.stop();
  });

  test('proves nothing about a process that does not run', async () => {
    await expect(
      provider.perform(slot.verify(releaseDirectory(release), undefined), testContext()),
    ).rejects.toMatchObject({
      diagnostic: { code: 'health-not-passed', detail: expect.stringContaining('does not run') },
    });
  });

  test('of what has no process asks which release is in place', async () => {
    const directory = releaseDirectory(release);
    const verify = { ...slot.verify(directory, undefined), passive: true } as const;
    const cx = testContext();
    const detail = (text: string) => ({ diagnostic: { detail: expect.stringContaining(text) } });
    await provider.perform(slot.link(directory, null), cx);
    await expect(provider.perform(verify, cx)).rejects.toMatchObject(detail('its slot is empty'));
    await provider.perform(slot.link(null, directory), cx);
    await provider.perform(verify, cx);
    await expect(provider.perform({ ...verify, release: '9.9.9-00000000' }, cx)).rejects.toMatchObject(
      detail(`its slot points to ${directory}`),
    );
  });

  test('over TCP passes where somebody listens', async () => {
    const instance = await running();
    const at = await freeAddress();
    const server = createTcpServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
    const health: HealthDeclared = { kind: 'tcp', ...at, ...fast, passes: 2, origin };
    await provider.perform(instance.slot.verify(releaseDirectory(release), health), testContext());
    expect(
      await provider.checkHealth(
        instance.slot.verify(releaseDirectory(release), health),
        testContext().signal,
      ),
    ).toEqual({
      status: 'healthy',
    });
    await new Promise((resolve) => server.close(resolve));
    expect(
      await provider.checkHealth(
        instance.slot.verify(releaseDirectory(release), health),
        testContext().signal,
      ),
    ).toMatchObject({ status: 'unhealthy', detail: expect.stringContaining('connection refused') });
    await instance.stop();
  });

  test.for([
    ['that ends well', ['sh', '-c', 'test -f server.cjs'], { status: 'healthy' }],
    [
      'that ends badly',
      ['sh', '-c', 'echo "no queue" >&2; exit 4'],
      { status: 'unhealthy', detail: 'sh ended with 4: no queue' },
    ],
    ['that does not end', ['sleep', '20'], { status: 'unhealthy', detail: 'sleep did not end within 0.5 s' }],
  ] as const)('by a command %s', async ([, argv, result]) => {
    const instance = await running();
    const health: HealthDeclared = { kind: 'command', argv, ...fast, passes: 1, origin };
    const operation = instance.slot.verify(releaseDirectory(release), health);
    expect(await provider.checkHealth(operation, testContext().signal)).toEqual(result);
    await instance.stop();
  });

  test('is given up when the run is interrupted', async () => {
    const instance = await running();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const health = httpHealth(web.address, await freePort(web.address), {
      ...fast,
      deadlineMs: 60_000,
    } as Partial<HealthDeclared>);
    const begun = performance.now();
    await expect(
      provider.perform(
        instance.slot.verify(releaseDirectory(release), health),
        testContext({ signal: stop.signal }),
      ),
    ).rejects.toMatchObject({ diagnostic: { code: 'interrupted' } });
    expect(performance.now() - begun).toBeLessThan(10_000);
    await instance.stop();
  });
});

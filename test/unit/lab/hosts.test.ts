import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningHost, startHost } from '../../../src/lab/hosts/host.ts';
import { keyAt, knownHostsLine } from '../../../src/lab/hosts/keys.ts';
import { asAddress, type Connection, type HostDeclared } from '../../../src/model/index.ts';
import { type HostChannels, openHostChannels } from '../../../src/transport/index.ts';
import { realClock } from '../../rig/clock.ts';

const options = { timeoutMs: 10_000 };

let folder: string;
let host: RunningHost;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-hosts-'));
  const user = await keyAt(join(folder, 'id'), 'test');
  const key = await keyAt(join(folder, 'host-key'), 'test');
  host = await startHost({
    name: 'web-1',
    user: 'deploy',
    folder,
    address: '127.0.0.1',
    port: 0,
    hostKey: key.privateKey,
    authorizedKey: user.publicKey,
  });
  await writeFile(join(folder, 'known_hosts'), knownHostsLine('127.0.0.1', host.port, key.publicKey));
});

afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

type Ssh = Extract<Connection, { kind: 'ssh' }>;

const channels = (ssh: Partial<Ssh> = {}): HostChannels => {
  const origin = {
    file: 'test',
    start: { line: 1, column: 1, byte: 0 },
    end: { line: 1, column: 1, byte: 0 },
  };
  const declared: HostDeclared = {
    address: asAddress('host.web-1'),
    name: 'web-1',
    networkAddress: '127.0.0.1',
    labels: {},
    origin,
    connection: {
      kind: 'ssh',
      address: '127.0.0.1',
      port: host.port,
      user: 'deploy',
      identityFile: join(folder, 'id'),
      knownHosts: [join(folder, 'known_hosts')],
      become: 'none',
      connectTimeoutMs: 5_000,
      transport: 'ssh2',
      ...ssh,
    },
  };
  return openHostChannels([declared], { clock: realClock });
};

describe('a host of the lab', () => {
  test('runs scripts in its own home, with their input, outputs and exit code', async () => {
    await using hosts = channels();
    const channel = await hosts.to('web-1');
    const result = await channel.script(
      'cd; pwd; printf %s "$word"; cat; echo bad >&2; exit 3',
      { word: "it's " },
      { ...options, input: 'in' },
    );
    expect(result).toEqual({
      code: 3,
      signal: undefined,
      stdout: `${folder}\nit's in`,
      stderr: 'bad\n',
    });
  });

  test('tells the signal that ended a command', async () => {
    await using hosts = channels();
    const channel = await hosts.to('web-1');
    const { code, signal } = await channel.script('kill -TERM $$', {}, options);
    expect({ code, signal }).toEqual({ code: undefined, signal: 'TERM' });
  });

  test('runs several commands at once over one connection', async () => {
    await using hosts = channels();
    const channel = await hosts.to('web-1');
    const all = await Promise.all(
      ['1', '2', '3', '4', '5', '6'].map((n) => channel.script(`echo ${n}`, {}, options)),
    );
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  test('knows the Node that runs deployctl', async () => {
    await using hosts = channels();
    const channel = await hosts.to('web-1');
    expect((await channel.script('node --version', {}, options)).stdout.trim()).toBe(process.version);
  });

  test('connects to a loopback port and to a unix socket for who asks', async () => {
    const echo = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const unix = createServer((socket) => socket.end('socket'));
    await new Promise<void>((resolve) => unix.listen(join(folder, 'echo.sock'), resolve));
    try {
      await using hosts = channels();
      const channel = await hosts.to('web-1');
      const { port } = echo.address() as { readonly port: number };
      expect(await text(await channel.dial({ address: '127.0.0.1', port }, options))).toBe('hello');
      expect(await text(await channel.dial({ path: join(folder, 'echo.sock') }, options))).toBe('socket');
    } finally {
      echo.close();
      unix.close();
    }
  });

  test('does not connect to other machines', async () => {
    await using hosts = channels();
    const channel = await hosts.to('web-1');
    await expect(channel.dial({ address: '192.0.2.1', port: 80 }, options)).rejects.toMatchObject({
      effect: 'none',
    });
  });

  test.for([
    ['another user', { user: 'root' }],
    ['another key', { identityFile: 'other' }],
  ] as const)('lets nobody in with %s', async ([, ssh]) => {
    const other = join(folder, 'other');
    await keyAt(other, 'other');
    await using hosts = channels('identityFile' in ssh ? { identityFile: other } : ssh);
    await expect(
      hosts.to('web-1').then((channel) => channel.script('true', {}, options)),
    ).rejects.toMatchObject({
      effect: 'none',
    });
  });
});

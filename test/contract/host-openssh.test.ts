/** transport = "openssh": what only the ssh program can do, what goes wrong with it, and that it leaves nothing behind. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostDeclared, ProviderFailure } from '../../src/model/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import { failureOf } from '../rig/failure-of.ts';
import { type Fleet, freeAddress, type SshdHost, startSshd } from '../rig/sshd.ts';

let fleet: Fleet;
let web: SshdHost;

beforeAll(async () => {
  fleet = await startSshd({ hosts: 1, connection: { transport: 'openssh' } });
  const [first] = fleet.hosts;
  if (first === undefined) throw new Error('no host');
  web = first;
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

const ssh = (host: HostDeclared, changes: object): HostDeclared =>
  ({ ...host, connection: { ...host.connection, ...changes } }) as HostDeclared;
const one = (host: HostDeclared): HostChannels => openHostChannels([host], { clock: realClock });
const options = { timeoutMs: 20_000 };

async function refusalOf(host: HostDeclared): Promise<ProviderFailure> {
  await using open = one(host);
  return await failureOf(open.to(host.name));
}

/** The processes of ssh that have this text among their arguments. */
const sshProcesses = (text: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return words[0] === 'ssh' && words.some((word) => word.includes(text));
      } catch {
        return false;
      }
    })
    .map(Number);

async function eventually(what: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (what()) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return what();
}

test('a step that is interrupted while it connects takes no other with it', async () => {
  await using open = one(web.declared);
  const interrupted = new AbortController();
  const first = open.to(web.declared.name, interrupted.signal).then(
    () => 'connected',
    (error: unknown) => (error instanceof ProviderFailure ? error.diagnostic.code : error),
  );
  const second = open.to(web.declared.name);
  interrupted.abort();
  expect(await first).toBe('interrupted');
  expect((await (await second).script('echo here', {}, options)).stdout).toBe('here\n');
});

describe('a connection that cannot be made', () => {
  test('an unknown host key', async () => {
    const empty = join(fleet.folder, 'empty');
    writeFileSync(empty, '');
    const { diagnostic, effect } = await refusalOf(ssh(web.declared, { knownHosts: [empty] }));
    expect(diagnostic.code).toBe('host-key-unknown');
    expect(effect).toBe('none');
    expect(diagnostic.hint).toContain(`ssh-keyscan -p ${web.port}`);
  });

  test('a changed host key: named with its fingerprint, and no login is tried', async () => {
    await using rebuilt = await startSshd({ hosts: 1, connection: { transport: 'openssh' } });
    const [host] = rebuilt.hosts;
    if (host === undefined) throw new Error('no host');
    await host.changeHostKey();
    const { diagnostic } = await refusalOf(host.declared);
    expect(diagnostic.code).toBe('host-key-changed');
    expect(diagnostic.detail).toMatch(/SHA256:/);
    expect(diagnostic.hint).toContain(`-f ${rebuilt.knownHosts}`);
    expect(await host.log()).not.toMatch(/Accepted/);
  });

  test.for([
    ['a key that the host does not accept', '', 'stranger'],
    ['a key with a passphrase', 'secret', 'locked'],
  ] as const)('%s, and nobody is asked', async ([, passphrase, name]) => {
    const key = join(fleet.folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', key]);
    const { diagnostic } = await refusalOf(ssh(web.declared, { identityFile: key }));
    expect(diagnostic.code).toBe('auth-refused');
    expect(diagnostic.detail).toContain(key);
    expect(diagnostic.hint).toContain('ssh-add');
  });

  test('nobody listens', async () => {
    const { diagnostic } = await refusalOf(ssh(web.declared, await freeAddress()));
    expect(diagnostic.code).toBe('host-unreachable');
    expect(diagnostic.detail).toMatch(/connection refused/);
  });

  test('something shows a banner and stalls, which ssh alone would wait for without end', async () => {
    const at = await freeAddress();
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.write('SSH-2.0-OpenSSH_9.2\r\n');
    });
    await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
    const { diagnostic } = await refusalOf(ssh(web.declared, { ...at, connectTimeoutMs: 500 }));
    expect(diagnostic.code).toBe('host-unreachable');
    expect(await eventually(() => sshProcesses(at.address).length === 0)).toBe(true);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('no ssh program', async () => {
    const path = process.env.PATH;
    process.env.PATH = fleet.folder;
    try {
      writeFileSync(join(fleet.folder, 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
      expect((await refusalOf(web.declared)).diagnostic.code).toBe('ssh-program-missing');
    } finally {
      process.env.PATH = path;
    }
  });
});

test('a host with a certificate is known by its authority', async () => {
  await using two = await startSshd({ hosts: 1, connection: { transport: 'openssh' } });
  const [host] = two.hosts;
  if (host === undefined) throw new Error('no host');
  const authority = join(two.folder, 'authority');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', authority]);
  const hostKey = join(two.folder, host.name, 'host_key');
  execFileSync('ssh-keygen', [
    '-q',
    '-s',
    authority,
    '-I',
    'host',
    '-h',
    '-n',
    host.address,
    `${hostKey}.pub`,
  ]);
  const config = join(two.folder, host.name, 'sshd_config');
  await host.stop();
  writeFileSync(config, `${readFileSync(config, 'utf8')}HostCertificate ${hostKey}-cert.pub\n`);
  await host.start();
  const key = readFileSync(`${authority}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(two.knownHosts, `@cert-authority * ${key}\n`);
  await using open = one(host.declared);
  expect((await (await open.to(host.name)).script('echo yes', {}, options)).stdout).toBe('yes\n');
});

test('a connection that breaks ends the command as unknown, and the next command gets a new one', async () => {
  await using own = await startSshd({ hosts: 1, connection: { transport: 'openssh' } });
  const [host] = own.hosts;
  if (host === undefined) throw new Error('no host');
  await using open = one(host.declared);
  const channel = await open.to(host.name);
  const running = channel.script('sleep 30', {}, options).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 700));
  await host.stop();
  expect(await running).toMatchObject({ effect: 'maybe', diagnostic: { code: 'host-connection-lost' } });
  await expect(channel.script('echo x', {}, options)).rejects.toMatchObject({ effect: 'none' });
  await host.start();
  expect((await channel.script('echo again', {}, options)).stdout).toBe('again\n');
});

test('a forced command is told as no shell, with what it said', async () => {
  await using forced = await startSshd({
    hosts: 1,
    config: ['ForceCommand echo "Only backups here"; exit 1'],
    connection: { transport: 'openssh' },
  });
  const [host] = forced.hosts;
  if (host === undefined) throw new Error('no host');
  await using open = one(host.declared);
  await expect((await open.to(host.name)).script('echo x', {}, options)).rejects.toMatchObject({
    effect: 'none',
    diagnostic: { code: 'host-shell-unusable', detail: expect.stringContaining('Only backups here') },
  });
});

describe('nothing is left behind', () => {
  test('when the channels are closed', async () => {
    const open = one(web.declared);
    await (await open.to(web.name)).script('echo x', {}, options);
    expect(sshProcesses(web.address)).not.toEqual([]);
    await open[Symbol.asyncDispose]();
    expect(await eventually(() => sshProcesses(web.address).length === 0)).toBe(true);
  });

  test('when deployctl is killed', async () => {
    const script = join(fleet.folder, 'killed.ts');
    const source = join(import.meta.dirname, '../../src/transport/index.ts');
    const clock = join(import.meta.dirname, '../rig/clock.ts');
    writeFileSync(
      script,
      `import { openHostChannels } from ${JSON.stringify(source)};
import { realClock } from ${JSON.stringify(clock)};
const host = ${JSON.stringify(web.declared)};
await (await openHostChannels([host], { clock: realClock }).to(host.name)).script('echo x', {}, { timeoutMs: 20000 });
console.log('up');
setInterval(() => {}, 1000);
`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(sshProcesses(web.address)).not.toEqual([]);
    child.kill('SIGKILL');
    expect(await eventually(() => sshProcesses(web.address).length === 0)).toBe(true);
  });

  test('its sockets lie in a folder that only their owner may enter', async () => {
    const open = one(web.declared);
    await open.to(web.name);
    const [pid] = sshProcesses(web.address);
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const socket = words.find((word) => word.startsWith('ControlPath='))?.slice('ControlPath='.length) ?? '';
    const folder = join(socket, '..');
    expect(execFileSync('stat', ['-c', '%a', folder], { encoding: 'utf8' }).trim()).toBe('700');
    await open[Symbol.asyncDispose]();
    expect(existsSync(folder)).toBe(false);
  });
});

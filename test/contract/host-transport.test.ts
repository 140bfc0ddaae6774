/** Reaching hosts: the same laws over ssh2, through a jump host and on this machine; then everything that can go wrong. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { HostDeclared } from '../../src/model/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import { failureOf } from '../rig/failure-of.ts';
import { connectors, folderOffering, hasConnector } from '../rig/offering.ts';
import { type Fleet, freeAddress, type SshdHost, startSshd } from '../rig/sshd.ts';

let fleet: Fleet;
let channels: HostChannels;
let web: SshdHost;

const ssh = (host: HostDeclared, changes: object): HostDeclared =>
  ({ ...host, connection: { ...host.connection, ...changes } }) as HostDeclared;
const one = (host: HostDeclared): HostChannels => openHostChannels([host], { clock: realClock });
const options = { timeoutMs: 20_000 };
const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

beforeAll(async () => {
  fleet = await startSshd({ hosts: 2, names: ['web-1', 'web-2'] });
  const [first, second] = fleet.hosts;
  if (first === undefined || second === undefined) throw new Error('no hosts');
  web = first;
  channels = openHostChannels(
    [
      first.declared,
      ssh({ ...second.declared, name: 'behind' }, { jump: 'web-1' }),
      { ...first.declared, name: 'here', connection: { kind: 'local' } },
      ssh({ ...first.declared, name: 'by-program' }, { transport: 'openssh' }),
      ssh({ ...second.declared, name: 'program-behind' }, { transport: 'openssh', jump: 'by-program' }),
      ssh({ ...second.declared, name: 'mixed' }, { jump: 'by-program' }),
    ],
    { clock: realClock },
  );
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

test('of many hosts the connections used last are kept, and none that is in use is ended', async () => {
  const hosts = Array.from({ length: 112 }, (_, index) => ({ ...web.declared, name: `many-${index}` }));
  const [busy = '', earliest = '', ...others] = hosts.map(({ name }) => name);
  await using many = openHostChannels(hosts, { clock: realClock });
  const run = async (name: string, text: string): Promise<string> =>
    (await (await many.to(name)).script(text, {}, options)).stdout.trim();
  /** The port that a connection comes from: no other has it. */
  const whence = 'echo "$SSH_CONNECTION"';
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  async function* later() {
    yield Buffer.from('be');
    await told;
    yield Buffer.from('gun');
  }
  const inUse = (await many.to(busy)).stream(`cat; ${whence}`, {}, later(), { timeoutMs: 100_000 });
  const before = await run(earliest, whence);
  expect(await run(earliest, whence)).toBe(before);
  await Promise.all(others.map((name) => run(name, whence)));
  expect(await run(earliest, whence)).not.toBe(before);
  tell();
  const { stdout } = await inUse;
  expect(stdout).toMatch(/^begun/);
  expect(await run(busy, whence)).toBe(stdout.slice('begun'.length).trim());
}, 120_000);

describe.for([
  ['over ssh2', 'web-1'],
  ['through a jump host', 'behind'],
  ['on this machine', 'here'],
  ['over the ssh program', 'by-program'],
  ['over the ssh program through a jump host', 'program-behind'],
  ['over ssh2 through a jump host of the ssh program', 'mixed'],
] as const)('%s', ([, name]) => {
  test('a script gets its values and its input, and its code and outputs come back', async () => {
    const channel = await channels.to(name);
    const result = await channel.script(
      'printf "%s|" "$first" "$second"; cat; echo oops >&2; exit 3',
      { first: "it's $HOME `id`\n\\n", second: 'ünïcode €' },
      { ...options, input: 'line\nno end' },
    );
    expect(result).toEqual({
      code: 3,
      signal: undefined,
      stdout: "it's $HOME `id`\n\\n|ünïcode €|line\nno end",
      stderr: 'oops\n',
    });
  });

  test('no value ever stands in an argument list', async () => {
    const channel = await channels.to(name);
    const secret = `canary-${Math.random().toString(36).slice(2)}`;
    const result = await channel.script(
      'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c -F -- "$(printf %s "$secret")" || :',
      { secret },
      options,
    );
    // grep itself has it as an argument: one process, no other.
    expect(Number(result.stdout)).toBeLessThanOrEqual(1);
  });

  test('bytes are streamed unchanged, and counted', async () => {
    const channel = await channels.to(name);
    const bytes = Buffer.alloc(3_000_000, 'deployctl\0\r\n\x1b');
    let sent = 0;
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
    }
    const result = await channel.stream('sha256sum | cut -d" " -f1', {}, chunks(), {
      ...options,
      onSent: (count) => {
        sent += count;
      },
    });
    const { createHash } = await import('node:crypto');
    expect(result.stdout.trim()).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(sent).toBe(bytes.length);
  });

  test('a script that ends before it has read everything does not hang the upload', async () => {
    const channel = await channels.to(name);
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536);
    }
    const result = await channel.stream('head -c 10 | wc -c; exit 5', {}, endless(), options);
    expect(result.code).toBe(5);
  });

  test('output beyond the limit is dropped and the script goes on', async () => {
    const channel = await channels.to(name);
    const result = await channel.script(
      'head -c 3000000 /dev/zero | tr "\\0" x; exit 4',
      {},
      {
        ...options,
        maxOutputBytes: 1000,
      },
    );
    expect(result.code).toBe(4);
    expect(result.stdout).toBe('x'.repeat(1000));
  });

  test('output is told while it comes', async () => {
    const channel = await channels.to(name);
    const told: string[] = [];
    await channel.script(
      'echo one; sleep 0.2; echo two >&2',
      {},
      {
        ...options,
        onOutput: (stream, chunk) => told.push(`${stream} ${chunk.trim()}`),
      },
    );
    expect(told).toEqual(['stdout one', 'stderr two']);
  });

  test('a script that takes too long is given up, and may have had an effect', async () => {
    const channel = await channels.to(name);
    const failure = await failureOf(channel.script('sleep 60', {}, { timeoutMs: 300 }));
    expect(failure.diagnostic.code).toBe('host-timeout');
    expect(failure.effect).toBe('maybe');
  });

  test('a script is given up when the run is interrupted', async () => {
    const channel = await channels.to(name);
    const stop = new AbortController();
    const running = failureOf(channel.script('sleep 60', {}, { ...options, signal: stop.signal }));
    setTimeout(() => stop.abort(), 200);
    expect((await running).diagnostic.code).toBe('interrupted');
  });

  test('a script that was killed tells its signal', async () => {
    const channel = await channels.to(name);
    const result = await channel.script('kill -KILL $$', {}, options);
    expect(result).toMatchObject({ code: undefined, signal: 'KILL' });
  });

  test('twenty scripts at once are more than MaxSessions allows, and all are served', async () => {
    const channel = await channels.to(name);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        channel.script('sleep 0.05; echo "$n"', { n: String(index) }, options),
      ),
    );
    expect(results.map((result) => Number(result.stdout))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('a connection to a port that the host sees', async () => {
    const channel = await channels.to(name);
    await using echo = await startEcho();
    const stream = await channel.dial({ address: echo.address, port: echo.port }, options);
    expect(await ask(stream, 'hello')).toBe('hello');
  });

  test('a connection to a unix socket of the host', async () => {
    const channel = await channels.to(name);
    await using echo = await startEcho(join(fleet.folder, `echo-${name}.sock`));
    const stream = await channel.dial({ path: echo.path }, options);
    expect(await ask(stream, 'hello')).toBe('hello');
  });

  test('a port where nobody listens is told as such, with no effect', async () => {
    const channel = await channels.to(name);
    const { address, port } = await freeAddress();
    const failure = await failureOf(channel.dial({ address, port }, options));
    expect(failure.diagnostic.code).toBe('dial-failed');
    expect(failure.diagnostic.detail).toMatch(/connection refused/);
    expect(failure.effect).toBe('none');
  });

  test('a unix socket that is not there is told as such', async () => {
    const channel = await channels.to(name);
    const failure = await failureOf(channel.dial({ path: join(fleet.folder, 'none.sock') }, options));
    expect(failure.diagnostic.code).toBe('dial-failed');
  });
});

describe('host keys', () => {
  test('an unknown key stops before anything is sent, and says how to add it', async () => {
    const empty = join(fleet.folder, 'empty');
    writeFileSync(empty, '');
    const failure = await failureOf(one(ssh(web.declared, { knownHosts: [empty] })).to('web-1'));
    expect(failure.diagnostic.code).toBe('host-key-unknown');
    expect(failure.effect).toBe('none');
    expect(failure.diagnostic.detail).toMatch(/SHA256:/);
    expect(failure.diagnostic.hint).toContain(
      `ssh-keyscan -p ${web.port} -t ed25519 ${web.address} >> ${empty}`,
    );
  });

  test('the line of the hint makes it known', async () => {
    const file = join(fleet.folder, 'scanned');
    writeFileSync(file, '');
    const host = ssh(web.declared, { knownHosts: [file] });
    const failure = await failureOf(one(host).to('web-1'));
    const command = failure.diagnostic.hint?.slice(failure.diagnostic.hint.indexOf('ssh-keyscan')) ?? '';
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    await using open = one(host);
    expect((await (await open.to('web-1')).script('echo yes', {}, options)).stdout).toBe('yes\n');
  });

  test('a changed key shows the old and the new fingerprint; no login is even tried', async () => {
    await using rebuilt = await startSshd({ hosts: 1 });
    const [host] = rebuilt.hosts;
    if (host === undefined) throw new Error('no host');
    const before = execFileSync('ssh-keygen', ['-lf', rebuilt.knownHosts], { encoding: 'utf8' }).split(
      ' ',
    )[1];
    await host.changeHostKey();
    const failure = await failureOf(one(host.declared).to(host.name));
    expect(failure.diagnostic.code).toBe('host-key-changed');
    expect(failure.diagnostic.detail).toContain(before);
    expect(failure.diagnostic.detail.match(/SHA256:/g)).toHaveLength(2);
    expect(failure.diagnostic.hint).toContain('ssh-keygen -R');
    expect(await host.log()).not.toMatch(/Accepted|userauth/);
  });

  test('a revoked key is refused', async () => {
    const file = join(fleet.folder, 'revoked');
    const line = readFileSync(fleet.knownHosts, 'utf8').split('\n')[0] ?? '';
    writeFileSync(file, `${line}\n@revoked * ${line.split(' ').slice(1).join(' ')}\n`);
    const failure = await failureOf(one(ssh(web.declared, { knownHosts: [file] })).to('web-1'));
    expect(failure.diagnostic.code).toBe('host-key-revoked');
  });

  test('a host that is known by an authority only is sent to the openssh transport', async () => {
    const file = join(fleet.folder, 'authority');
    const key = readFileSync(`${fleet.identityFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(file, `@cert-authority * ${key}\n`);
    const failure = await failureOf(one(ssh(web.declared, { knownHosts: [file] })).to('web-1'));
    expect(failure.diagnostic.code).toBe('host-key-certificate');
    expect(failure.diagnostic.hint).toContain('transport = "openssh"');
  });

  test('a host that is known by the second type of key it has, under a hashed name, is reached', async () => {
    await using two = await startSshd({ hosts: 1 });
    const [host] = two.hosts;
    if (host === undefined) throw new Error('no host');
    const key = join(two.folder, host.name, 'ecdsa');
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', key]);
    const config = join(two.folder, host.name, 'sshd_config');
    await host.stop();
    writeFileSync(config, `${readFileSync(config, 'utf8')}HostKey ${key}\n`);
    await host.start();
    const [type, blob] = readFileSync(`${key}.pub`, 'utf8').split(' ');
    writeFileSync(two.knownHosts, `[${host.address}]:${host.port} ${type} ${blob}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', two.knownHosts], { stdio: 'ignore' });
    await using open = one(host.declared);
    expect((await (await open.to(host.name)).script('echo yes', {}, options)).stdout).toBe('yes\n');
  });
});

describe('a host that cannot be reached', () => {
  test('nobody listens', async () => {
    const { address, port } = await freeAddress();
    const failure = await failureOf(one(ssh(web.declared, { address, port })).to('web-1'));
    expect(failure.diagnostic.code).toBe('host-unreachable');
    expect(failure.diagnostic.detail).toMatch(/connection refused/);
    expect(failure.effect).toBe('none');
  });

  test('something listens and says nothing: it costs its budget and no more', async () => {
    await using silent = await startSilent();
    const begun = performance.now();
    const failure = await failureOf(
      one(ssh(web.declared, { ...silent.at, connectTimeoutMs: 800 })).to('web-1'),
    );
    expect(failure.diagnostic.code).toBe('host-unreachable');
    expect(failure.diagnostic.detail).toMatch(/said nothing within 0.8 s/);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('something shows a banner and stalls in the handshake', async () => {
    await using stalled = await startSilent('SSH-2.0-OpenSSH_9.2\r\n');
    const failure = await failureOf(
      one(ssh(web.declared, { ...stalled.at, connectTimeoutMs: 800 })).to('web-1'),
    );
    expect(failure.diagnostic.code).toBe('host-unreachable');
    expect(failure.diagnostic.detail).toMatch(/did not finish the SSH handshake/);
  });

  test('something closes every connection: it is tried again a few times, then told', async () => {
    await using closing = await startClosing();
    const failure = await failureOf(one(ssh(web.declared, closing.at)).to('web-1'));
    expect(failure.diagnostic.code).toBe('host-unreachable');
    expect(closing.connections()).toBeGreaterThan(1);
    expect(closing.connections()).toBeLessThan(6);
  });

  test('something that is no SSH server', async () => {
    await using web404 = await startSilent('HTTP/1.1 400 Bad Request\r\n\r\n');
    const failure = await failureOf(
      one(ssh(web.declared, { ...web404.at, connectTimeoutMs: 800 })).to('web-1'),
    );
    expect(failure.effect).toBe('none');
    expect(['host-unreachable', 'ssh-handshake-failed']).toContain(failure.diagnostic.code);
  });

  test('ten dead hosts do not hold up the live ones of the same run', async () => {
    await using silent = await startSilent();
    const live = Array.from({ length: 20 }, (_, index) => ({ ...web.declared, name: `live-${index}` }));
    const dead = Array.from({ length: 10 }, (_, index) =>
      ssh({ ...web.declared, name: `dead-${index}` }, { ...silent.at, connectTimeoutMs: 3_000 }),
    );
    await using all = openHostChannels([...dead, ...live], { clock: realClock });
    const begun = performance.now();
    const deadEnds = dead.map((host) => failureOf(all.to(host.name)));
    await Promise.all(live.map((host) => all.to(host.name)));
    const liveMs = performance.now() - begun;
    const failures = await Promise.all(deadEnds);
    const allMs = performance.now() - begun;
    expect(failures.every((failure) => failure.diagnostic.code === 'host-unreachable')).toBe(true);
    // Ten at one address go in two turns of eight, each with one patient try of 10 s where the machine is slow.
    expect(allMs).toBeLessThan(liveMs + 35_000);
  });

  test('a key that the host does not accept is tried once', async () => {
    const key = join(fleet.folder, 'stranger');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const failure = await failureOf(one(ssh(web.declared, { identityFile: key })).to('web-1'));
    expect(failure.diagnostic.code).toBe('auth-refused');
    expect(failure.diagnostic.detail).toContain(key);
    expect(failure.effect).toBe('none');
  });

  test('a key with a passphrase is refused with the command that helps', async () => {
    const key = join(fleet.folder, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    const failure = await failureOf(one(ssh(web.declared, { identityFile: key })).to('web-1'));
    expect(failure.diagnostic.code).toBe('ssh-key-encrypted');
    expect(failure.diagnostic.hint).toContain(`ssh-add ${key}`);
  });

  test('a key with a passphrase is asked for once, however many hosts need it', async () => {
    const key = join(fleet.folder, 'asked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    writeFileSync(
      join(fleet.folder, 'authorized_keys'),
      `${readFileSync(join(fleet.folder, 'authorized_keys'), 'utf8')}${readFileSync(`${key}.pub`, 'utf8')}`,
    );
    const asked: (readonly [string, boolean, boolean])[] = [];
    const hosts = ['one', 'two', 'three'].map((name) =>
      ssh({ ...web.declared, name }, { identityFile: key }),
    );
    await using open = openHostChannels(hosts, {
      clock: realClock,
      askPassphrase: async (path, isRight) => {
        asked.push([path, isRight('wrong'), isRight('secret')]);
        return 'secret';
      },
    });
    const answers = await Promise.all(
      hosts.map(async ({ name }) => (await open.to(name)).script('echo yes', {}, options)),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(['yes\n', 'yes\n', 'yes\n']);
    expect(asked).toEqual([[key, false, true]]);
  });

  test.for([
    ['a key that is not there', 'nothing-here', 'ssh-key-unreadable'],
    ['a public key', 'id_ed25519.pub', 'ssh-key-invalid'],
    ['a file that is no key', 'known_hosts', 'ssh-key-invalid'],
  ] as const)('%s', async ([, file, code]) => {
    const failure = await failureOf(
      one(ssh(web.declared, { identityFile: join(fleet.folder, file) })).to('web-1'),
    );
    expect(failure.diagnostic.code).toBe(code);
  });

  test('a key on a FIDO token, which the other transport takes', async () => {
    const path = join(fleet.folder, 'id_ed25519_sk');
    writeFileSync(path, keyOnToken());
    const failure = await failureOf(one(ssh(web.declared, { identityFile: path })).to('web-1'));
    expect(failure.diagnostic).toMatchObject({
      code: 'ssh-key-on-token',
      hint: expect.stringContaining('transport = "openssh"'),
    });
  });

  test('no key and no agent', async () => {
    const { identityFile: _, ...connection } = web.declared.connection as { identityFile?: string };
    const host = { ...web.declared, connection } as HostDeclared;
    await using open = openHostChannels([host], { clock: realClock, agentSocket: '' });
    expect((await failureOf(open.to('web-1'))).diagnostic.code).toBe('ssh-agent-missing');
  });

  test('an agent is asked where no key file is named', async () => {
    const agent = execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' });
    const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(agent)?.[1] ?? '';
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
    try {
      execFileSync('ssh-add', ['-q', fleet.identityFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      const { identityFile: _, ...connection } = web.declared.connection as { identityFile?: string };
      const host = { ...web.declared, connection } as HostDeclared;
      await using open = openHostChannels([host], { clock: realClock, agentSocket: socket });
      expect((await (await open.to('web-1')).script('echo yes', {}, options)).stdout).toBe('yes\n');
    } finally {
      process.kill(pid);
    }
  });

  test.for([
    ['that is not declared', 'nowhere', 'jump-host-unknown'],
    ['that is the host itself', 'web-1', 'jump-host-cycle'],
  ] as const)('a jump host %s', async ([, jump, code]) => {
    expect((await failureOf(one(ssh(web.declared, { jump })).to('web-1'))).diagnostic.code).toBe(code);
  });

  test('a dead jump host is named', async () => {
    const { address, port } = await freeAddress();
    const bastion = ssh({ ...web.declared, name: 'bastion' }, { address, port });
    await using open = openHostChannels([bastion, ssh(web.declared, { jump: 'bastion' })], {
      clock: realClock,
    });
    const failure = await failureOf(open.to('web-1'));
    expect(failure.diagnostic.detail).toMatch(/web-1 is reached through bastion/);
  });
});

test('an interrupted step does not take with it another that waits for the same connection', async () => {
  await using silent = await startSilent();
  await using open = one(ssh(web.declared, { ...silent.at, connectTimeoutMs: 1_500 }));
  const stop = new AbortController();
  const interrupted = failureOf(open.to('web-1', stop.signal));
  const other = failureOf(open.to('web-1'));
  setTimeout(() => stop.abort(), 200);
  expect((await interrupted).diagnostic.code).toBe('interrupted');
  expect((await other).diagnostic.code).toBe('host-unreachable');
});

describe('a connection that breaks', () => {
  test('ends the command as unknown, and the next command gets a new connection', async () => {
    await using own = await startSshd({ hosts: 1 });
    const [host] = own.hosts;
    if (host === undefined) throw new Error('no host');
    await using open = one(host.declared);
    const channel = await open.to(host.name);
    const running = failureOf(channel.script('sleep 30', {}, options));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await host.stop();
    const failure = await running;
    expect(failure.diagnostic.code).toBe('host-connection-lost');
    expect(failure.effect).toBe('maybe');
    expect((await failureOf(channel.script('echo x', {}, options))).effect).toBe('none');
    await host.start();
    expect((await channel.script('echo again', {}, options)).stdout).toBe('again\n');
  });
});

test('a connection that breaks under a dial says nothing of the port: it is made anew', async () => {
  await using own = await startSshd({ hosts: 1 });
  const [host] = own.hosts;
  if (host === undefined) throw new Error('no host');
  await using open = one(host.declared);
  const channel = await open.to(host.name);
  // It answers no more, and then it is gone.
  const { stdout: session } = await channel.script('echo "$PPID"', {}, options);
  process.kill(Number(session), 'SIGSTOP');
  const dialled = channel.dial({ address: host.address, port: host.port }, options);
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(Number(session), 'SIGKILL');
  const stream = await dialled;
  stream.on('error', () => {});
  stream.destroy();
});

describe('a host with its own ideas', () => {
  test.for(['ssh2', 'openssh'] as const)(
    'MaxSessions 1 and MaxStartups 2:30:3: ten connections and commands at once are all served, over %s',
    async (transport) => {
      await using strict = await startSshd({ hosts: 1, config: ['MaxSessions 1', 'MaxStartups 2:30:3'] });
      const [host] = strict.hosts;
      if (host === undefined) throw new Error('no host');
      const names = Array.from({ length: 10 }, (_, index) => `web-${index + 1}`);
      const declared = names.map((name) => ssh({ ...host.declared, name }, { transport }));
      await using open = openHostChannels(declared, { clock: realClock });
      const opened = await Promise.all(names.map((name) => open.to(name)));
      const [channel] = opened;
      const results = await Promise.all(
        names.map((n) => channel?.script('sleep 0.25; echo "$n"', { n }, options)),
      );
      expect(results.map((result) => result?.stdout.trim())).toEqual(names);
    },
  );

  test.for(['ssh2', 'openssh'] as const)(
    'commands that were given up and go on there hold up nobody, over %s',
    async (transport) => {
      await using few = await startSshd({ hosts: 1, config: ['MaxSessions 4'] });
      const [host] = few.hosts;
      if (host === undefined) throw new Error('no host');
      await using open = one(ssh(host.declared, { transport }));
      const channel = await open.to(host.name);
      // In sessions of their own, and with all streams: out of reach of a signal, and the session is not over before them.
      const sleepers = Array.from({ length: 3 }, () =>
        failureOf(channel.script('setsid sleep 40', {}, { timeoutMs: 300 })),
      );
      for (const { diagnostic } of await Promise.all(sleepers)) expect(diagnostic.code).toBe('host-timeout');
      const begun = performance.now();
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          channel.script('sleep 0.05; echo "$n"', { n: String(n) }, options),
        ),
      );
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 10 }, (_, n) => n));
      expect(performance.now() - begun).toBeLessThan(30_000);
    },
  );

  test('start files that print and a shell that does not end are no part of any output', async () => {
    await using noisy = await startSshd({ hosts: 1, config: ['SetEnv BASH_ENV=/nonexistent'] });
    const [host] = noisy.hosts;
    if (host === undefined) throw new Error('no host');
    const rc = join(noisy.folder, host.name, 'home', '.bashrc');
    writeFileSync(rc, 'echo "Welcome! \\033[31m"; echo warning >&2\n');
    await using open = one(host.declared);
    const result = await (await open.to(host.name)).script('echo own; echo err >&2', {}, options);
    expect(result).toMatchObject({ stdout: 'own\n', stderr: 'err\n' });
  });

  test('a forced command is told as no shell, with what it said', async () => {
    await using forced = await startSshd({
      hosts: 1,
      config: ['ForceCommand echo "Only backups here"; exit 1'],
    });
    const [host] = forced.hosts;
    if (host === undefined) throw new Error('no host');
    await using open = one(host.declared);
    const failure = await failureOf((await open.to(host.name)).script('echo x', {}, options));
    expect(failure.diagnostic.code).toBe('host-shell-unusable');
    expect(failure.diagnostic.detail).toContain('Only backups here');
    expect(failure.effect).toBe('none');
  });

  describe('where forwarding is prohibited, a relay on the host connects in our place', () => {
    test.for(connectors)('%s', async (connector, { skip }) => {
      if (!hasConnector(connector)) skip(`${connector} is not installed`);
      await using elsewhere = await startFolder();
      const path = await folderOffering(join(elsewhere.path, connector), connector);
      await using closed = await startSshd({
        hosts: 1,
        config: [
          'DisableForwarding yes',
          `ForceCommand /usr/bin/env PATH=${path} /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
        ],
      });
      const [host] = closed.hosts;
      if (host === undefined) throw new Error('no host');
      await using open = one(host.declared);
      const channel = await open.to(host.name);
      await using echo = await startEcho();
      const much = 'x'.repeat(300_000);
      expect(await ask(await channel.dial({ address: echo.address, port: echo.port }, options), much)).toBe(
        much,
      );
      await using unix = await startEcho(join(closed.folder, 'echo.sock'));
      expect(await ask(await channel.dial({ path: unix.path }, options), 'hello')).toBe('hello');
      const loopback = hasIPv6 ? '::1' : '127.0.0.1';
      await using greeter = await startGreeter(loopback);
      const greeting = await channel.dial({ address: loopback, port: greeter.port }, options);
      expect(await ask(greeting, '')).toBe('me first');

      const { address, port } = await freeAddress();
      const refused = await failureOf(channel.dial({ address, port }, options));
      expect(refused.diagnostic.detail).toMatch(/: connection refused\.$/);
      const missing = await failureOf(channel.dial({ path: join(closed.folder, 'none.sock') }, options));
      expect(missing.diagnostic.detail).toMatch(/: no such file or directory\.$/);
      const unknown = await failureOf(channel.dial({ address: 'nowhere.invalid', port }, options));
      expect(unknown.diagnostic.detail).toMatch(
        /: (name or service not known|temporary failure in name resolution)\.$/,
      );
    });
  });
});

interface Echo extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly path: string;
}

async function startEcho(path?: string): Promise<Echo> {
  const at = await freeAddress();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(at.port, at.address, resolve) : server.listen(path, resolve),
  );
  return { ...at, path: path ?? '', [Symbol.asyncDispose]: () => close(server, []) };
}

/** Speaks before it is spoken to, and ends. */
async function startGreeter(address: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('me first');
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return { port: at.port, [Symbol.asyncDispose]: () => close(server, []) };
}

async function startFolder() {
  const path = await mkdtemp(join(tmpdir(), 'transport-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function startSilent(banner = '') {
  const at = await freeAddress();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    if (banner !== '') socket.write(banner);
  });
  await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
  return { at, [Symbol.asyncDispose]: () => close(server, sockets) };
}

async function startClosing() {
  const at = await freeAddress();
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on('error', () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
  return { at, connections: () => count, [Symbol.asyncDispose]: () => close(server, []) };
}

function close(server: Server, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Says something to an echo and ends; what comes back until its end. */
async function ask(stream: NodeJS.ReadWriteStream, text: string): Promise<string> {
  stream.end(text);
  let answer = '';
  for await (const chunk of stream) answer += String(chunk);
  return answer;
}

/** What `ssh-keygen -t ed25519-sk` writes (OpenSSH's PROTOCOL.key and PROTOCOL.u2f): no secret, a handle for the token. */
function keyOnToken(): string {
  const text = (value: string | Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(value));
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const key = [text('sk-ssh-ed25519@openssh.com'), text(Buffer.alloc(32, 7)), text('ssh:')];
  const check = Buffer.alloc(8, 1);
  const held = Buffer.concat([
    check,
    ...key,
    Buffer.from([1]),
    text(Buffer.alloc(64, 9)),
    text(''),
    text('me'),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (held.length % 8)) % 8 }, (_, index) => index + 1));
  const file = [
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    text(Buffer.concat(key)),
    text(Buffer.concat([held, padding])),
  ];
  const lines = Buffer.concat(file)
    .toString('base64')
    .replaceAll(/(.{70})/g, '$1\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

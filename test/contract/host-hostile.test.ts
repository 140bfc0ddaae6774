/**
 * SSH servers that mean harm: ssh2's own server as the enemy, and bare sockets below it. Whatever they do ends as a named
 * failure, in bounded time and memory, and nothing of theirs reaches a terminal as it came.
 */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ServerChannel, type Connection as ServerConnection, type Session } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAddress, type HostDeclared, ProviderFailure } from '../../src/model/index.ts';
import { type HostChannel, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import { freeAddress } from '../rig/sshd.ts';

let folder: string;
const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const otherKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const connectTimeoutMs = 1_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deployctl-hostile-'));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(folder, 'key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nowhere = { line: 1, column: 1, byte: 0 };

function declared(at: { readonly address: string; readonly port: number }, publicKey: string): HostDeclared {
  const knownHosts = join(folder, `known-${at.address}-${at.port}`);
  writeFileSync(knownHosts, `[${at.address}]:${at.port} ${publicKey.trim()}\n`);
  return {
    address: asAddress('host.enemy'),
    name: 'enemy',
    networkAddress: at.address,
    labels: {},
    origin: { file: 'hosts.hcl', start: nowhere, end: nowhere },
    connection: {
      kind: 'ssh',
      ...at,
      user: 'kim',
      identityFile: join(folder, 'key'),
      knownHosts: [knownHosts],
      become: 'none',
      connectTimeoutMs,
      transport: 'ssh2',
    },
  };
}

interface Enemy extends AsyncDisposable {
  readonly host: HostDeclared;
}

interface Behaviour {
  readonly connection?: (connection: ServerConnection) => void;
  readonly session?: (session: Session, reject: () => void) => void;
  readonly banner?: string;
}

/** An SSH server that logs everybody in, and from there does what it is told. */
async function enemy(behaviour: Behaviour, knownKey = hostKey.public): Promise<Enemy> {
  const at = await freeAddress();
  const connections = new Set<ServerConnection>();
  const settings = {
    hostKeys: [hostKey.private],
    ...(behaviour.banner === undefined ? {} : { banner: behaviour.banner }),
  };
  const server = new ssh2.Server(settings, (connection) => {
    connections.add(connection);
    connection.on('error', () => {});
    connection.on('authentication', (attempt) => attempt.accept());
    behaviour.connection?.(connection);
    connection.on('session', (accept, reject) => {
      if (behaviour.session === undefined) return;
      let session: Session | undefined;
      const refuse = (): void => {
        if (session === undefined) reject();
      };
      if (behaviour.session.length > 1) return behaviour.session(undefined as unknown as Session, refuse);
      session = accept();
      behaviour.session(session, refuse);
    });
  });
  await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
  return {
    host: declared(at, knownKey),
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.end();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        setTimeout(resolve, 300).unref();
      });
    },
  };
}

/** Below SSH: whatever is written to a fresh connection. */
async function bareEnemy(speak: (socket: Socket) => void): Promise<Enemy> {
  const at = await freeAddress();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    speak(socket);
  });
  await new Promise<void>((resolve) => server.listen(at.port, at.address, resolve));
  return {
    host: declared(at, hostKey.public),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs something against the enemy: how it failed, how long that took, and by how much this process grew. */
async function attacked(
  { host }: Enemy,
  act: (channel: HostChannel) => Promise<unknown> = (channel) =>
    channel.script('echo x', {}, { timeoutMs: 1_500 }),
) {
  const channels = openHostChannels([host], { clock: realClock });
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  let outcome: unknown;
  try {
    outcome = await act(await channels.to(host.name));
  } catch (error) {
    outcome = error;
  }
  const tookMs = performance.now() - begun;
  const grownMb = (process.memoryUsage().rss - before) / 1_048_576;
  await channels[Symbol.asyncDispose]();
  return { outcome, tookMs, grownMb };
}

function failure(outcome: unknown): ProviderFailure {
  if (outcome instanceof ProviderFailure) return outcome;
  throw outcome instanceof Error ? outcome : new Error(`it did not fail: ${JSON.stringify(outcome)}`);
}

const onExec = (run: (channel: ServerChannel) => void) => (session: Session) => {
  session.on('exec', (accept) => run(accept()));
};

describe('before the login', () => {
  test('lines without end before the version', async () => {
    await using foe = await bareEnemy((socket) => {
      const flood = (): void => {
        while (socket.writable && socket.write('x'.repeat(60_000).concat('\r\n'))) {}
      };
      socket.on('drain', flood);
      flood();
    });
    const { outcome, tookMs, grownMb } = await attacked(foe);
    expect(['host-unreachable', 'ssh-handshake-failed']).toContain(failure(outcome).diagnostic.code);
    expect(tookMs).toBeLessThan(20_000);
    expect(grownMb).toBeLessThan(150);
  });

  test('a version that comes by the byte', async () => {
    await using foe = await bareEnemy((socket) => {
      let sent = 0;
      const timer = setInterval(() => socket.write('S'.repeat(++sent > 0 ? 1 : 0)), 50);
      socket.on('close', () => clearInterval(timer));
    });
    const { outcome, tookMs } = await attacked(foe);
    expect(failure(outcome).diagnostic.code).toBe('host-unreachable');
    expect(tookMs).toBeLessThan(15_000);
  });

  test('garbage in place of the key exchange', async () => {
    await using foe = await bareEnemy((socket) => {
      socket.write(`SSH-2.0-OpenSSH_9.2\r\n${'\xff'.repeat(4_096)}`);
    });
    const { outcome } = await attacked(foe);
    expect(failure(outcome).effect).toBe('none');
  });

  test('a packet that claims to be enormous', async () => {
    await using foe = await bareEnemy((socket) => {
      socket.write('SSH-2.0-OpenSSH_9.2\r\n');
      socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x04]));
    });
    const { outcome, grownMb } = await attacked(foe);
    expect(failure(outcome).effect).toBe('none');
    expect(grownMb).toBeLessThan(100);
  });

  test('the key of another host', async () => {
    await using foe = await enemy({}, otherKey.public);
    const { outcome } = await attacked(foe);
    expect(failure(outcome).diagnostic.code).toBe('host-key-changed');
  });

  test('a banner of escape sequences', async () => {
    await using foe = await enemy({
      banner: `\x1b]0;owned\x07\x1b[2J${'x'.repeat(100_000)}`,
      session: onExec((channel) => channel.close()),
    });
    const { outcome } = await attacked(foe);
    expect(failure(outcome).diagnostic.detail).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  });
});

describe('after the login', () => {
  test('every session refused', async () => {
    await using foe = await enemy({ session: (_session, reject) => reject() });
    const { outcome, tookMs } = await attacked(foe);
    expect(failure(outcome).diagnostic).toMatchObject({ code: 'host-unreachable' });
    expect(failure(outcome).effect).toBe('none');
    expect(tookMs).toBeLessThan(15_000);
  });

  test('a session that is never answered', async () => {
    await using foe = await enemy({ session: () => {} });
    const { outcome, tookMs } = await attacked(foe);
    expect(['host-unreachable', 'host-timeout']).toContain(failure(outcome).diagnostic.code);
    expect(tookMs).toBeLessThan(15_000);
  });

  test('no output and no end', async () => {
    await using foe = await enemy({ session: onExec(() => {}) });
    const { outcome, tookMs } = await attacked(foe);
    expect(failure(outcome)).toMatchObject({ effect: 'maybe', diagnostic: { code: 'host-timeout' } });
    expect(tookMs).toBeLessThan(15_000);
  });

  test('output without end', async () => {
    await using foe = await enemy({
      session: onExec((channel) => {
        const flood = (): void => {
          while (channel.writable && channel.write(Buffer.alloc(32_768, 'y'))) {}
        };
        channel.on('drain', flood);
        channel.on('error', () => {});
        flood();
      }),
    });
    const { outcome, tookMs, grownMb } = await attacked(foe);
    expect(failure(outcome).diagnostic.code).toBe('host-timeout');
    expect(tookMs).toBeLessThan(20_000);
    expect(grownMb).toBeLessThan(200);
  });

  test('escape sequences in place of a shell', async () => {
    await using foe = await enemy({
      session: onExec((channel) => {
        channel.stderr.write('\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe\r\x08');
        channel.exit(1);
        channel.end();
      }),
    });
    const { outcome } = await attacked(foe);
    const { diagnostic } = failure(outcome);
    expect(diagnostic.code).toBe('host-shell-unusable');
    expect(`${diagnostic.summary}${diagnostic.detail}${diagnostic.hint}`).not.toMatch(
      /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/,
    );
  });

  test('closed in the middle of an upload', async () => {
    await using foe = await enemy({
      connection: (connection) => connection.on('session', () => setTimeout(() => connection.end(), 300)),
      session: onExec((channel) => channel.resume()),
    });
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536);
    }
    const { outcome, tookMs, grownMb } = await attacked(foe, (channel) =>
      channel.stream('cat >/dev/null', {}, endless(), { timeoutMs: 5_000 }),
    );
    expect(failure(outcome)).toMatchObject({ effect: 'maybe', diagnostic: { code: 'host-connection-lost' } });
    expect(tookMs).toBeLessThan(20_000);
    expect(grownMb).toBeLessThan(200);
  });

  test('an upload into a window that never opens again', async () => {
    await using foe = await enemy({ session: onExec((channel) => channel.pause()) });
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536);
    }
    const { outcome, grownMb } = await attacked(foe, (channel) =>
      channel.stream('cat >/dev/null', {}, endless(), { timeoutMs: 2_000 }),
    );
    expect(failure(outcome)).toMatchObject({ effect: 'maybe', diagnostic: { code: 'host-timeout' } });
    expect(grownMb).toBeLessThan(150);
  });

  test('output by the byte is held to its time', async () => {
    await using foe = await enemy({
      session: onExec((channel) => {
        const timer = setInterval(() => channel.write('.'), 20);
        channel.on('error', () => {});
        channel.on('close', () => clearInterval(timer));
      }),
    });
    const { outcome, tookMs } = await attacked(foe);
    expect(failure(outcome).diagnostic.code).toBe('host-timeout');
    expect(tookMs).toBeLessThan(15_000);
  });
});

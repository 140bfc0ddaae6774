/** What is spared inside ssh2: a version of it that is built otherwise must be noticed, since it would only be slower. */
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import ssh2, { type ClientChannel, type ParsedKey } from 'ssh2';
import { expect, test } from 'vitest';
import { openHostChannels } from '../../src/transport/index.ts';
import { algorithmsFor } from '../../src/transport/ssh-algorithms.ts';
import { sendInBulk } from '../../src/transport/ssh2-bulk.ts';
import { economize, signWithoutReading, writeTogether } from '../../src/transport/ssh2-economy.ts';
import { realClock } from '../rig/clock.ts';
import { findSshd, startSshd } from '../rig/sshd.ts';

const parsed = (text: string): ParsedKey => {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || Array.isArray(key)) throw new Error('no key was made');
  return key;
};

test.for([
  ['ed25519', {}],
  ['ecdsa', { bits: 256 }],
  ['ecdsa', { bits: 521 }],
  ['rsa', { bits: 2048 }],
] as const)(
  'each economy takes hold in this ssh2, and a login with %s works at the first word',
  async ([type, options]) => {
    const { private: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
    const { private: userKey, public: known } = ssh2.utils.generateKeyPairSync(
      type,
      options as { bits: number },
    );
    const attempts: string[] = [];
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
      connection.on('error', () => {});
      connection.on('authentication', (attempt) => {
        if (attempt.method !== 'publickey') return attempt.reject();
        const { blob, signature, hashAlgo } = attempt;
        const isRight =
          blob !== undefined && signature !== undefined && parsed(known).verify(blob, signature, hashAlgo);
        attempts.push(
          `${signature === undefined ? 'asks' : 'signs'}, ${isRight === true ? 'right' : 'wrong'}`,
        );
        if (isRight === true) attempt.accept();
        else attempt.reject();
      });
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          channel.exit(0);
          channel.end(`ran ${command}`);
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new ssh2.Client();
    try {
      const done = await new Promise<readonly string[]>((resolve, reject) => {
        client.on('handshake', () => resolve(economize(client)));
        client.on('error', reject);
        const { port } = server.address() as { port: number };
        client.connect({
          host: '127.0.0.1',
          port,
          username: 'x',
          authHandler: () => ({
            type: 'publickey',
            username: 'x',
            key: signWithoutReading(parsed(userKey)),
          }),
          hostVerifier: () => true,
          algorithms: algorithmsFor([]),
        });
      });
      expect(done).toEqual(['key to send', 'key to receive', 'host keys', 'login']);
      await new Promise<void>((resolve) => client.once('ready', () => resolve()));
      expect(attempts).toEqual(['signs, right']);
      const answer = await new Promise<string>((resolve, reject) => {
        client.exec('this', (error, channel) => {
          if (error !== undefined) return reject(error);
          let text = '';
          channel.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          channel.on('close', () => resolve(text));
        });
      });
      expect(answer).toBe('ran this');
    } finally {
      client.destroy();
      server.close();
    }
  },
);

test.for([
  ['is small: in one piece', ['length ', 'content ', 'tag '], 'length content tag last words', 1],
  [
    'is large: its pieces as they are, together',
    ['length ', 'x'.repeat(9_000), ' tag '],
    `length ${'x'.repeat(9_000)} tag last words`,
    3,
  ],
] as const)(
  'what is written in one turn and %s, in order, also the last before the end',
  async ([, parts, expected, pieces]) => {
    const stream = new PassThrough({ highWaterMark: 100_000 });
    const writes: number[] = [];
    stream._write = (chunk, _, done) => {
      writes.push(1);
      stream.push(chunk);
      done();
    };
    stream._writev = (chunks, done) => {
      writes.push(chunks.length);
      for (const { chunk } of chunks) stream.push(chunk);
      done();
    };
    writeTogether(stream);
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    for (const part of parts) stream.write(Buffer.from(part));
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toEqual([pieces]);
    stream.write(Buffer.from('last '));
    stream.end(Buffer.from('words'));
    await new Promise((resolve) => stream.once('finish', resolve));
    expect(text).toBe(expected);
  },
);

interface Inside {
  readonly _protocol: { channelData: (id: number, bytes: Uint8Array) => void };
}

test.for([
  ['aes128-gcm@openssh.com', 0],
  ['aes256-gcm@openssh.com', 0],
  // What is not known here is left to ssh2: each packet goes its way.
  ['aes128-ctr', 4 * 1024 * 1024],
] as const)(
  'an upload with %s arrives whole, whatever the lengths of its packets',
  async ([cipher, left]) => {
    const { private: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
    const digest = createHash('sha256');
    // It tells what was read only when half of its window is used, as OpenSSH does not.
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
      connection.on('error', () => {});
      connection.on('authentication', (attempt) => attempt.accept());
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          const channel = acceptExec();
          channel.on('data', (chunk: Buffer) => digest.update(chunk));
          channel.on('end', () => {
            channel.exit(0);
            channel.end();
          });
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new ssh2.Client();
    try {
      client.on('handshake', () => economize(client));
      await new Promise<void>((resolve, reject) => {
        client.once('ready', () => resolve());
        client.once('error', reject);
        const { port } = server.address() as { port: number };
        client.connect({
          host: '127.0.0.1',
          port,
          username: 'x',
          password: 'x',
          hostVerifier: () => true,
          algorithms: { ...algorithmsFor([]), cipher: [cipher] },
        });
      });
      const channel = await new Promise<ClientChannel>((resolve, reject) => {
        client.exec('this', (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
      });
      const { _protocol: protocol } = client as unknown as Inside;
      let byItself = 0;
      const send = protocol.channelData.bind(protocol);
      protocol.channelData = (id, bytes) => {
        byItself += bytes.length;
        send(id, bytes);
      };
      expect(sendInBulk(client, channel)).toBe(true);
      // Every length of padding, then more than the server's window holds.
      const parts = [
        ...Array.from({ length: 40 }, (_, index) => randomBytes(index + 1)),
        randomBytes(4_193_484),
      ];
      for (const part of parts) channel.write(part);
      const closed = new Promise((resolve) => channel.once('close', resolve));
      channel.end();
      channel.resume();
      await closed;
      expect(digest.digest('hex')).toBe(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));
      expect(byItself).toBe(left);
    } finally {
      client.destroy();
      server.close();
    }
  },
);

test.skipIf(findSshd() === undefined)('an upload goes on while its keys are exchanged anew', async () => {
  await using fleet = await startSshd({ config: ['RekeyLimit 1M'] });
  const [host] = fleet.hosts;
  if (host === undefined) throw new Error('no host');
  await using channels = openHostChannels([host.declared], { clock: realClock });
  const channel = await channels.to(host.name);
  const part = randomBytes(256 * 1024);
  const parts = Array.from({ length: 40 }, () => part);
  const { stdout } = await channel.stream('sha256sum', {}, Readable.from(parts), { timeoutMs: 60_000 });
  expect(stdout).toBe(`${createHash('sha256').update(Buffer.concat(parts)).digest('hex')}  -\n`);
});

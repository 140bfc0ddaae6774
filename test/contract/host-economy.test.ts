/** What is spared inside ssh2: a version of it that is built otherwise must be noticed, since it would only be slower. */
import { createHash, diffieHellman, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import ssh2, { type ClientChannel, type ParsedKey } from 'ssh2';
import { expect, test } from 'vitest';
import { openHostChannels } from '../../src/transport/index.ts';
import { algorithmsFor } from '../../src/transport/ssh-algorithms.ts';
import { sendInBulk } from '../../src/transport/ssh2-bulk.ts';
import { economize, signWithoutReading, writeTogether } from '../../src/transport/ssh2-economy.ts';
import { realClock } from '../rig/clock.ts';
import { findSshd, startSshd } from '../rig/sshd.ts';

/** What is spared in a key exchange by Curve25519, for hosts that have the curves of NIST switched off. */
const byCurve25519 = { ...algorithmsFor([]), kex: ['curve25519-sha256' as const] };

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
    const key = signWithoutReading(parsed(userKey));
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
        client.on('handshake', () => resolve(economize(client, key)));
        client.on('error', reject);
        const { port } = server.address() as { port: number };
        client.connect({
          host: '127.0.0.1',
          port,
          username: 'x',
          authHandler: () => ({ type: 'publickey', username: 'x', key }),
          hostVerifier: () => true,
          algorithms: byCurve25519,
        });
      });
      expect(done).toEqual([
        'key to send',
        'padding',
        'key to receive',
        'host keys',
        'key exchange',
        'login',
        // With which hash a key of RSA may sign, the server has yet to say.
        ...(type === 'rsa' ? [] : ['service']),
      ]);
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
  ['ed25519', 'does not wait', 'asked', 'accepted'],
  ['rsa', 'waits', 'accepted', 'asked'],
] as const)('a login with %s %s for the word that logins are taken', async ([type, , ...order]) => {
  const { private: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const { private: userKey } = ssh2.utils.generateKeyPairSync(type as 'rsa', { bits: 2048 });
  const key = signWithoutReading(parsed(userKey));
  const happened: string[] = [];
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => {});
    const { _protocol: protocol } = connection as unknown as {
      _protocol: { serviceAccept: (name: string) => void };
    };
    const accept = protocol.serviceAccept.bind(protocol);
    protocol.serviceAccept = (name) => {
      // Whoever does not wait has been heard by then.
      setTimeout(() => {
        happened.push('accepted');
        accept(name);
      }, 100);
    };
    connection.on('authentication', (attempt) => {
      if (attempt.method !== 'publickey') return attempt.reject();
      happened.push('asked');
      attempt.accept();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new ssh2.Client();
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('handshake', () => economize(client, key));
      client.on('error', reject);
      client.on('ready', () => resolve());
      client.connect({
        host: '127.0.0.1',
        port: (server.address() as { port: number }).port,
        username: 'x',
        authHandler: () => ({ type: 'publickey', username: 'x', key }),
        hostVerifier: () => true,
        algorithms: algorithmsFor([]),
      });
    });
    await expect.poll(() => happened).toEqual(order);
    // That word comes when all is done: nobody logs in for it once more.
    await new Promise<void>((resolve, reject) => {
      client.exec('this', (error) => (error === undefined ? reject(new Error('no refusal')) : resolve()));
    });
    expect(happened).toEqual(order);
  } finally {
    client.destroy();
    server.close();
  }
});

interface Inner {
  readonly _protocol: {
    readonly _cipher: { allocPacket: (bytes: number) => Buffer };
    readonly _decipher: { _onPayload: (payload: Buffer) => void };
    readonly _kex: object;
  };
}

/** Looks inside a client of ssh2 that has just agreed upon keys. */
async function inner<T>(look: (client: ssh2.Client, inside: Inner['_protocol']) => T): Promise<T> {
  const { private: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new ssh2.Client();
  try {
    return await new Promise<T>((resolve, reject) => {
      client.on('handshake', () => resolve(look(client, (client as unknown as Inner)._protocol)));
      client.on('error', reject);
      const { port } = server.address() as { port: number };
      client.connect({
        host: '127.0.0.1',
        port,
        username: 'x',
        hostVerifier: () => true,
        algorithms: byCurve25519,
      });
    });
  } finally {
    client.destroy();
    server.close();
  }
}

interface Exchange {
  _keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  getPublicKey(): Buffer;
  computeSecret(theirs: Buffer): Buffer | Error;
}

const rawOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-32);

/** RFC 4251 section 5, by another way than the program's. */
function asMpint(bytes: Buffer): Buffer {
  const hex = BigInt(`0x${bytes.toString('hex')}`).toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex');
}

test('a key exchange finds the secret that both share, and takes no key that is none', async () => {
  const inherited = await inner((client, { _kex: kex }) => {
    expect(economize(client)).toContain('key exchange');
    return Object.getPrototypeOf(kex) as Exchange;
  });
  const exchange = Object.create(inherited) as Exchange;
  // Enough for secrets that begin with a byte of zero, and for both kinds of first digit.
  for (let round = 0; round < 2_000; round += 1) {
    exchange._keys = generateKeyPairSync('x25519');
    const theirs = generateKeyPairSync('x25519');
    expect(exchange.getPublicKey()).toEqual(rawOf(exchange._keys.publicKey));
    const shared = diffieHellman({
      privateKey: theirs.privateKey,
      publicKey: exchange._keys.publicKey,
    });
    expect(exchange.computeSecret(rawOf(theirs.publicKey))).toEqual(asMpint(shared));
  }
  // A point whose secret is zero whatever we choose, and lengths that are none of a key.
  for (const wrong of [0, 31, 32, 33, 64])
    expect(exchange.computeSecret(Buffer.alloc(wrong)), String(wrong)).toBeInstanceOf(Error);
});

test('a packet is laid out as by ssh2, and its padding is never the same', async () => {
  await inner((client, { _cipher: cipher }) => {
    const original = cipher.allocPacket.bind(cipher);
    expect(economize(client)).toContain('padding');
    const paddings = new Set<string>();
    for (let bytes = 0; bytes < 2_000; bytes += 1) {
      const theirs = original(bytes);
      const ours = cipher.allocPacket(bytes);
      expect(ours.length).toBe(theirs.length);
      expect(ours.subarray(0, 5)).toEqual(theirs.subarray(0, 5));
      paddings.add(ours.subarray(5 + bytes, 5 + bytes + 4).toString('hex'));
    }
    expect(paddings.size).toBeGreaterThan(1_990);
  });
});

const globalRequest = (name: string, wantsReply: number): Buffer =>
  Buffer.concat([
    Buffer.from([80, 0, 0, 0, name.length]),
    Buffer.from(name),
    Buffer.from([wantsReply]),
    Buffer.from('what follows'),
  ]);

test('of all that a server sends only its offer of host keys is not read', async () => {
  await inner((client, { _decipher: decipher }) => {
    const read: Buffer[] = [];
    decipher._onPayload = (payload) => {
      read.push(payload);
    };
    economize(client);
    const others = [
      globalRequest('hostkeys-00@openssh.com', 1),
      globalRequest('keepalive@openssh.com', 1),
      globalRequest('hostkeys-prove-00@openssh.com', 0),
      Buffer.from([80]),
      Buffer.from([5, 0]),
      Buffer.alloc(0),
    ];
    for (const payload of [globalRequest('hostkeys-00@openssh.com', 0), ...others])
      decipher._onPayload(payload);
    expect(read).toEqual(others);
  });
});

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

test.skipIf(findSshd() === undefined).for([
  ['which is hardened as ssh-audit asks', 'curve25519-sha256,curve25519-sha256@libssh.org'],
  [
    'which only knows what FIPS 140 has long known',
    'ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521',
  ],
  ['which has no curves at all', 'diffie-hellman-group16-sha512'],
] as const)('keys are exchanged with an OpenSSH %s', async ([, kex]) => {
  await using fleet = await startSshd({ config: [`KexAlgorithms ${kex}`] });
  const [host] = fleet.hosts;
  if (host === undefined) throw new Error('no host');
  await using channels = openHostChannels([host.declared], { clock: realClock });
  const channel = await channels.to(host.name);
  const { stdout } = await channel.script('echo here', {}, { timeoutMs: 10_000 });
  expect(stdout).toBe('here\n');
});

/** What is spared inside ssh2: a version of it that is built otherwise must be noticed, since it would only be slower. */
import { PassThrough } from 'node:stream';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { algorithmsFor } from '../../src/transport/ssh-algorithms.ts';
import { economize, writeTogether } from '../../src/transport/ssh2-economy.ts';

test('each economy takes hold in this ssh2, and the connection works with them', async () => {
  const { private: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (attempt) => attempt.accept());
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
        hostVerifier: () => true,
        algorithms: algorithmsFor([]),
      });
    });
    expect(done).toEqual(['key to send', 'key to receive', 'host keys']);
    await new Promise<void>((resolve) => client.once('ready', () => resolve()));
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
});

test('what is written in one turn goes out in one piece, in order, also the last before the end', async () => {
  const stream = new PassThrough();
  const writes: number[] = [];
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
  for (const part of ['length ', 'content ', 'tag ']) stream.write(part);
  await new Promise((resolve) => setImmediate(resolve));
  stream.write('last ');
  stream.end('words');
  await new Promise((resolve) => stream.once('finish', resolve));
  expect(text).toBe('length content tag last words');
  expect(writes[0]).toBe(3);
});

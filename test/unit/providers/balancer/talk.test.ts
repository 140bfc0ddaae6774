import { execFile } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sectionsOf } from '../../../../src/providers/balancer/host-scripts.ts';
import {
  readTalks,
  renderTalks,
  type Talk,
  type Talked,
  talkScript,
} from '../../../../src/providers/balancer/probed/talk.ts';
import { findsOnly, hasConnector } from '../../../rig/offering.ts';

describe('a host talks by itself to all that it is given, each in its own time', () => {
  test.for(['perl', 'python3'] as const)('%s', async (connector, { skip }) => {
    if (!hasConnector(connector)) skip(`${connector} is not installed`);
    await using answering = await listening((socket) =>
      socket.once('data', (bytes) => socket.end(`héllo, ${bytes.subarray(0, 4).toString()}\n\n`)),
    );
    await using silent = await listening(() => {});
    await using resetting = await listening((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await using gone = await listening(() => {});
    await gone[Symbol.asyncDispose]();
    const talk = (port: number, text: string, address = '127.0.0.1'): Talk => ({
      address,
      port,
      timeoutMs: 1000,
      text,
    });
    const answers = await talked(connector, [
      talk(answering.port, 'né\n\n'),
      talk(answering.port, ''),
      talk(answering.port, 'wide'.repeat(50_000)),
      talk(gone.port, 'x'),
      talk(gone.port, 'x', '::1'),
      talk(silent.port, 'x'),
      talk(resetting.port, 'x'),
      talk(80, 'x', 'nowhere.invalid'),
      // No name has a part of more than 63 characters, and nobody need be asked for it.
      talk(80, 'x', `${'a'.repeat(70)}.invalid`),
      talk(answering.port, 'last'),
    ]);
    expect(answers).toEqual([
      { text: 'héllo, né\n\n\n' },
      { text: '' },
      { text: 'héllo, wide\n\n' },
      { reason: `lb-1 could not connect to 127.0.0.1:${gone.port}: connection refused.`, isSent: false },
      // Where this machine has no IPv6, in other words.
      { reason: expect.stringMatching(`^lb-1 could not connect to \\[::1\\]:${gone.port}: `), isSent: false },
      { reason: 'no answer within 1 s', isSent: true },
      { reason: 'Connection reset by peer', isSent: true },
      { reason: expect.stringMatching(/^lb-1 could not connect to nowhere\.invalid:80: /), isSent: false },
      { reason: expect.stringMatching(/^lb-1 could not connect to a{70}\.invalid:80: /), isSent: false },
      { text: 'héllo, last\n\n' },
    ]);
  });
});

async function talked(
  connector: 'perl' | 'python3',
  talks: readonly Talk[],
): Promise<readonly (Talked | undefined)[]> {
  const script = findsOnly(connector, `${talkScript}\nmark=MARK; talk`);
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile('/bin/sh', ['-c', script], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.end(renderTalks(talks));
  });
  return readTalks('lb-1', talks, sectionsOf(output, 'MARK'));
}

async function listening(
  serve: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return {
    port: at.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

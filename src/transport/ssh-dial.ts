/** The byte stream to an SSH server, up to the first thing that it says. */
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HostDeclared } from '../model/index.ts';
import { type SshConnection, unreachable } from './failures.ts';
import { connectReason } from './local-host.ts';
import { TryFailure } from './ssh-tries.ts';

/** What is read lies here until it is passed on, in the same call: it serves all connections. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** Straight to ssh2 once it listens: the queue of a stream in between would take a twentieth of a set-up. */
function passOn(socket: Socket, chunk: Buffer): boolean {
  if (socket.readableFlowing !== true || socket.readableLength > 0) return socket.push(chunk);
  socket.emit('data', chunk);
  return true;
}

/** A TCP connection. Rejects with the signal's reason when that is aborted. */
export function dialTcp(host: HostDeclared, ssh: SshConnection, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket: Socket = connect({
      host: ssh.address,
      port: ssh.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes): boolean => passOn(socket, Buffer.from(readBuffer.subarray(0, bytes))),
      },
    });
    const settle = (failure: unknown): void => {
      signal.removeEventListener('abort', aborted);
      if (failure === undefined) {
        socket.removeListener('error', failed);
        resolve(socket);
      } else {
        socket.on('error', () => {});
        socket.destroy();
        reject(failure);
      }
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      const kind = error.code === 'ECONNRESET' ? 'lost' : 'final';
      settle(new TryFailure(kind, unreachable(host, ssh, `does not answer: ${connectReason(error)}`, error)));
    };
    const aborted = (): void => settle(signal.reason);
    socket.once('error', failed);
    socket.once('connect', () => settle(undefined));
    signal.addEventListener('abort', aborted, { once: true });
  });
}

/** Waits until the server has said something, without taking it. Rejects with the signal's reason when that is aborted. */
export function firstWords(
  host: HostDeclared,
  ssh: SshConnection,
  socket: Duplex,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const settle = (failure: unknown): void => {
      signal.removeEventListener('abort', aborted);
      for (const [event, listener] of listeners) socket.removeListener(event, listener);
      if (failure === undefined) resolve();
      else reject(failure);
    };
    const lost = (error?: Error): void =>
      settle(
        new TryFailure(
          'lost',
          unreachable(
            host,
            ssh,
            'closed the connection before the SSH handshake (too many at once, or the host refuses this address for a while)',
            error,
          ),
        ),
      );
    const said = (): void => {
      if (socket.readableLength > 0) settle(undefined);
      else if (socket.readableEnded || socket.destroyed) lost();
    };
    const aborted = (): void => settle(signal.reason);
    const over = (): void => lost();
    const listeners: readonly [string, (error?: Error) => void][] = [
      ['readable', said],
      ['error', lost],
      ['end', over],
      ['close', over],
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    signal.addEventListener('abort', aborted, { once: true });
  });
}

/** One command on a host: a session of the connection that ssh2 holds to it. */
import type { Client, ClientChannel } from 'ssh2';
import { type ProviderFailure, visible } from '../model/index.ts';
import type { Program } from './execution.ts';
import { seconds } from './failures.ts';
import { sendInBulk } from './ssh2-bulk.ts';
import { endOnce } from './ssh2-economy.ts';

/** What ssh2 says to everybody who waits for an answer when the connection ends, and to whoever comes after that. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error &&
  /^(No response from server|Not connected|Channel open failed?: disconnected)/i.test(error.message);

export interface SshProgram extends Program {
  /** Settles when the server has closed the session too: only then does it no longer count there. */
  readonly closed: Promise<void>;
  /** Much is going to be written to it. */
  readonly sendInBulk: () => boolean;
}

interface Opening {
  readonly timeoutMs: number;
  /** A failure from a clause that says what the host did. */
  readonly failed: (reason: string, cause?: unknown) => ProviderFailure;
  /** Why the connection was lost, once it is. */
  readonly lostBy: () => unknown;
}

/** Nothing of a script is sent before this resolves, so its failures have no effect. */
export function openSshSession(client: Client, command: string, opening: Opening): Promise<SshProgram> {
  const { timeoutMs, failed, lostBy } = opening;
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(failed(reason, cause));
    };
    const timer = setTimeout(() => fail(`did not open a session within ${seconds(timeoutMs)}`), timeoutMs);
    try {
      client.exec(command, (error, channel) => {
        if (error !== undefined) return fail(`refused a session: ${visible(error.message)}`, error);
        clearTimeout(timer);
        endOnce(channel);
        // At once: how a quick command ended may stand in the same packet, and nobody says it twice.
        resolve(asProgram(client, channel, lostBy));
      });
    } catch (error) {
      // ssh2 throws when the connection is already gone.
      fail('closed the connection', error);
    }
  });
}

function asProgram(client: Client, channel: ClientChannel, lostBy: Opening['lostBy']): SshProgram {
  let exit: { readonly code: number | undefined; readonly signal: string | undefined } | undefined;
  let settle: () => void = () => {};
  const ended = new Promise<Awaited<Program['ended']>>((resolve) => {
    settle = () => resolve(exit ?? { code: undefined, signal: undefined, lost: { cause: lostBy() } });
  });
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      client.removeListener('close', end);
      settle();
      resolve();
    };
    channel.once('exit', (code: number | null, signal?: string) => {
      exit = { code: code ?? undefined, signal: signal?.replace(/^SIG/, '') };
    });
    channel.once('close', end);
    // A connection that dies under a paused stream never ends the stream.
    client.once('close', end);
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    closed,
    sendInBulk: () => sendInBulk(client, channel),
    kill: () => {
      // Closing alone would leave the command running, and its session counted, until it ends by itself.
      if (exit === undefined) channel.signal('KILL');
      channel.close();
      channel.resume();
      channel.stderr.resume();
      settle();
    },
  };
}

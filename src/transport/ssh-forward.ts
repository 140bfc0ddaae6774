/** A stream to a port or a socket file of a host, made by its SSH server. */
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { visible } from '../model/index.ts';
import type { HostChannel } from './channel.ts';
import { seconds } from './failures.ts';
import { isConnectionLost } from './ssh-session.ts';

export type Target = Parameters<HostChannel['dial']>[0];
export type ForwardOptions = Parameters<HostChannel['dial']>[1];

export type Forwarded =
  | { readonly at: 'connected'; readonly stream: Duplex }
  | {
      readonly at: 'refused' | 'prohibited' | 'late' | 'lost';
      readonly reason: string;
      readonly cause?: unknown;
    };

/** RFC 4254 section 5.1: reasons of a channel that was not opened. */
const administrativelyProhibited = 1;
const unknownChannelType = 3;

/** Never rejects, and never later than its time. */
export function forward(client: Client, target: Target, options: ForwardOptions): Promise<Forwarded> {
  return new Promise((resolve) => {
    let settled = false;
    const settle = (outcome: Forwarded): void => {
      if (settled) {
        // It came too late: nobody will read it.
        if (outcome.at === 'connected') outcome.stream.destroy();
        return;
      }
      settled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', aborted);
      resolve(outcome);
    };
    const aborted = (): void => settle({ at: 'late', reason: 'given up' });
    const timer = setTimeout(
      () => settle({ at: 'late', reason: `no answer within ${seconds(options.timeoutMs)}` }),
      options.timeoutMs,
    );
    options.signal?.addEventListener('abort', aborted, { once: true });
    const opened = (error: (Error & { reason?: number }) | undefined, channel: ClientChannel): void => {
      if (error === undefined) {
        settle({ at: 'connected', stream: channel });
        return;
      }
      if (isConnectionLost(error)) {
        settle({ at: 'lost', reason: 'closed the connection', cause: error });
        return;
      }
      const prohibited = error.reason === administrativelyProhibited || error.reason === unknownChannelType;
      settle({
        at: prohibited ? 'prohibited' : 'refused',
        reason: prohibited ? 'the SSH server forwards no connections' : forwardReason(error.message),
        cause: error,
      });
    };
    try {
      if ('path' in target) client.openssh_forwardOutStreamLocal(target.path, opened);
      else client.forwardOut('127.0.0.1', 0, target.address, target.port, opened);
    } catch (cause) {
      settle({ at: 'lost', reason: 'closed the connection', cause });
    }
  });
}

/** ssh2 puts "(SSH) Channel open failure: " before what the server said ("Connection refused"). */
const forwardReason = (message: string): string =>
  visible(message.replace(/^\(SSH\) Channel open failure: /, '')).toLowerCase();

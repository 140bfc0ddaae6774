/** The master socket: one line of commands per connection, half-closed after writing, each answer ended by an empty line. */
import { text as readText } from 'node:stream/consumers';
import { type Address, ProviderFailure } from '../../model/index.ts';
import type { HostChannel } from '../../transport/channel.ts';
import { messageOf, mishap, refusal } from '../balancer/failure.ts';
import { splitAnswers } from './parse.ts';

/** HAProxy answers in under a millisecond; the rest is for a slow way there. */
const timeoutMs = 10_000;

export interface MasterSocket {
  /**
   * Sends all commands on one line and gives an answer for each; undefined where the process that it was for is gone.
   * `changes`: whether a failure after the line was sent may have had an effect.
   */
  ask(
    commands: readonly string[],
    options: { readonly signal: AbortSignal; readonly changes: boolean },
  ): Promise<readonly (string | undefined)[]>;
}

export function masterSocket(channel: HostChannel, path: string, balancer: Address): MasterSocket {
  return {
    async ask(commands, { signal, changes }) {
      let isSent = false;
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        const connection = await channel.dial({ path }, { timeoutMs, signal });
        const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
        limit.addEventListener('abort', stop, { once: true });
        try {
          const answer = readText(connection);
          isSent = true;
          // The master never closes by itself: without the half-close both sides would wait for ever.
          connection.end(`${commands.join(';')}\n`);
          return splitAnswers(await answer, commands.length);
        } finally {
          limit.removeEventListener('abort', stop);
          connection.destroy();
        }
      } catch (error) {
        const fail = isSent && changes ? mishap : refusal;
        throw fail(
          {
            code: 'balancer-unreachable',
            summary: 'The load balancer does not answer',
            detail: `The master socket ${path} of HAProxy on ${channel.host} could not be used: ${error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error)}.`,
            hint: `HAProxy must run in master-worker mode with \`-W -S ${path}\`, and the user of the connection must be allowed to write to that socket (\`-S ${path},mode,660,group,…\`).`,
            address: balancer,
          },
          error,
        );
      }
    },
  };
}

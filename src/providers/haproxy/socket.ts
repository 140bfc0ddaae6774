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

/** While the master replaces itself at a reload it answers nobody: so long, in ms, it is tried again. */
const awayMs = 3_000;
const retryMs = 50;

export function masterSocket(channel: HostChannel, path: string, balancer: Address): MasterSocket {
  /** One line out, the text that comes back. `sent` is called when the line leaves: from then on it may be obeyed. */
  async function exchange(line: string, signal: AbortSignal, sent: () => void): Promise<string> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const connection = await channel.dial({ path }, { timeoutMs, signal });
    const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
    limit.addEventListener('abort', stop, { once: true });
    try {
      const answer = readText(connection);
      sent();
      // The master never closes by itself: without the half-close both sides would wait for ever.
      connection.end(line);
      return await answer;
    } finally {
      limit.removeEventListener('abort', stop);
      connection.destroy();
    }
  }

  return {
    async ask(commands, { signal, changes }) {
      const giveUpAt = performance.now() + awayMs;
      for (;;) {
        let isSent = false;
        let reason: unknown = new Error('it closed the connection without an answer');
        try {
          const answer = await exchange(`${commands.join(';')}\n`, signal, () => {
            isSent = true;
          });
          if (answer !== '' || changes) return splitAnswers(answer, commands.length);
        } catch (error) {
          reason = error;
        }
        const mayRepeat = (!isSent || !changes) && isAway(reason) && !signal.aborted;
        if (mayRepeat && performance.now() < giveUpAt) {
          await new Promise((resolve) => setTimeout(resolve, retryMs));
          continue;
        }
        throw unreachable(reason, isSent && changes);
      }
    },
  };

  function unreachable(reason: unknown, mayHaveChanged: boolean): ProviderFailure {
    const words = reason instanceof ProviderFailure ? reason.diagnostic.detail : messageOf(reason);
    return (mayHaveChanged ? mishap : refusal)(
      {
        code: 'balancer-unreachable',
        summary: 'The load balancer does not answer',
        detail: `The master socket ${path} of HAProxy on ${channel.host} could not be used: ${words.replace(/\.$/, '')}.`,
        hint: `Is HAProxy running? It must run in master-worker mode with \`-W -S ${path}\`, and the user of the connection must be allowed to write to that socket (\`-S ${path},mode,660,group,…\`).`,
        address: balancer,
      },
      reason,
    );
  }
}

/** Whether it can only be the socket: a host that cannot be reached is not asked again. */
const isAway = (reason: unknown): boolean =>
  !(reason instanceof ProviderFailure) || reason.diagnostic.code === 'dial-failed';

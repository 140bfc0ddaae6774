/** Channels of a program that dies in mid-work: from one call on, nothing reaches a host any more. */
import { ProviderFailure } from '../../src/model/index.ts';
import type { HostChannel, HostChannels } from '../../src/transport/index.ts';

/** Lives for so many calls. A death between a call and its answer is the same to a host as one before the next call. */
export function mortal(channels: HostChannels, lives: number): HostChannels {
  let calls = 0;
  const count = (): void => {
    if (calls >= lives) {
      throw new ProviderFailure(
        { code: 'dead', severity: 'error', summary: 'Dead', detail: 'It died.' },
        'none',
      );
    }
    calls += 1;
  };
  return {
    async to(host, signal) {
      const channel = await channels.to(host, signal);
      const dying: HostChannel = {
        host: channel.host,
        script: async (...given) => {
          count();
          return channel.script(...given);
        },
        stream: async (...given) => {
          count();
          return channel.stream(...given);
        },
        dial: async (...given) => {
          count();
          return channel.dial(...given);
        },
      };
      return dying;
    },
    [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
  };
}

/** For whoever looks for a fault (`DEPLOYCTL_LOG`): what is read, decided, and asked of the hosts. */
import type { Clock } from '../model/index.ts';
import type { Execution, HostChannel, HostChannels } from '../transport/index.ts';

/** Where lines for the log go; a level that is off does nothing. Nothing that may be secret is ever given to it. */
export interface Trace {
  readonly info: (text: string) => void;
  readonly debug: (text: string) => void;
  readonly trace: (text: string) => void;
}

/**
 * The same channels, each request to a host told with its time and its end. Of a script only the names of its values are
 * told and how long it is: values and what is fed to it may be secrets.
 */
export function tracedChannels(channels: HostChannels, { debug, trace }: Trace, clock: Clock): HostChannels {
  const told = async <T>(what: string, work: () => Promise<T>, end: (result: T) => string): Promise<T> => {
    const begun = clock.now();
    const after = (): string => `after ${clock.now() - begun} ms`;
    try {
      const result = await work();
      trace(`${what}: ${end(result)} ${after()}`);
      return result;
    } catch (error) {
      debug(`${what}: ${error instanceof Error ? error.message : String(error)} ${after()}`);
      throw error;
    }
  };
  const ended = ({ code, signal, stdout }: Execution): string =>
    `${code === undefined ? `ended by ${signal ?? 'the connection'}` : `exit ${code}`}, ${stdout.length} characters`;
  const scriptText = (text: string, values: object): string =>
    `script of ${text.length} characters with ${Object.keys(values).join(', ') || 'no values'}`;
  const traced = (channel: HostChannel): HostChannel => ({
    host: channel.host,
    ...(channel.isHere === undefined ? {} : { isHere: channel.isHere }),
    get isNear() {
      return channel.isNear === true;
    },
    script: (text, values, options) =>
      told(
        `${channel.host}: ${scriptText(text, values)}`,
        () => channel.script(text, values, options),
        ended,
      ),
    stream: (text, values, bytes, options) =>
      told(
        `${channel.host}: upload by a ${scriptText(text, values)}`,
        () => channel.stream(text, values, bytes, options),
        ended,
      ),
    dial: (target, options) =>
      told(
        `${channel.host}: connection to ${'path' in target ? target.path : `${target.address}:${target.port}`}`,
        () => channel.dial(target, options),
        () => 'open',
      ),
  });
  const known = new WeakMap<HostChannel, HostChannel>();
  return {
    async to(host, signal) {
      const channel = await told(
        `${host}: channel`,
        () => channels.to(host, signal),
        () => 'there',
      );
      const wrapped = known.get(channel) ?? traced(channel);
      known.set(channel, wrapped);
      return wrapped;
    },
    [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
  };
}

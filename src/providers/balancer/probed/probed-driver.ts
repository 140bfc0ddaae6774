/** What drivers of proxies that are asked by a probe have in common. */
import type { Address } from '../../../model/index.ts';
import type { HostChannel, HostChannels } from '../../../transport/channel.ts';
import type { BalancerDriver } from '../driver.ts';
import { hostFiles } from '../host-files.ts';
import type { HostReading } from '../reading.ts';
import type { SampleAsk } from '../sampling.ts';
import type { Look, Looked } from './look.ts';
import { type ProbePlace, sampleProbe } from './probe.ts';

export interface OneLook {
  readonly channels: HostChannels;
  readonly place: ProbePlace;
  /** The file that keeps its routes: beside it is the lock. */
  readonly file: string;
  lookOn(channel: HostChannel, asks: readonly SampleAsk[]): Look;
  readingOf(channel: HostChannel, looked: Looked, signal: AbortSignal): Promise<HostReading>;
}

/** Reads what one look sees, also in the exchange that takes the lock. */
export function readsByOneLook({
  channels,
  place,
  file,
  lookOn,
  readingOf,
}: OneLook): Pick<BalancerDriver, 'read' | 'readConfig' | 'sample' | 'locked'> {
  return {
    async read(host, signal, asks = []) {
      const channel = await channels.to(host, signal);
      const look = lookOn(channel, asks);
      const output = await hostFiles(channel, place.balancer).look(look.following, signal);
      return readingOf(channel, await look.finish(output, signal), signal);
    },
    readConfig: async () => undefined,
    async sample(host, ask, signal) {
      return sampleProbe(await channels.to(host, signal), place, ask, signal);
    },
    async locked(host, cx, body, asks) {
      const channel = await channels.to(host, cx.signal);
      const files = hostFiles(channel, place.balancer);
      if (asks === undefined) return files.locked(file, cx, () => body(undefined));
      const look = lookOn(channel, asks);
      const looked = async (output: string | undefined) =>
        body(
          output === undefined
            ? undefined
            : await readingOf(channel, await look.finish(output, cx.signal), cx.signal),
        );
      return files.locked(file, cx, looked, look.following);
    },
  };
}

/** Its members and its configuration are the operator's: its traits say so, and nothing of the kind is planned. */
export const changesRoutesOnly = (
  balancer: Address,
): Pick<BalancerDriver, 'writeMember' | 'persistMembers' | 'configure'> => ({
  async writeMember() {
    throw new Error(`${balancer} cannot take a member out`);
  },
  async persistMembers() {
    // None is ever taken out.
  },
  async configure() {
    throw new Error(`${balancer} has no configuration file that deployctl writes whole`);
  },
});

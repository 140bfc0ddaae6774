/** Which addresses each worker of nginx uses for a name: every worker resolves for itself, so every one is asked. */
import { ProviderFailure } from '../../model/index.ts';
import type { HostChannel } from '../../transport/channel.ts';
import { messageOf, refusal } from '../balancer/failure.ts';
import { exchangeBytes, type HttpAnswer, headerOf, parseAnswers } from '../balancer/probed/exchange.ts';
import { type ProbePlace, snippetVersion } from '../balancer/probed/probe.ts';
import { workerHeader, workerPath } from './by-name.ts';

const timeoutMs = 10_000;
/** Beside each other at most; an SSH connection carries at most ten by default, and others want some of them. */
const atOnce = 6;
/**
 * With reuseport the kernel gives a connection to any of the workers, all as likely: after so many for each, one of up to
 * 64 workers is left out less than once in 10^15 times.
 */
const mostForEach = 40;

/** What a worker was seen to use: `10.0.1.11:8081`; empty where the name led it nowhere. */
export type Seen = ReadonlySet<string>;

/**
 * Asks until each of these workers has answered. A worker that ended meanwhile is left out; `stillServing` says who did
 * not. Throws `balancer-snippet-missing` where the running configuration does not answer for this pool.
 */
export async function askWorkers(
  channel: HostChannel,
  place: ProbePlace,
  pool: string,
  workers: readonly number[],
  stillServing: () => Promise<readonly number[]>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Seen>> {
  const seen = new Map<number, Set<string>>();
  const missing = (): readonly number[] => workers.filter((pid) => !seen.has(pid));
  for (let asked = 0; asked < workers.length * mostForEach; asked += atOnce) {
    const answers = await Promise.all(
      Array.from({ length: atOnce }, () => askOne(channel, place, pool, signal)),
    );
    for (const answer of answers) {
      if (headerOf(answer, 'x-deployctl-snippet') !== String(snippetVersion))
        throw foreign(channel, place, pool);
      const { pid, addresses } = parseWorker(headerOf(answer, workerHeader));
      seen.set(pid, new Set([...(seen.get(pid) ?? []), ...addresses]));
    }
    if (missing().length === 0) return seen;
  }
  const serving = await stillServing();
  const left = missing().filter((pid) => serving.includes(pid));
  if (left.length > 0) throw unreached(channel, place, left, workers.length * mostForEach);
  return seen;
}

/** `4711 10.0.1.11:8081, 10.0.1.12:8081`: several where one did not answer. A name that was not found is no address. */
export function parseWorker(text: string): { readonly pid: number; readonly addresses: readonly string[] } {
  const [pid = '', ...rest] = text.split(' ');
  const addresses = rest
    .join(' ')
    .split(/, | : /)
    .filter((each) => /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/.test(each));
  return { pid: Number(pid), addresses };
}

async function askOne(
  channel: HostChannel,
  place: ProbePlace,
  pool: string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  // A connection of its own for each: all requests of one connection are the same worker's.
  const request = `GET ${workerPath(place.name, pool)} HTTP/1.1\r\nHost: deployctl\r\nUser-Agent: deployctl\r\nConnection: close\r\n\r\n`;
  try {
    const bytes = await exchangeBytes(channel, place, request, timeoutMs, signal);
    const [answer] = parseAnswers(bytes.toString());
    if (answer === undefined) throw new Error('no answer that is HTTP');
    return answer;
  } catch (error) {
    const reason = error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error);
    throw silent(
      place,
      `${place.program} does not answer at its probe address ${place.address}:${place.port} on ${channel.host}: ${reason.replace(/\.$/, '')}.`,
    );
  }
}

const foreign = ({ host }: HostChannel, place: ProbePlace, pool: string): ProviderFailure =>
  silent(
    place,
    `What answers for the pool ${pool} at ${place.address}:${place.port} on ${host} is not the snippet of this version for ${place.balancer}.`,
  );

const silent = ({ balancer }: ProbePlace, detail: string): ProviderFailure =>
  refusal({
    code: 'balancer-snippet-missing',
    summary: "The load balancer's rules do not answer",
    detail: `${detail} Without it nobody can say which addresses its workers use.`,
    hint: `Add what this prints to its configuration, and reload it:  deployctl snippet ENV ${balancer}`,
    address: balancer,
  });

const unreached = (
  { host }: HostChannel,
  { address, port, balancer }: ProbePlace,
  left: readonly number[],
  asked: number,
): ProviderFailure =>
  refusal({
    code: 'balancer-worker-unreached',
    summary: 'Not every worker of the load balancer could be asked',
    detail: `Of ${asked} requests to ${address}:${port} on ${host} none came to ${left.length === 1 ? 'worker' : 'workers'} ${left.join(', ')}, so nobody can say which addresses ${left.length === 1 ? 'it uses' : 'they use'}.`,
    hint: `Its "listen" needs "reuseport", as this prints it:  deployctl snippet ENV ${balancer}`,
    address: balancer,
  });

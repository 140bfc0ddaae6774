/** Asks HAProxy's own rules, through the snippet's unix socket, where requests of a route would go now. */
import { text as readText } from 'node:stream/consumers';
import { ProviderFailure } from '../../model/index.ts';
import type { HostChannel } from '../../transport/channel.ts';
import { askedAs } from '../balancer/asked-as.ts';
import { messageOf, refusal } from '../balancer/failure.ts';
import type { SampleAsk, Samples } from '../balancer/sampling.ts';
import type { HaproxyHost } from './read.ts';

/** Raised when the rules of the snippet change in what they answer. */
export const snippetVersion = 1;

/** Answered only on the probe socket; on every other way in it is a path like any other. */
export const probePath = (balancerName: string): string => `/.well-known/deployctl/${balancerName}`;

const timeoutMs = 10_000;

export interface ProbeAnswer {
  readonly version: number;
  readonly pool: string;
  /** Audience rules that the configuration knows for the route, as tokens. */
  readonly audience: readonly string[];
}

/** The answers' headers; undefined for one that is not from the snippet. Pure. */
export function parseProbe(text: string): readonly ProbeAnswer[] | undefined {
  const answers = text.split('\r\n\r\n').slice(0, -1);
  const parsed = answers.map((answer) => {
    const version = /^x-deployctl-snippet: (\d+)\r?$/im.exec(answer)?.[1];
    const pool = /^x-deployctl-pool: ?(\S*)\r?$/im.exec(answer)?.[1];
    const audience = /^x-deployctl-audience: ?(\S*)\r?$/im.exec(answer)?.[1] ?? '';
    return !answer.startsWith('HTTP/1.1 204') || version === undefined
      ? undefined
      : {
          version: Number(version),
          pool: pool ?? '',
          audience: audience.split('+').filter((each) => each !== ''),
        };
  });
  return parsed.some((each) => each === undefined) ? undefined : parsed.filter((each) => each !== undefined);
}

/**
 * One fresh connection, `count` requests on it, each decided on its own. It reaches the newest worker; the others are
 * read back through the master.
 */
export async function sampleRoute(
  proxy: HaproxyHost,
  channel: HostChannel,
  ask: SampleAsk,
  signal: AbortSignal,
): Promise<Samples> {
  const { settings, host, name } = proxy;
  let text: string;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const connection = await channel.dial({ path: settings.probeSocket }, { timeoutMs, signal });
    const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
    limit.addEventListener('abort', stop, { once: true });
    try {
      const answer = readText(connection);
      connection.write(probeRequests(name, ask));
      text = await answer;
    } finally {
      limit.removeEventListener('abort', stop);
      connection.destroy();
    }
  } catch (error) {
    const reason = error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error);
    throw missing(proxy, `The probe socket ${settings.probeSocket} on ${host} could not be used: ${reason}.`);
  }
  const answers = parseProbe(text);
  if (answers === undefined || answers.length !== ask.count) {
    throw missing(
      proxy,
      `What answers on ${settings.probeSocket} on ${host} is not the snippet for ${proxy.balancer}.`,
    );
  }
  const outdated = answers.find(({ version }) => version !== snippetVersion);
  if (outdated !== undefined) {
    throw missing(
      proxy,
      `The snippet on ${host} is of version ${outdated.version}, and this deployctl needs version ${snippetVersion}.`,
    );
  }
  return counted(answers);
}

/** `count` requests on one connection, the last of which closes it. */
export function probeRequests(balancerName: string, { route, count, as }: SampleAsk): string {
  const { target, headers } = askedAs(probePath(balancerName), as);
  const request = (isLast: boolean): string =>
    `GET ${target} HTTP/1.1\r\nHost: deployctl\r\nX-Deployctl-Route: ${route}\r\n${headers}${isLast ? 'Connection: close\r\n' : ''}\r\n`;
  return `${request(false).repeat(count - 1)}${request(true)}`;
}

/** What the answers come to; undefined: some are missing, or are not those of this snippet. */
export function samplesIn(text: string, count: number): Samples | undefined {
  const answers = parseProbe(text);
  const isWhole = answers?.length === count && answers.every(({ version }) => version === snippetVersion);
  return answers !== undefined && isWhole ? counted(answers) : undefined;
}

function counted(answers: readonly ProbeAnswer[]): Samples {
  const byPool = new Map<string, number>();
  for (const { pool } of answers) byPool.set(pool, (byPool.get(pool) ?? 0) + 1);
  return { taken: answers.length, byPool, audience: new Set(answers[0]?.audience) };
}

const missing = ({ balancer }: HaproxyHost, detail: string): ProviderFailure =>
  refusal({
    code: 'balancer-snippet-missing',
    summary: "The load balancer's rules do not answer",
    detail: `${detail} Without it no switch can be verified.`,
    hint: `Add what this prints to its configuration, and reload it:  deployctl snippet ENV ${balancer}`,
    address: balancer,
  });

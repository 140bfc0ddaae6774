/** Asks the proxy's own rules, at the address where only they answer, where requests of a route would go now. */
import type { Address, ProviderFailure } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { askedAs } from '../asked-as.ts';
import { refusal } from '../failure.ts';
import type { SampleAsk, Samples } from '../sampling.ts';
import { type HttpAnswer, headerOf, parseAnswers } from './exchange.ts';
import { type Talk, type Talked, talkFromHere } from './talk.ts';

/** Raised when the rules of the snippets change in what they answer. */
export const snippetVersion = 1;

/** Below what any proxy allows on one connection (Apache closes after 100, if nobody says otherwise). */
const perConnection = 50;
const timeoutMs = 10_000;

export interface ProbePlace {
  readonly balancer: Address;
  /** The balancer's name: what the snippet was made for. */
  readonly name: string;
  /** What people call the program: `nginx`. */
  readonly program: string;
  readonly address: string;
  readonly port: number;
}

export interface ProbeAnswer {
  readonly pool: string;
  /** The folder of flags, or the file, that decided; '' where it could not be read. */
  readonly revision: string;
  /** What the running rules hold for this route; '' where they hold nothing, or do not say it. */
  readonly cell: string;
  readonly audience: readonly string[];
  /** Names of the pools that the rules can choose, with the members that the snippet was made for. */
  readonly pools: ReadonlyMap<string, readonly string[]>;
}

const separated = (text: string, separator: string): readonly string[] =>
  text.split(separator).filter((each) => each !== '');

/** How a snippet says its pools in one header. */
export const renderPools = (
  pools: readonly { readonly name: string; readonly members: readonly { readonly name: string }[] }[],
): string =>
  pools.map(({ name, members }) => [name, ...members.map((member) => member.name)].join('/')).join('+');

function parseProbe(answer: HttpAnswer): ProbeAnswer {
  return {
    pool: headerOf(answer, 'x-deployctl-pool'),
    revision: headerOf(answer, 'x-deployctl-revision'),
    cell: headerOf(answer, 'x-deployctl-cell'),
    audience: separated(headerOf(answer, 'x-deployctl-audience'), '+'),
    pools: new Map(
      separated(headerOf(answer, 'x-deployctl-pools'), '+').map((each) => {
        const [name = '', ...members] = each.split('/');
        return [name, members];
      }),
    ),
  };
}

/** One request: it belongs to this route, and meets this rule, if any. */
export type ProbeAsk = Pick<SampleAsk, 'route' | 'as'>;

/** What is sent to have them all answered, on as few connections as any proxy allows. */
export function probeTalks({ address, port, name }: ProbePlace, asks: readonly ProbeAsk[]): readonly Talk[] {
  const request = ({ route, as }: ProbeAsk, isLast: boolean): string => {
    const { target, headers } = askedAs(`/.well-known/deployctl/${name}`, as);
    return `GET ${target} HTTP/1.1\r\nHost: deployctl\r\nX-Deployctl-Route: ${route}\r\n${headers}${isLast ? 'Connection: close\r\n' : ''}\r\n`;
  };
  return Array.from({ length: Math.ceil(asks.length / perConnection) }, (_, index): Talk => {
    const batch = asks.slice(index * perConnection, (index + 1) * perConnection);
    const text = batch.map((ask, position) => request(ask, position === batch.length - 1)).join('');
    return { address, port, timeoutMs, text };
  });
}

/** An answer to each, decided afresh. Throws `balancer-snippet-missing` where it is not the snippet that answers. */
export async function probe(
  channel: HostChannel,
  place: ProbePlace,
  asks: readonly ProbeAsk[],
  signal: AbortSignal,
): Promise<readonly ProbeAnswer[]> {
  const talked = await talkFromHere(channel, probeTalks(place, asks), signal);
  return readProbe(channel.host, place, asks, await askAgain(channel, place, asks, talked, signal));
}

/** A proxy that is reloaded again and again is told as it is. */
const mostAgain = 3;

/**
 * A proxy that is just being reloaded ends a connection after the request that it is at: what it left unanswered is asked
 * anew, of those that took over. Nothing is changed by a question.
 */
export async function askAgain(
  channel: HostChannel,
  place: ProbePlace,
  asks: readonly ProbeAsk[],
  talked: readonly Talked[],
  signal: AbortSignal,
): Promise<readonly Talked[]> {
  const talks = probeTalks(place, asks);
  const known = [...talked];
  for (let again = 0; again < mostAgain; again += 1) {
    const cut = [...talks.entries()].filter(([index]) =>
      wasCut(known[index], Math.min(perConnection, asks.length - index * perConnection)),
    );
    if (cut.length === 0) break;
    const fresh = await talkFromHere(
      channel,
      cut.map(([, talk]) => talk),
      signal,
    );
    for (const [position, each] of fresh.entries()) known[cut[position]?.[0] ?? 0] = each;
  }
  return known;
}

function wasCut(talked: Talked | undefined, wanted: number): boolean {
  if (talked === undefined) return false;
  if ('reason' in talked) return talked.isSent;
  const answers = parseAnswers(talked.text);
  return answers.length < wanted && answers.every((each) => headerOf(each, 'x-deployctl-snippet') !== '');
}

/** The answers to `probeTalks`. Throws `balancer-snippet-missing` where it is not the snippet that answers. */
export function readProbe(
  host: string,
  place: ProbePlace,
  asks: readonly ProbeAsk[],
  talked: readonly Talked[],
): readonly ProbeAnswer[] {
  const { address, port, name, program } = place;
  const where = `${address}:${port} on ${host}`;
  const answers = talked.flatMap((each): readonly HttpAnswer[] => {
    if ('text' in each) return parseAnswers(each.text);
    throw missing(
      place,
      `${program} does not answer at its probe address ${where}: ${each.reason.replace(/\.$/, '')}.`,
    );
  });
  const foreign = answers.find((each) => headerOf(each, 'x-deployctl-snippet') === '');
  if (foreign !== undefined || answers.length === 0 || answers.length > asks.length) {
    throw missing(place, `What answers at ${where} is not the snippet for ${place.balancer}.`);
  }
  if (answers.length < asks.length) {
    throw missing(
      place,
      `${program} answered ${answers.length} of ${asks.length} requests at its probe address ${where} and closed the connection.`,
    );
  }
  const other = answers.find((each) => headerOf(each, 'x-deployctl-name') !== name);
  if (other !== undefined) {
    throw missing(
      place,
      `The snippet that answers at ${where} is the one for load_balancer.${headerOf(other, 'x-deployctl-name')}.`,
    );
  }
  const outdated = answers.find((each) => headerOf(each, 'x-deployctl-snippet') !== String(snippetVersion));
  if (outdated !== undefined) {
    throw missing(
      place,
      `The snippet at ${where} is of version ${headerOf(outdated, 'x-deployctl-snippet')}, and this deployctl needs version ${snippetVersion}.`,
    );
  }
  return answers.map(parseProbe);
}

export async function sampleProbe(
  channel: HostChannel,
  place: ProbePlace,
  ask: SampleAsk,
  signal: AbortSignal,
): Promise<Samples> {
  return samplesOf(await probe(channel, place, repeated(ask), signal));
}

/** The same request as often as it is to be asked. */
export const repeated = (ask: SampleAsk): readonly ProbeAsk[] => Array.from({ length: ask.count }, () => ask);

export function samplesOf(answers: readonly ProbeAnswer[]): Samples {
  const byPool = new Map<string, number>();
  for (const { pool } of answers) byPool.set(pool, (byPool.get(pool) ?? 0) + 1);
  return { taken: answers.length, byPool, audience: new Set(answers[0]?.audience) };
}

const missing = ({ balancer }: ProbePlace, detail: string): ProviderFailure =>
  refusal({
    code: 'balancer-snippet-missing',
    summary: "The load balancer's rules do not answer",
    detail: `${detail} Without it nothing can be seen, and no switch verified.`,
    hint: `Add what this prints to its configuration, and reload it:  deployctl snippet ENV ${balancer}`,
    address: balancer,
  });

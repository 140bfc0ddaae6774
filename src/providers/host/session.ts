/** One host for the length of an operation: its declaration, its channel, and how to look at it. */
import type { Clock, HostDeclared, ProviderFailure } from '../../model/index.ts';
import { ProviderFailure as Failure } from '../../model/index.ts';
import { type Execution, type HostChannel, type HostChannels, hostFailure } from '../../transport/index.ts';
import { parseProbe, type SeenHost, type SeenRoot } from './probe-parse.ts';
import { type ProbeRoot, renderProbe } from './probe-render.ts';
import { succeeded } from './refusals.ts';
import { sh } from './shell.ts';

/** A look at a host takes milliseconds; one that takes longer than this is in trouble. */
const probeTimeoutMs = 20_000;

export interface HostSession {
  readonly declared: HostDeclared;
  readonly channel: HostChannel;
}

/** Opens the channel; throws a `ProviderFailure` with no effect if the host cannot be reached. */
export async function openSession(
  hosts: ReadonlyMap<string, HostDeclared>,
  channels: HostChannels,
  name: string,
  signal: AbortSignal,
): Promise<HostSession> {
  const declared = hosts.get(name);
  if (declared === undefined) throw new Error(`no host is called ${name}`);
  return { declared, channel: await channels.to(name, signal) };
}

/** Looks at a host afresh. Times are by `clock`; the difference to the host's own clock is seconds, positive ahead. */
export async function probe(
  session: HostSession,
  roots: readonly ProbeRoot[],
  clock: Clock,
  signal: AbortSignal,
): Promise<SeenHost & { readonly clockAheadSeconds: number }> {
  const before = clock.now();
  const result = await session.channel.script(
    renderProbe(roots),
    {},
    { timeoutMs: probeTimeoutMs, signal, privileged: true },
  );
  const middle = (before + clock.now()) / 2000;
  const purpose = { doing: 'look at its releases and processes', root: roots[0]?.root ?? '/' };
  const seen = parseProbe(roots, succeeded(session.declared, result, purpose));
  if (seen === undefined) throw cut(session.declared);
  // `date +%s` cuts off the fraction: half a second is the fair guess.
  return { ...seen, clockAheadSeconds: Math.round(seen.time + 0.5 - middle) };
}

const lookBegins = 'looks again';

/**
 * The script of a change, and after it, if it ended well, a look at the root that it changed: the probe, in the same
 * session, which reads the world anew and knows nothing of what the change says. What the change refuses ends as before.
 */
export const thenLook = (change: string, root: ProbeRoot): string => sh`(
${change}
) || exit
echo '${lookBegins}'
${renderProbe([root])}
`;

/** What that look has seen; undefined: the change did not end well, or the answer is cut. Then it is asked again. */
export function seenAfterwards(result: Execution, root: ProbeRoot): SeenRoot | undefined {
  const at = result.stdout.lastIndexOf(`${lookBegins}\n`);
  return result.code === 0 && at >= 0 ? parseProbe([root], result.stdout.slice(at))?.roots[0] : undefined;
}

const cut = (host: HostDeclared): ProviderFailure =>
  hostFailure(host, 'none', {
    code: 'host-answer-incomplete',
    summary: 'Answer of the host is incomplete',
    detail: `${host.name} ended its answer before it was whole.`,
    hint: 'Look at the memory and the process limits of the host, then try again.',
  });

/** The diagnostic of a failure at the edge; a bug stays a bug. */
export function diagnosticOf(error: unknown): ProviderFailure['diagnostic'] {
  if (error instanceof Failure) return error.diagnostic;
  throw error;
}

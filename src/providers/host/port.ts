/** Who else has the port: a start on a port that is taken ends unseen, and another program then passes its check. */
import {
  type Address,
  type Context,
  type Declared,
  type HostDeclared,
  ProviderFailure,
} from '../../model/index.ts';
import { hostFailure, seconds } from '../../transport/index.ts';
import type { HostSession } from './session.ts';

/** Where an instance will listen, as its own host sees it. */
export interface Listening {
  readonly address: string;
  readonly port: number;
}

/** undefined: no port is declared, or systemd itself may listen there for it (socket activation). */
export function listeningOf(
  declared: Declared,
  host: HostDeclared,
  instance: Address,
): Listening | undefined {
  for (const { slots } of declared.services) {
    for (const { port, instances } of slots) {
      const found = instances.find((each) => each.address === instance);
      if (found === undefined) continue;
      const { health, process } = found;
      if (port === undefined || process === undefined || process.kind === 'systemd') return undefined;
      const isChecked = health !== undefined && health.kind !== 'command' && health.port === port;
      return { address: isChecked ? health.address : host.networkAddress, port };
    }
  }
  return undefined;
}

/** What was stopped just now may still be closing its port. */
const patienceMs = 3_000;
const pauseMs = 100;
const dialMs = 1_000;

/** Throws a `ProviderFailure` if somebody takes connections there although nothing of ours runs. */
export async function refuseTakenPort(
  session: HostSession,
  { address, port }: Listening,
  unit: string,
  cx: Context,
): Promise<void> {
  const until = cx.clock.now() + patienceMs;
  while (await isTaken(session, { address, port }, cx)) {
    if (cx.clock.now() >= until || cx.signal.aborted) {
      throw hostFailure(session.declared, 'none', {
        code: 'port-taken',
        summary: 'The port is taken by something else',
        detail: `Something takes connections on ${address}:${port} of ${session.declared.name}, although nothing of ${unit} has run there for ${seconds(patienceMs)}. It was not started: another program would have passed its check.`,
        hint: `See who it is, on ${session.declared.name}:\n    ss -ltnp 'sport = :${port}'`,
      });
    }
    await cx.clock.sleep(pauseMs, cx.signal);
  }
}

async function isTaken(session: HostSession, target: Listening, cx: Context): Promise<boolean> {
  try {
    const stream = await session.channel.dial(target, { timeoutMs: dialMs, signal: cx.signal });
    stream.on('error', () => {});
    stream.destroy();
    return true;
  } catch (error) {
    if (error instanceof ProviderFailure && error.diagnostic.code === 'dial-failed') return false;
    throw error;
  }
}

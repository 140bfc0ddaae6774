/**
 * Whether members would answer, asked from the balancer's own host: for proxies that check nothing themselves, or do not
 * say what they found. It is the way that their requests go, by the service's own health check.
 */
import { type PoolDeclared, ProviderFailure } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { messageOf } from '../failure.ts';
import { askHttp } from './exchange.ts';

export interface CheckResult {
  readonly passed: boolean;
  /** `answered 503`, `connection refused`. */
  readonly words: string;
}

/** Beside each other at most; an SSH connection carries at most ten by default, and others want some of them. */
const atOnce = 6;

/** By `pool/member`. A member that does not answer is a result, never a failure. */
export async function checkMembers(
  channel: HostChannel,
  pools: readonly PoolDeclared[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, CheckResult>> {
  const waiting = pools.flatMap((pool) => pool.members.map((member) => ({ pool, member })));
  const results = new Map<string, CheckResult>();
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { pool, member } = next;
      results.set(`${pool.name}/${member.name}`, await checkMember(channel, pool, member, signal));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

async function checkMember(
  channel: HostChannel,
  { health }: PoolDeclared,
  member: PoolDeclared['members'][number],
  signal: AbortSignal,
): Promise<CheckResult> {
  const timeoutMs = Math.min(health?.timeoutMs ?? 2000, 5000);
  // From the host itself a check may go to another address; from here it goes to the member's. A port of its own stays.
  const port = health?.kind === 'http' || health?.kind === 'tcp' ? health.port : member.port;
  const target = { address: member.address, port };
  try {
    if (health?.kind !== 'http') {
      (await channel.dial(target, { timeoutMs, signal })).destroy();
      return { passed: true, words: 'accepts connections' };
    }
    const request = `GET ${health.path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: deployctl\r\nConnection: close\r\n\r\n`;
    const [answer] = await askHttp(channel, target, [request], timeoutMs, signal);
    return answer === undefined
      ? { passed: false, words: 'no answer that is HTTP' }
      : { passed: answer.status === health.status, words: `answered ${answer.status}` };
  } catch (error) {
    const words = error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error);
    return { passed: false, words };
  }
}

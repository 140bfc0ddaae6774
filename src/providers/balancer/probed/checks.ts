/**
 * Whether members would answer, asked from the balancer's own host: for proxies that check nothing themselves, or do not
 * say what they found. It is the way that their requests go, by the service's own health check.
 */
import type { PoolDeclared } from '../../../model/index.ts';
import { parseAnswers } from './exchange.ts';
import type { Talk, Talked } from './talk.ts';

export interface CheckResult {
  readonly passed: boolean;
  /** `answered 503`, `lb-1 could not connect to 127.0.0.1:8081: connection refused.` */
  readonly words: string;
}

/** One for each member, pool by pool. */
export const checkTalks = (pools: readonly PoolDeclared[]): readonly Talk[] =>
  pools.flatMap(({ health, members }) =>
    members.map((member): Talk => {
      const timeoutMs = Math.min(health?.timeoutMs ?? 2000, 5000);
      // From the host itself a check may go to another address; from here it goes to the member's. A port of its own stays.
      const port = health?.kind === 'http' || health?.kind === 'tcp' ? health.port : member.port;
      const text =
        health?.kind === 'http'
          ? `GET ${health.path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: deployctl\r\nConnection: close\r\n\r\n`
          : '';
      return { address: member.address, port, timeoutMs, text };
    }),
  );

/** By `pool/member`, from the answers to `checkTalks`. A member that does not answer is a result, never a failure. */
export function readChecks(
  pools: readonly PoolDeclared[],
  talked: readonly Talked[],
): ReadonlyMap<string, CheckResult> {
  const members = pools.flatMap((pool) => pool.members.map(({ name }) => ({ pool, name })));
  return new Map(
    members.map(({ pool, name }, index) => [`${pool.name}/${name}`, judge(pool, talked[index])]),
  );
}

function judge({ health }: PoolDeclared, talked: Talked | undefined): CheckResult {
  if (talked === undefined) return { passed: false, words: 'not checked' };
  if ('reason' in talked) return { passed: false, words: talked.reason };
  if (health?.kind !== 'http') return { passed: true, words: 'accepts connections' };
  const [answer] = parseAnswers(talked.text);
  return answer === undefined
    ? { passed: false, words: 'no answer that is HTTP' }
    : { passed: answer.status === health.status, words: `answered ${answer.status}` };
}

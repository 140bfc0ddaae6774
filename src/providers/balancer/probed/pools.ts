/** The pools of a proxy that tells nothing of them: looked at on its host, as far as its rules know them. */
import type { PoolDeclared } from '../../../model/index.ts';
import type { PoolReading } from '../reading.ts';
import type { CheckResult } from './checks.ts';
import type { ProbeAnswer } from './probe.ts';

/** What a host sees of members, by `pool/member`. */
export interface MemberLooks {
  /** undefined: nobody counted them. */
  readonly sessions: ReadonlyMap<string, number> | undefined;
  readonly checks: ReadonlyMap<string, CheckResult>;
}

/** Of the declared pools and members those that the proxy's rules know. */
export const poolReadings = (
  declared: readonly PoolDeclared[],
  known: ProbeAnswer['pools'],
  { sessions, checks }: MemberLooks,
): ReadonlyMap<string, PoolReading> =>
  new Map(
    declared
      .filter((pool) => known.has(pool.name))
      .map((pool): readonly [string, PoolReading] => {
        const members = pool.members.filter((member) => known.get(pool.name)?.includes(member.name));
        const readings = members.map((member) => {
          const key = `${pool.name}/${member.name}`;
          const { passed, words } = checks.get(key) ?? { passed: false, words: 'not checked' };
          const open = sessions && (sessions.get(key) ?? 0);
          return [
            member.name,
            { admin: 'ready' as const, up: passed, settled: passed, sessions: open, check: words },
          ] as const;
        });
        const open = sessions && readings.reduce((sum, [, member]) => sum + (member.sessions ?? 0), 0);
        return [pool.name, { sessions: open, requests: 0, failed: 0, members: new Map(readings) }];
      }),
  );

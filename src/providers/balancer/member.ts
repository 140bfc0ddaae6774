/** Members of pools over all hosts of a balancer. Pure. */
import type { MemberAdmin, MemberState, Operation, Standing } from '../../model/index.ts';
import type { HostReading, MemberReading } from './reading.ts';

type MemberSet = Extract<Operation, { op: 'member.set' }>;

const restriction: Readonly<Record<MemberAdmin, number>> = { ready: 0, drain: 1, maint: 2 };

/** The serving worker of each host: what takes new requests is decided there. */
const servingReadings = (
  pool: string,
  member: string,
  hosts: readonly HostReading[],
): readonly (MemberReading | undefined)[] =>
  hosts.map(({ workers }) => workers[0].pools.get(pool)?.members.get(member));

/**
 * What the hosts of a balancer come to for one member: where they differ, the one that keeps it furthest out of service
 * counts, so that a host that missed a `ready` is seen. Sessions are those of all generations. undefined: some host
 * does not know it.
 */
export function memberState(
  pool: string,
  member: string,
  hosts: readonly HostReading[],
): MemberState | undefined {
  const readings = servingReadings(pool, member, hosts);
  let admin: MemberAdmin = 'ready';
  let up = true;
  for (const reading of readings) {
    if (reading === undefined) return undefined;
    if (restriction[reading.admin] > restriction[admin]) admin = reading.admin;
    up &&= reading.up;
  }
  return { admin, up, sessions: sessionsOf(pool, member, hosts) };
}

/** Open requests and upgraded connections of a pool, or of one member, in every generation on every host. */
export const sessionsOf = (pool: string, member: string | undefined, hosts: readonly HostReading[]): number =>
  hosts
    .flatMap(({ workers }) => workers)
    .map(({ pools }) => pools.get(pool))
    .map((reading) => (member === undefined ? reading : reading?.members.get(member)))
    .filter((reading) => reading !== undefined)
    .reduce((sum, { sessions }) => {
      // Not counted is never taken for none.
      if (sessions === undefined) throw new Error(`nobody counted the sessions of ${pool} in this look`);
      return sum + sessions;
    }, 0);

/** ` (L7OK 200, and before that L7STS 503)`: what a check says, with what else it was seen to say; '' for nothing. */
export function checkInWords(check: string, seen: Iterable<string>): string {
  const others = [...seen].filter((each) => each !== check && each !== '');
  const words = [check, ...(others.length === 0 ? [] : [`and before that ${others.join(', ')}`])];
  const said = words.filter((each) => each !== '').join(', ');
  return said === '' ? '' : ` (${said})`;
}

/** Who still has sessions: `web-1 2, web-3 1`. */
export function describeSessions(
  pool: string,
  member: string | undefined,
  hosts: readonly HostReading[],
): string {
  const names = new Set(
    hosts.flatMap(({ workers }) =>
      workers.flatMap(({ pools }) => [...(pools.get(pool)?.members.keys() ?? [])]),
    ),
  );
  return [...names]
    .filter((name) => member === undefined || name === member)
    .map((name) => ({ name, sessions: sessionsOf(pool, name, hosts) }))
    .filter(({ sessions }) => sessions > 0)
    .map(({ name, sessions }) => `${name} ${sessions}`)
    .join(', ');
}

/**
 * Where the world stands on a move of a member. On the way from maint to ready it is in drain for a while, so that its
 * checks run before it counts: an interrupted move stands there, and is completed. Ready but not up is not there yet.
 */
export function memberStanding(operation: MemberSet, hosts: readonly HostReading[]): Standing | undefined {
  const { pool, member, from, to } = operation;
  const readings = servingReadings(pool, member, hosts);
  const onTheWay: readonly MemberAdmin[] = from === 'maint' && to === 'ready' ? ['drain'] : [];
  let isAfter = true;
  for (const [index, reading] of readings.entries()) {
    if (reading === undefined) return undefined;
    if (reading.admin !== to && reading.admin !== from && !onTheWay.includes(reading.admin)) {
      return { at: 'elsewhere', seen: `is in ${reading.admin} on ${hosts[index]?.host ?? 'a host'} now` };
    }
    isAfter &&= reading.admin === to && (to !== 'ready' || reading.up);
  }
  return { at: isAfter ? 'after' : 'before' };
}

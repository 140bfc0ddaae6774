/** Takes a member out of service or brings it back, so that no request meets a dead one. */
import { type Context, type MemberAdmin, memberAddress, type Operation } from '../../model/index.ts';
import { mishap, refusal, stopIfAborted, whileChanging } from './failure.ts';
import { checkInWords, memberStanding } from './member.ts';
import { type BalancerParts, readAll } from './parts.ts';
import type { MemberReading } from './reading.ts';

type MemberSet = Extract<Operation, { op: 'member.set' }>;

/** How long a member's own checks may take on the way back; some 15 rounds of a check every 2 s. */
const settleMs = 30_000;
const pollMs = 100;

/**
 * Back to ready goes by drain, because a balancer calls a member that leaves maint up at once, before its first check:
 * on a dead one requests would fail (measured: 142 to 230 of 4,000). In drain it is checked and gets nothing new.
 */
export async function moveMember(parts: BalancerParts, operation: MemberSet, cx: Context): Promise<void> {
  const { pool, member, to } = operation;
  const { driver, declared, traits } = parts;
  if (!traits.drainsMembers) throw fixedMembers(operation);
  const locked = async (hosts: readonly string[]): Promise<void> => {
    const [first, ...rest] = hosts;
    if (first !== undefined) return driver.locked(first, cx, () => locked(rest));
    const readings = await readAll(parts, cx.signal);
    const standing = memberStanding(operation, readings);
    if (standing === undefined) throw missingMember(operation);
    if (standing.at === 'after') return;
    if (standing.at === 'elsewhere') throw memberChanged(operation, standing.seen);
    await whileChanging(async () => {
      for (const reading of readings) {
        const { host } = reading;
        const write = (admin: MemberAdmin) =>
          driver.writeMember(host, { pool, member, to: admin, reading }, cx);
        const seen = reading.workers[0].pools.get(pool)?.members.get(member);
        if (to === 'ready' && seen?.admin !== 'ready') {
          if (seen?.admin === 'maint') await write('drain');
          await waitFor(parts, operation, host, { isDone: isSteady, looks: looksInARow }, cx);
        }
        await write(to);
        const isDone = (now: MemberReading) => now.admin === to && (to !== 'ready' || now.up);
        await waitFor(parts, operation, host, { isDone, looks: 1 }, cx);
        await driver.persistMembers(host, cx);
      }
    });
  };
  await locked(declared.hosts);
}

/** In drain it costs nobody a request to look twice, and what comes and goes is up at some look. */
const looksInARow = 2;

const isSteady = ({ admin, settled }: MemberReading): boolean => admin === 'drain' && settled;

interface Wait {
  readonly isDone: (member: MemberReading) => boolean;
  /** So often in a row. */
  readonly looks: number;
}

async function waitFor(
  { driver }: BalancerParts,
  operation: MemberSet,
  host: string,
  { isDone, looks }: Wait,
  cx: Context,
): Promise<void> {
  const { pool, member } = operation;
  const deadline = cx.clock.now() + settleMs;
  let done = 0;
  const checks = new Set<string>();
  for (;;) {
    const reading = await driver.read(host, cx.signal);
    const now = reading.workers[0].pools.get(pool)?.members.get(member);
    done = now !== undefined && isDone(now) ? done + 1 : 0;
    if (now !== undefined) checks.add(now.check);
    if (done >= looks) return;
    stopIfAborted(cx.signal, `waiting for ${member} in ${pool}`);
    if (done === 0 && cx.clock.now() >= deadline) {
      throw mishap({
        code: 'member-not-settled',
        summary: 'The member did not get there in time',
        detail: `${memberAddress(operation.balancer, pool, member)} on ${host} ${describeNow(now, checks)} after ${settleMs / 1000} s; it should be ${operation.to}.${now?.admin === 'drain' ? ' In drain it gets no new requests.' : ''}`,
        hint: "Compare the balancer's own health check with what the service answers.",
        address: memberAddress(operation.balancer, pool, member),
      });
    }
    await cx.clock.sleep(pollMs, cx.signal);
  }
}

function describeNow(now: MemberReading | undefined, checks: ReadonlySet<string>): string {
  if (now === undefined) return 'is gone from the configuration';
  const check = checkInWords(now.check, checks);
  return `is in ${now.admin} and ${now.settled ? 'up' : now.up ? `has not passed its last check${check}` : `not up${check}`}`;
}

export const missingMember = ({ balancer, pool, member }: MemberSet) =>
  refusal({
    code: 'balancer-member-missing',
    summary: 'The pool has no such member',
    detail: `The running configuration of ${balancer} has no member ${JSON.stringify(member)} in the pool ${JSON.stringify(pool)}.`,
    hint: `A member is called by its host's name. See what the configuration must contain:  deployctl snippet ENV ${balancer}`,
    address: memberAddress(balancer, pool, member),
  });

const fixedMembers = ({ balancer, pool, member }: MemberSet) =>
  refusal({
    code: 'balancer-members-fixed',
    summary: 'The load balancer cannot take a single member out',
    detail: `${balancer} knows its members by its configuration only, which deployctl does not change. ${memberAddress(balancer, pool, member)} was not touched.`,
    hint: 'Give the service two slots and strategy "blue_green", or use a balancer that can: haproxy.',
    address: memberAddress(balancer, pool, member),
  });

const memberChanged = ({ balancer, pool, member, from }: MemberSet, seen: string) =>
  refusal({
    code: 'member-changed',
    summary: 'The member was changed by someone else',
    detail: `${memberAddress(balancer, pool, member)} was ${from} when the plan was made, and ${seen}. It was not touched.`,
    hint: 'See what is different, then plan again.',
    address: memberAddress(balancer, pool, member),
  });

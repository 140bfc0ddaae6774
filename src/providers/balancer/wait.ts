/** Waiting for a pool: until its old connections are finished, or until its members are called up. */
import { type Context, memberAddress, type Operation } from '../../model/index.ts';
import { refusal, stopIfAborted } from './failure.ts';
import { checkInWords, describeSessions, sessionsOf } from './member.ts';
import { type BalancerParts, readAll } from './parts.ts';
import type { HostReading, MemberReading } from './reading.ts';
import { routesInto } from './route.ts';

type PoolDrain = Extract<Operation, { op: 'pool.drain' }>;
type PoolSettle = Extract<Operation, { op: 'pool.settle' }>;

const pollMs = 150;

/**
 * Waits until no generation of the proxy has a session left there: twice in a row, because a request that was decided
 * just before a switch may not be counted yet. At the deadline it says what is left and goes on: what is stopped next
 * cuts that. Refuses a whole pool that some worker still sends requests to, unless it may: it would never empty, or fill
 * again.
 */
export async function drainPool(parts: BalancerParts, operation: PoolDrain, cx: Context): Promise<void> {
  const { pool, member, withinMs, mayBeRouted = false } = operation;
  const started = cx.clock.now();
  let most = 0;
  let zeros = 0;
  for (;;) {
    const hosts = await readAll(parts, cx.signal);
    if (member === undefined && !mayBeRouted) refuseInUse(operation, routesInto(pool, hosts));
    const left = sessionsOf(pool, member, hosts);
    most = Math.max(most, left);
    zeros = left === 0 ? zeros + 1 : 0;
    const isLate = cx.clock.now() - started >= withinMs;
    const names = describeSessions(pool, member, hosts);
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done: most - left,
      total: most,
      unit: 'sessions',
      text:
        left === 0
          ? 'no session is left'
          : isLate
            ? `${left} left after ${withinMs / 1000} s (${names}): they will be cut`
            : `${left} left (${names})`,
    });
    if (zeros >= 2 || isLate) return;
    stopIfAborted(cx.signal, `waiting for the sessions of ${pool} to end`);
    await cx.clock.sleep(pollMs, cx.signal);
  }
}

function refuseInUse(
  { balancer, pool }: PoolDrain,
  uses: readonly { readonly route: string; readonly who: string }[],
): void {
  if (uses.length === 0) return;
  throw refusal({
    code: 'pool-still-routed',
    summary: 'The pool still gets requests',
    detail: `${balancer} still sends requests to ${JSON.stringify(pool)}: ${uses.map(({ route, who }) => `route ${JSON.stringify(route)} in ${who}`).join(', ')}. It cannot be drained.`,
    hint: 'Plan again: the route will be shown as it is.',
    address: balancer,
  });
}

/**
 * Waits until the balancer's own checks call each of these members up, on every host, and as often in a row as the
 * service's own check must pass: what flaps is up at some look. At the deadline it fails, and says who is not.
 */
export async function settlePool(parts: BalancerParts, operation: PoolSettle, cx: Context): Promise<void> {
  const { balancer, pool, members, withinMs } = operation;
  const started = cx.clock.now();
  const wanted = Math.max(2, parts.declared.pools.find(({ name }) => name === pool)?.health?.passes ?? 0);
  let inARow = 0;
  const looks = new LooksAt();
  for (;;) {
    const waiting = waitingFor(pool, members, await readAll(parts, cx.signal));
    looks.note(waiting);
    inARow = waiting.length === 0 ? inARow + 1 : 0;
    const late = new Set(waiting.map(({ member }) => member)).size;
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done: members.length - late,
      total: members.length,
      unit: 'passes',
      text: `${members.length - late} of ${members.length} up`,
    });
    if (inARow >= wanted) return;
    stopIfAborted(cx.signal, `waiting for ${pool} to come up`);
    const [first] = waiting;
    if (first !== undefined && cx.clock.now() - started >= withinMs) {
      throw refusal({
        code: 'pool-not-up',
        summary: 'The balancer does not see the members up',
        detail: `${late} of ${members.length} members of ${JSON.stringify(pool)} are not up for ${balancer} after ${withinMs / 1000} s: ${waiting.map((each) => looks.inWords(each)).join('; ')}. No traffic was moved.`,
        hint: "The service answers its own health check: compare the balancer's check, and whether it reaches the address and port.",
        address: memberAddress(balancer, pool, first.member),
      });
    }
    await cx.clock.sleep(pollMs, cx.signal);
  }
}

interface Waiting {
  readonly member: string;
  readonly host: string;
  /** undefined: it is not in the pool. */
  readonly seen: MemberReading | undefined;
}

const waitingFor = (
  pool: string,
  members: readonly string[],
  hosts: readonly HostReading[],
): readonly Waiting[] =>
  members.flatMap((member) =>
    hosts.flatMap(({ host, workers }) => {
      const seen = workers[0].pools.get(pool)?.members.get(member);
      return seen?.settled === true ? [] : [{ member, host, seen }];
    }),
  );

/** How often each was not up, and what its check said, so that one that comes and goes is told from one that never came. */
class LooksAt {
  #taken = 0;
  readonly #missed = new Map<string, { times: number; readonly checks: Set<string> }>();

  note(waiting: readonly Waiting[]): void {
    this.#taken += 1;
    for (const each of waiting) {
      const missed = this.#missed.get(keyOf(each)) ?? { times: 0, checks: new Set() };
      missed.times += 1;
      missed.checks.add(each.seen?.check ?? '');
      this.#missed.set(keyOf(each), missed);
    }
  }

  /** `web-1 is ready and not up (L4CON Connection refused) on lb-1`. */
  inWords(each: Waiting): string {
    const { member, host, seen } = each;
    if (seen === undefined) return `${member} is not in the pool on ${host}`;
    const { times = 0, checks = [] } = this.#missed.get(keyOf(each)) ?? {};
    const health = `${seen.up ? 'has not passed its last check' : 'not up'}${checkInWords(seen.check, checks)}`;
    const up = this.#taken - times;
    const between = up === 0 ? '' : `, and was up in ${up} of ${this.#taken} looks`;
    return `${member} is ${seen.admin} and ${health} on ${host}${between}`;
  }
}

const keyOf = ({ member, host }: Waiting): string => `${member} on ${host}`;

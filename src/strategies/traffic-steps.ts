/** What happens on the balancer: drain, return, settle, switch. */
import {
  type BalancerDeclared,
  type Floor,
  type InstanceDeclared,
  type MemberAdmin,
  memberAddress,
  type Operation,
  type RouteValue,
  type SlotDeclared,
  type Step,
} from '../model/index.ts';
import type { RouteMoves } from './route-moves.ts';
import { awayOf, floorOf, isInService, memberOf, memberState, poolOf, type Situation } from './situation.ts';
import { nothingToUndo, type Sequence } from './step.ts';

/** How long the balancer's own checks may take to agree with ours, beyond the check's own deadline. */
const settleMs = 30_000;

/** Waits until nothing is left on the pool, or on one member of it; after its time the rest is cut, and said. */
export function drain(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared | undefined,
  needs: readonly Step[],
): readonly Step[] {
  const { service, balancer, estimate } = sequence.situation;
  const pool = poolOf(sequence.situation, slot);
  if (balancer === undefined || pool === undefined) return needs;
  const withinMs = service.strategy.drainTimeoutMs;
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/${instance?.host ?? 'pool'}/drain`,
      needs,
      address: instance === undefined ? slot.address : memberAddress(balancer.address, pool, instance.host),
      verb: 'drain',
      title: `${pool} on ${balancer.name}, at most ${withinMs / 1000} s`,
      where: instance === undefined ? '' : instance.host,
      operation: {
        op: 'pool.drain',
        balancer: balancer.address,
        pool,
        ...(instance === undefined ? {} : { member: instance.host }),
        withinMs,
      },
      inverse: nothingToUndo,
      gate: 'no session is left, in any worker',
      estimateSeconds: estimate('drain'),
    }),
  ];
}

/**
 * The floor that is held when this host is taken out of service; undefined: none is declared, or it was found out of
 * service, where a way back may leave it. Those that are out may take as long to come back as this one would.
 */
export function floorHeld(
  situation: Situation,
  slot: SlotDeclared,
  instance: InstanceDeclared,
): Floor | undefined {
  const { service, floorPercent } = situation;
  if (floorPercent === undefined || !isInService(situation, slot, instance)) return undefined;
  const { process, health } = instance;
  const startsWithinMs = process?.kind === 'script' ? process.startTimeoutMs : 0;
  return {
    service: service.address,
    slot: slot.name,
    least: floorOf(situation, slot),
    withinMs:
      service.strategy.drainTimeoutMs +
      (process?.stopTimeoutMs ?? 0) +
      startsWithinMs +
      (health?.deadlineMs ?? 0),
  };
}

export interface MemberMove {
  readonly from: MemberAdmin;
  readonly to: MemberAdmin;
  /** How many leave together, for the title: `, one host at a time`. */
  readonly pace?: string;
  /** Distinguishes lines of the plan: the zone, for one. */
  readonly line?: string;
  /** Asked by whichever of the move and its inverse takes the member out. */
  readonly floor?: Floor | undefined;
}

/** Tells the balancer whether a member takes requests. No step where it already is so. */
export function setMember(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  { from, to, pace = '', line = '', floor }: MemberMove,
  needs: readonly Step[],
): readonly Step[] {
  const { service, balancer, estimate } = sequence.situation;
  const pool = poolOf(sequence.situation, slot);
  if (balancer === undefined || pool === undefined || from === to) return needs;
  const verb = to === 'ready' ? 'return' : 'remove';
  const where = { op: 'member.set', balancer: balancer.address, pool, member: instance.host } as const;
  const leaving = floor === undefined ? {} : { floor };
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/${instance.host}/${verb}`,
      needs,
      address: memberAddress(balancer.address, pool, instance.host),
      verb,
      title: `${to === 'ready' ? 'to' : 'from'} ${pool} on ${balancer.name}${line === '' ? '' : `, ${line}`}${pace}`,
      where: instance.host,
      operation: { ...where, from, to, ...(to === 'ready' ? {} : leaving) },
      inverse: {
        kind: 'operation',
        operation: { ...where, from: to, to: from, ...(to === 'ready' ? leaving : {}) },
        ...(to === 'ready' ? { settle: [emptied(sequence.situation, balancer, pool, instance)] } : {}),
        summary: to === 'ready' ? 'take it out again' : 'return it',
      },
      ...(to === 'ready'
        ? { gate: `${balancer.name}'s own check calls it up` }
        : floor === undefined
          ? {}
          : { gate: `${floor.least} other ${floor.least === 1 ? 'host is' : 'hosts are'} in service` }),
      estimateSeconds: estimate(verb),
    }),
  ];
}

/** Members that somebody took out of the pool come back before the pool gets traffic. */
export const returnMembers = (
  sequence: Sequence,
  slot: SlotDeclared,
  instances: readonly InstanceDeclared[],
  needs: readonly Step[],
): readonly Step[] =>
  instances.flatMap((instance) => {
    const admin = memberState(memberOf(sequence.situation, slot, instance))?.admin ?? 'ready';
    return admin === 'ready' ? [] : setMember(sequence, slot, instance, { from: admin, to: 'ready' }, needs);
  });

/**
 * Takes those out that the plan goes on without: what they run is not known, and that deployctl cannot reach them does
 * not mean that the balancer cannot. They come back in the plan that renews them.
 */
export const takeOutAway = (
  sequence: Sequence,
  slot: SlotDeclared,
  needs: readonly Step[],
): readonly Step[] =>
  awayOf(sequence.situation, slot).flatMap((instance) => {
    const admin = memberState(memberOf(sequence.situation, slot, instance))?.admin;
    return admin === undefined
      ? []
      : setMember(
          sequence,
          slot,
          instance,
          { from: admin, to: 'maint', pace: `: ${instance.host} is away` },
          needs,
        );
  });

/** On the way back, before what has answered is stopped: as long as on the way there. */
const emptied = (
  { service }: Situation,
  balancer: BalancerDeclared,
  pool: string,
  instance?: InstanceDeclared,
): Operation & { readonly op: 'pool.drain' } => ({
  op: 'pool.drain',
  balancer: balancer.address,
  pool,
  ...(instance === undefined ? {} : { member: instance.host }),
  withinMs: service.strategy.drainTimeoutMs,
  mayBeRouted: true,
});

/**
 * Waits until the balancer itself calls every member of the slot up: a switch before that answers 503. `isEmptiedBack`: the
 * slot was renewed and gets its requests only now. When a way back has taken these away again, those that are being
 * answered are waited for before their processes are stopped.
 */
export function settle(
  sequence: Sequence,
  slot: SlotDeclared,
  needs: readonly Step[],
  { isEmptiedBack = false }: { readonly isEmptiedBack?: boolean } = {},
): readonly Step[] {
  const { service, balancer, estimate } = sequence.situation;
  const pool = poolOf(sequence.situation, slot);
  if (balancer === undefined || pool === undefined) return needs;
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/settle`,
      needs,
      address: slot.address,
      verb: 'settle',
      title: `${balancer.name} sees ${slot.instances.length} of ${slot.instances.length} of ${pool} up`,
      where: '',
      operation: {
        op: 'pool.settle',
        balancer: balancer.address,
        pool,
        members: slot.instances.map((instance) => instance.host),
        withinMs: settleMs,
      },
      inverse: isEmptiedBack
        ? { kind: 'operation', operation: emptied(sequence.situation, balancer, pool), summary: 'drain it' }
        : nothingToUndo,
      gate: `${balancer.name}'s own checks pass`,
      estimateSeconds: estimate('settle'),
    }),
  ];
}

/** The whole route to one pool. */
export const allTo = (pool: string): RouteValue => ({ stable: pool, canary: pool, canaryBasisPoints: 0 });

/** Moves all requests of the route to the slot, in one write. Without a balancer the needs are given back. */
export function switchTo(
  sequence: Sequence,
  slot: SlotDeclared,
  route: RouteMoves,
  needs: readonly Step[],
): readonly Step[] {
  const { balancer } = sequence.situation;
  const pool = poolOf(sequence.situation, slot);
  if (balancer === undefined || pool === undefined) return needs;
  const before = route.value;
  const what =
    before === null ? pool : before.stable === pool ? `${pool} again` : `${before.stable} -> ${pool}`;
  return route.move({
    id: `${slot.name}/switch`,
    verb: 'switch',
    title: `${balancer.name}: ${what}`,
    to: allTo(pool),
    gate: `fresh requests are answered by ${pool}`,
    needs,
    target: slot,
  });
}

/**
 * One slot, renewed where it stands, host after host: taken out of the pool, emptied, renewed, verified and returned.
 * Strategies differ in who has a turn when, and in what must hold before the next one.
 *
 *   upload (all) ─▶ [ remove ─▶ drain ─▶ stop ─▶ install ─▶ start ─▶ verify ─▶ return ─▶ AFTERWARDS ] ─▶ next turn ─▶ prune
 */
import type { Change, Diagnostic, InstanceDeclared, Outcome, SlotDeclared, Step } from '../model/index.ts';
import { instanceChange, memberChanges, recordChange, resolutionChange, routeChange } from './changes.ts';
import { Hooks } from './hooks.ts';
import { putRelease, renewInstance, verifyInstance } from './instance-steps.ts';
import { NameMoves } from './name-steps.ts';
import { pruneReleases } from './prune.ts';
import { RouteMoves } from './route-moves.ts';
import {
  activeSlot,
  floorOf,
  isInService,
  isRouted,
  memberOf,
  memberState,
  type Situation,
  standingOf,
  wantedRelease,
} from './situation.ts';
import { Sequence } from './step.ts';
import type { Rollout } from './strategy.ts';
import {
  drain,
  floorHeld,
  returnMembers,
  setMember,
  settle,
  switchTo,
  takeOutAway,
} from './traffic-steps.ts';

export interface Turn {
  /** Hosts that are out at the same time. Empty: only what follows. */
  readonly instances: readonly InstanceDeclared[];
  /** `zone a`: turns with the same text share their lines of the plan. */
  readonly line: string;
  /** How many leave together, for the title: `, 3 hosts at a time`. */
  readonly pace: string;
  /** Which stage of the rollout it is a part of: see `Step.stage`. */
  readonly stage?: number;
  /** What must hold before the next turn; gives back its last steps. */
  readonly afterwards?: (sequence: Sequence, needs: readonly Step[]) => readonly Step[];
}

/** Whether the slot gets requests now, so that taking a host out costs capacity. */
export const serves = (situation: Situation, slot: SlotDeclared): boolean =>
  !isRouted(situation) || activeSlot(situation)?.name === slot.name;

export const instancesToRenew = (situation: Situation, slot: SlotDeclared): readonly InstanceDeclared[] =>
  slot.instances.filter((instance) => standingOf(situation, instance) !== 'as_wanted');

/** Makes every instance of the slot what is wanted, in the given turns, and gives the slot its traffic. */
export function renewInTurns(situation: Situation, slot: SlotDeclared, turns: readonly Turn[]): Rollout {
  const toRenew = instancesToRenew(situation, slot);
  const kept = slot.instances.filter((instance) => !toRenew.includes(instance));
  const isServing = serves(situation, slot);

  const sequence = new Sequence(situation);
  const hooks = new Hooks(sequence);
  let last: readonly Step[] = toRenew.flatMap((instance) => putRelease(sequence, instance, []) ?? []);
  // In a slot that serves two releases at once, whoever is away would go on with the one before.
  if (toRenew.length > 0 && isServing) last = [...last, ...takeOutAway(sequence, slot, [])];
  for (const turn of turns) {
    const before = last;
    sequence.beginPart(turn.line);
    sequence.beginStage(turn.stage);
    const renewed = turn.instances.flatMap((instance) =>
      isServing
        ? renewInService(sequence, slot, instance, hooks, before, turn)
        : [renewInstance(sequence, slot, instance, hooks, before)],
    );
    const done = renewed.length === 0 ? before : renewed;
    last = turn.afterwards?.(sequence, done) ?? done;
  }
  sequence.beginPart('');
  sequence.beginStage(undefined);
  // What is as wanted and had no requests was verified by nobody, and may well have been taken out because it is ill.
  const unproved = kept.filter((each) => !isServing || isOut(situation, slot, each));
  last = [...last, ...unproved.map((each) => verifyInstance(sequence, slot, each, last))];
  last = [...last, ...returnMembers(sequence, slot, isServing ? kept : slot.instances, last)];

  const routed = routeChange(situation, slot);
  if (routed !== undefined) {
    last = switchTo(sequence, slot, new RouteMoves(sequence), settle(sequence, slot, last));
  }
  const named = new NameMoves(sequence, slot);
  last = named.restore(named.move(last));

  const release = wantedRelease(situation.service);
  const pruned = pruneReleases(sequence, new Map(toRenew.map((instance) => [instance, release])), last);
  const changes: readonly (Change | undefined)[] = [
    ...toRenew.map((instance) => instanceChange(situation, instance)),
    ...memberChanges(situation, slot, kept),
    routed,
    recordChange(situation, slot),
    resolutionChange(situation, slot),
    ...pruned,
  ];
  return { changes: changes.filter((change) => change !== undefined), steps: sequence.steps, held: [] };
}

const isOut = (situation: Situation, slot: SlotDeclared, instance: InstanceDeclared): boolean =>
  (memberState(memberOf(situation, slot, instance))?.admin ?? 'ready') !== 'ready';

/** Out of the pool, renewed, and back. */
function renewInService(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  hooks: Hooks,
  needs: readonly Step[],
  { pace, line }: Turn,
): readonly Step[] {
  const release = wantedRelease(sequence.situation.service);
  const admin = memberState(memberOf(sequence.situation, slot, instance))?.admin;
  const floor = floorHeld(sequence.situation, slot, instance);
  const removed =
    admin === undefined
      ? needs
      : drain(
          sequence,
          slot,
          instance,
          setMember(sequence, slot, instance, { from: admin, to: 'drain', pace, line, floor }, needs),
        );
  // Without a balancer it leaves by stopping.
  const stopsAt = admin === undefined ? floor : undefined;
  const verified = renewInstance(sequence, slot, instance, hooks, removed, stopsAt);
  const ready = hooks.at('before_traffic', slot, instance, release, [verified]);
  const returned =
    admin === undefined
      ? ready
      : setMember(sequence, slot, instance, { from: 'drain', to: 'ready', line, floor }, ready);
  return hooks.at('after_traffic', slot, instance, release, returned);
}

export interface Batching {
  /** How many may be out at the same time by the strategy; undefined: as many as the floor allows. */
  readonly most: number | undefined;
  /** How many may fail and stay out, so that the floor must hold without them. */
  readonly spare: number;
}

/**
 * Hosts that serve nothing now come first and together: renewing them costs nothing. Then as many at once as the floor
 * leaves, counting what those first ones bring back, and as the strategy wants. Groups (zones) are not mixed.
 */
export function batchesOf(
  situation: Situation,
  slot: SlotDeclared,
  groups: readonly (readonly InstanceDeclared[])[],
  { most, spare }: Batching,
): Outcome<readonly (readonly InstanceDeclared[])[]> {
  const toRenew = groups.flat();
  const idle = toRenew.filter((instance) => !isInService(situation, slot, instance));
  const room = roomIn(situation, slot, idle.length, spare);
  if (toRenew.length > idle.length && room < 1) {
    return { ok: false, diagnostics: [noRoom(situation, slot, idle.length, spare)] };
  }
  const size = Math.max(1, Math.min(room, most ?? room));
  const batches = idle.length > 0 ? [idle] : [];
  for (const group of groups) {
    const serving = group.filter((instance) => !idle.includes(instance));
    for (let start = 0; start < serving.length; start += size)
      batches.push(serving.slice(start, start + size));
  }
  return { ok: true, value: batches, diagnostics: [] };
}

/** How many hosts may be out at once when those that are idle now work again; no floor leaves all of them. */
export function roomIn(situation: Situation, slot: SlotDeclared, idle: number, spare: number): number {
  if (situation.floorPercent === undefined) return slot.instances.length;
  return workingIn(situation, slot, idle) - floorOf(situation, slot) - spare;
}

const workingIn = (situation: Situation, slot: SlotDeclared, idle: number): number =>
  idle + slot.instances.filter((each) => isInService(situation, slot, each)).length;

function noRoom(situation: Situation, slot: SlotDeclared, idle: number, spare: number): Diagnostic {
  const { service, floorPercent } = situation;
  const total = slot.instances.length;
  const working = workingIn(situation, slot, idle);
  return {
    code: 'floor-leaves-no-room',
    severity: 'error',
    summary: 'The floor of capacity leaves no host to work on',
    detail:
      `min_in_service is ${floorPercent}%, so ${floorOf(situation, slot)} of the ${total} ` +
      `${total === 1 ? 'host' : 'hosts'} of ${service.address} must be in service at every moment, ` +
      `and an upgrade in place takes at least one out${working < total ? `; only ${working} work now` : ''}` +
      `${spare === 0 ? '' : `; beside it max_failures lets ${spare} fail and stay out`}.`,
    hint: `Lower min_in_service${spare === 0 ? '' : ' or max_failures'}, add a host, or give the service two slots and strategy "blue_green", which never takes one out.`,
    subject: service.strategy.origin,
    address: service.address,
  };
}

/** `, 3 hosts at a time`, where there is more than one turn. */
export function paceOf(batches: readonly (readonly InstanceDeclared[])[]): string {
  const largest = Math.max(0, ...batches.map((batch) => batch.length));
  return batches.length > 1 ? `, ${largest} ${largest === 1 ? 'host' : 'hosts'} at a time` : '';
}

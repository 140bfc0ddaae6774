/**
 * One slot, upgraded where it stands: a host is taken out, emptied, renewed, verified and returned; as many at a time
 * as the floor leaves room for, one at a time where no floor is declared.
 *
 *   upload (all) ─▶ [ remove ─▶ drain ─▶ stop ─▶ install ─▶ start ─▶ verify ─▶ return ] ─▶ next batch ─▶ prune
 */
import type { Change, Diagnostic, InstanceDeclared, Outcome, SlotDeclared, Step } from '../model/index.ts';
import { instanceChange, memberChanges, routeChange } from './changes.ts';
import { Hooks } from './hooks.ts';
import { putRelease, renewInstance } from './instance-steps.ts';
import { pruneReleases } from './prune.ts';
import {
  activeSlot,
  floorOf,
  isInService,
  memberOf,
  memberState,
  type Situation,
  standingOf,
  wantedRelease,
} from './situation.ts';
import { Sequence } from './step.ts';
import { nothing, type Rollout } from './strategy.ts';
import { drain, returnMembers, setMember, settle, switchTo, takeOutAway } from './traffic-steps.ts';

export function planInPlace(situation: Situation): Rollout {
  const [slot] = situation.service.slots;
  return slot === undefined ? nothing : renewInPlace(situation, slot);
}

/**
 * Makes every instance of the slot what is wanted, in place, and gives the slot its traffic. Also how blue-green mends
 * single instances of the slot that serves.
 */
export function renewInPlace(situation: Situation, slot: SlotDeclared): Rollout {
  const toRenew = slot.instances.filter((instance) => standingOf(situation, instance) !== 'as_wanted');
  const kept = slot.instances.filter((instance) => !toRenew.includes(instance));
  const serves = situation.traffic === undefined || activeSlot(situation)?.name === slot.name;
  const batches = serves ? batchesOf(situation, slot, toRenew) : { ok: true as const, value: [toRenew] };
  if (!batches.ok) return { ...nothing, held: batches.diagnostics };

  const sequence = new Sequence(situation);
  const hooks = new Hooks(sequence);
  let last: readonly Step[] = toRenew.flatMap((instance) => putRelease(sequence, instance, []) ?? []);
  // In a slot that serves two releases at once, whoever is away would go on with the one before.
  if (toRenew.length > 0 && serves) last = [...last, ...takeOutAway(sequence, slot, [])];
  const largest = Math.max(0, ...batches.value.map((batch) => batch.length));
  const pace = batches.value.length > 1 ? `, ${largest} ${largest === 1 ? 'host' : 'hosts'} at a time` : '';
  for (const batch of batches.value) {
    const before = last;
    last = batch.flatMap((instance) =>
      serves
        ? renewInService(sequence, slot, instance, hooks, before, pace)
        : [renewInstance(sequence, slot, instance, hooks, before)],
    );
  }
  last = [...last, ...returnMembers(sequence, slot, serves ? kept : slot.instances, last)];

  const routed = routeChange(situation, slot);
  if (routed !== undefined) last = [switchTo(sequence, slot, settle(sequence, slot, last)) ?? last].flat();

  const release = wantedRelease(situation.service);
  const pruned = pruneReleases(sequence, new Map(toRenew.map((instance) => [instance, release])), last);
  const changes: readonly (Change | undefined)[] = [
    ...toRenew.map((instance) => instanceChange(situation, instance)),
    ...memberChanges(situation, slot, kept),
    routed,
    ...pruned,
  ];
  return { changes: changes.filter((change) => change !== undefined), steps: sequence.steps, held: [] };
}

/** Out of the pool, renewed, and back. */
function renewInService(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  hooks: Hooks,
  needs: readonly Step[],
  pace: string,
): readonly Step[] {
  const release = wantedRelease(sequence.situation.service);
  const admin = memberState(memberOf(sequence.situation, slot, instance))?.admin;
  const removed =
    admin === undefined
      ? needs
      : drain(sequence, slot, instance, setMember(sequence, slot, instance, admin, 'drain', needs, pace));
  const verified = renewInstance(sequence, slot, instance, hooks, removed);
  const ready = hooks.at('before_traffic', slot, instance, release, [verified]);
  const returned = admin === undefined ? ready : setMember(sequence, slot, instance, 'drain', 'ready', ready);
  return hooks.at('after_traffic', slot, instance, release, returned);
}

/**
 * Hosts that serve nothing now come first and together: renewing them costs nothing. Then as many at once as the floor
 * leaves, counting what those first ones bring back.
 */
function batchesOf(
  situation: Situation,
  slot: SlotDeclared,
  toRenew: readonly InstanceDeclared[],
): Outcome<readonly (readonly InstanceDeclared[])[]> {
  const idle = toRenew.filter((instance) => !isInService(situation, slot, instance));
  const serving = toRenew.filter((instance) => isInService(situation, slot, instance));
  const floor = floorOf(situation, slot);
  const working = idle.length + slot.instances.filter((each) => isInService(situation, slot, each)).length;
  const room = situation.floorPercent === undefined ? 1 : working - floor;
  if (serving.length > 0 && room < 1) {
    return { ok: false, diagnostics: [noRoom(situation, slot, floor, working)] };
  }
  const batches = idle.length > 0 ? [idle] : [];
  for (let start = 0; start < serving.length; start += room) batches.push(serving.slice(start, start + room));
  return { ok: true, value: batches, diagnostics: [] };
}

function noRoom(situation: Situation, slot: SlotDeclared, floor: number, working: number): Diagnostic {
  const { service, floorPercent } = situation;
  return {
    code: 'floor-leaves-no-room',
    severity: 'error',
    summary: 'The floor of capacity leaves no host to work on',
    detail:
      `min_in_service is ${floorPercent}%, so ${floor} of the ${slot.instances.length} ` +
      `${slot.instances.length === 1 ? 'host' : 'hosts'} of ${service.address} must be in service at every moment, ` +
      `and an upgrade in place takes at least one out${working < slot.instances.length ? `; only ${working} work now` : ''}.`,
    hint: 'Lower min_in_service, add a host, or give the service two slots and strategy "blue_green", which never takes one out.',
    subject: service.strategy.origin,
    address: service.address,
  };
}

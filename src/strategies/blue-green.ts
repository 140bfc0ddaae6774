/**
 * Two slots: the release goes to the one without traffic, is verified there, and then gets all traffic in one write.
 *
 *   drain (idle) ─▶ upload ─▶ stop ─▶ install ─▶ start ─▶ verify ─▶ settle ─▶ switch ─▶ bake ─▶ [drain ─▶ stop] ─▶ prune
 */
import type { Change, InstanceDeclared, SlotDeclared, Step } from '../model/index.ts';
import { instanceChange, memberChanges, routeChange } from './changes.ts';
import { Hooks } from './hooks.ts';
import { renewInPlace } from './in-place.ts';
import { checkOf, putRelease, renewInstance, stopProcess } from './instance-steps.ts';
import { pruneReleases } from './prune.ts';
import {
  activeSlot,
  memberOf,
  memberState,
  type Situation,
  standingOf,
  stateOf,
  wantedRelease,
} from './situation.ts';
import { nothingToUndo, Sequence } from './step.ts';
import { nothing, type Rollout } from './strategy.ts';
import { drain, returnMembers, settle, switchTo, takeOutAway } from './traffic-steps.ts';

export function planBlueGreen(situation: Situation): Rollout {
  const active = activeSlot(situation);
  const idle = situation.service.slots.find((slot) => slot !== active);
  if (active !== undefined && isOnlyToMend(situation, active)) return renewInPlace(situation, active);
  return idle === undefined ? nothing : rollOut(situation, idle, active);
}

/**
 * Whether the slot that serves has what is wanted, but for instances to be mended: those that do not run, and those that
 * run something else and get no requests, as a host that was away while the others went on.
 */
function isOnlyToMend(situation: Situation, active: SlotDeclared): boolean {
  const standings = active.instances.map((each) => ({ each, standing: standingOf(situation, each) }));
  const serves = (each: InstanceDeclared): boolean =>
    memberState(memberOf(situation, active, each))?.admin === 'ready';
  const others = standings.filter(({ each, standing }) => standing === 'different' && !serves(each));
  const rest = standings.filter((each) => !others.includes(each));
  return (
    rest.every(({ standing }) => standing !== 'different') &&
    (others.length === 0 || rest.some(({ standing }) => standing === 'as_wanted'))
  );
}

function rollOut(situation: Situation, target: SlotDeclared, active: SlotDeclared | undefined): Rollout {
  const sequence = new Sequence(situation);
  const hooks = new Hooks(sequence);
  const release = wantedRelease(situation.service);
  const toRenew = target.instances.filter((instance) => standingOf(situation, instance) !== 'as_wanted');

  // What was sent before the last switch may still be answered by the processes that are replaced now.
  const isReplaced = toRenew.some((instance) => stateOf(situation.instance(instance)).running !== null);
  const emptied = active !== undefined && isReplaced ? drain(sequence, target, undefined, []) : [];
  const verified = target.instances.map((instance) => {
    const upload = putRelease(sequence, instance, []) ?? [];
    return renewInstance(sequence, target, instance, hooks, [emptied, upload].flat());
  });
  const ready = atEveryInstance(hooks, 'before_traffic', target, release, verified);
  const settled = settle(sequence, target, [
    ...ready,
    ...takeOutAway(sequence, target, []),
    ...returnMembers(sequence, target, target.instances, ready),
  ]);
  const switched = [switchTo(sequence, target, settled) ?? settled].flat();
  const served = atEveryInstance(hooks, 'after_traffic', target, release, switched);
  const baked = bake(sequence, target, served);
  const retired = active === undefined ? baked : retire(sequence, active, hooks, baked);

  const pruned = pruneReleases(
    sequence,
    new Map(target.instances.map((instance) => [instance, release])),
    retired,
  );
  const changes: readonly (Change | undefined)[] = [
    ...toRenew.map((instance) => instanceChange(situation, instance)),
    ...memberChanges(situation, target, target.instances),
    routeChange(situation, target),
    ...(active === undefined || keepsWarm(situation) ? [] : stopChanges(situation, active)),
    ...pruned,
  ];
  return { changes: changes.filter((change) => change !== undefined), steps: sequence.steps, held: [] };
}

const atEveryInstance = (
  hooks: Hooks,
  point: 'before_traffic' | 'after_traffic',
  slot: SlotDeclared,
  release: string,
  needs: readonly Step[],
): readonly Step[] => [
  ...new Set(slot.instances.flatMap((instance) => hooks.at(point, slot, instance, release, needs))),
];

const keepsWarm = ({ service }: Situation): boolean =>
  service.strategy.kind !== 'blue_green' || service.strategy.keepWarm;

/** Watches the new side under all of the traffic. A revert has no time for it: its side has proved itself before. */
function bake(sequence: Sequence, slot: SlotDeclared, needs: readonly Step[]): readonly Step[] {
  const { situation } = sequence;
  const { service, intent } = situation;
  const durationMs = service.strategy.kind === 'blue_green' ? service.strategy.bakeMs : 0;
  if (durationMs === 0 || intent.kind === 'revert') return needs;
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/bake`,
      needs,
      address: slot.address,
      verb: 'bake',
      title: `${durationMs / 1000} s under all traffic`,
      where: '',
      operation: {
        op: 'bake',
        service: service.address,
        durationMs,
        watch: slot.instances.map((each) => checkOf(situation, slot, each, wantedRelease(service))),
      },
      inverse: nothingToUndo,
      gate: 'the checks keep passing',
      estimateSeconds: durationMs / 1000,
    }),
  ];
}

/** Without keep_warm the side that served is emptied and stopped. */
function retire(
  sequence: Sequence,
  active: SlotDeclared,
  hooks: Hooks,
  needs: readonly Step[],
): readonly Step[] {
  const { situation } = sequence;
  const running = active.instances.flatMap((instance) => {
    const state = stateOf(situation.instance(instance)).running;
    return state === null ? [] : [{ instance, state }];
  });
  if (keepsWarm(situation) || running.length === 0) return needs;
  const emptied = drain(sequence, active, undefined, needs);
  return running.flatMap(({ instance, state }) => {
    const before = hooks.at('before_stop', active, instance, state.release, emptied);
    const stop = stopProcess(sequence, active, instance, state, before);
    return hooks.at('after_stop', active, instance, state.release, [stop]);
  });
}

const stopChanges = (situation: Situation, active: SlotDeclared): readonly Change[] =>
  active.instances.flatMap((instance): readonly Change[] => {
    const { running, linked } = stateOf(situation.instance(instance));
    if (running === null) return [];
    return [
      {
        action: 'update',
        address: instance.address,
        because: 'keep_warm is false',
        origin: situation.service.strategy.origin,
        before: { release: linked, running: true },
        after: { release: linked, running: false },
      },
    ];
  });

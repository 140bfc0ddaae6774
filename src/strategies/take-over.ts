/**
 * Two slots: the release goes to the one without traffic and is verified there; then a strategy of its own moves the
 * traffic to it.
 *
 *   [withdraw] ─▶ drain (idle) ─▶ upload ─▶ stop ─▶ install ─▶ start ─▶ verify ─▶ settle ─▶ SHIFT ─▶ [drain ─▶ stop] ─▶ prune
 */
import type { Change, InstanceDeclared, SlotDeclared, Step } from '../model/index.ts';
import { instanceChange, memberChanges, recordChange, resolutionChange, routeChange } from './changes.ts';
import { Hooks } from './hooks.ts';
import { putRelease, renewInstance, stopProcess } from './instance-steps.ts';
import { NameMoves } from './name-steps.ts';
import { pruneReleases } from './prune.ts';
import { RouteMoves } from './route-moves.ts';
import {
  memberOf,
  memberState,
  poolOf,
  type Situation,
  standingOf,
  stateOf,
  wantedRelease,
} from './situation.ts';
import { Sequence } from './step.ts';
import type { Rollout } from './strategy.ts';
import { allTo, drain, returnMembers, settle, takeOutAway } from './traffic-steps.ts';

export interface Shift {
  readonly sequence: Sequence;
  readonly target: SlotDeclared;
  readonly active: SlotDeclared | undefined;
  readonly route: RouteMoves;
  /** The service's DNS record, if it has one: it is moved after the last move of the route. */
  readonly named: NameMoves;
  readonly needs: readonly Step[];
}

/** `shift` moves all of the traffic to the target once its needs are done, and gives back its last steps. */
export function takeOver(
  situation: Situation,
  target: SlotDeclared,
  active: SlotDeclared | undefined,
  shift: (shift: Shift) => readonly Step[],
): Rollout {
  const sequence = new Sequence(situation);
  const hooks = new Hooks(sequence);
  const route = new RouteMoves(sequence);
  const named = new NameMoves(sequence, target);
  const release = wantedRelease(situation.service);
  const toRenew = target.instances.filter((instance) => standingOf(situation, instance) !== 'as_wanted');

  // What was sent before the last switch may still be answered by the processes that are replaced now.
  const isReplaced = toRenew.some((instance) => stateOf(situation.instance(instance)).running !== null);
  const withdrawn = toRenew.length > 0 ? [...withdraw(situation, target, active, route), ...named.freed] : [];
  const emptied =
    active !== undefined && isReplaced ? drain(sequence, target, undefined, withdrawn) : withdrawn;
  const verified = target.instances.map((instance) => {
    const upload = putRelease(sequence, instance, []) ?? [];
    return renewInstance(sequence, target, instance, hooks, [emptied, upload].flat());
  });
  const ready = atEveryInstance(hooks, 'before_traffic', target, release, verified);
  const pool = poolOf(situation, target);
  const settled = settle(
    sequence,
    target,
    [
      ...ready,
      ...takeOutAway(sequence, target, []),
      ...returnMembers(sequence, target, target.instances, ready),
    ],
    { isEmptiedBack: toRenew.length > 0 && pool !== undefined && !route.sendsTo(pool) },
  );
  const shifted = shift({ sequence, target, active, route, named, needs: settled });
  const served = atEveryInstance(hooks, 'after_traffic', target, release, shifted);
  const retired = active === undefined ? served : retire(sequence, active, hooks, served);
  const restored = named.restore(retired);

  const pruned = pruneReleases(
    sequence,
    new Map(target.instances.map((instance) => [instance, release])),
    restored,
  );
  const changes: readonly (Change | undefined)[] = [
    ...toRenew.map((instance) => instanceChange(situation, instance)),
    ...memberChanges(situation, target, target.instances),
    routeChange(situation, target),
    recordChange(situation, target),
    resolutionChange(situation, target),
    ...(active === undefined || keepsWarm(situation) ? [] : stopChanges(situation, active)),
    ...pruned,
  ];
  return { changes: changes.filter((change) => change !== undefined), steps: sequence.steps, held: [] };
}

/**
 * Whether the slot that serves has what is wanted, but for instances to be mended: those that do not run, and those that
 * run something else and get no requests, as a host that was away while the others went on.
 */
export function isOnlyToMend(situation: Situation, active: SlotDeclared): boolean {
  const standings = active.instances.map((each) => ({ each, standing: standingOf(situation, each) }));
  const serves = (each: InstanceDeclared): boolean =>
    situation.traffic === undefined || memberState(memberOf(situation, active, each))?.admin === 'ready';
  const others = standings.filter(({ each, standing }) => standing === 'different' && !serves(each));
  const rest = standings.filter((each) => !others.includes(each));
  return (
    rest.every(({ standing }) => standing !== 'different') &&
    (others.length === 0 || rest.some(({ standing }) => standing === 'as_wanted'))
  );
}

/** A canary that an earlier run left with a share, and that is to be replaced now, loses its share first. */
function withdraw(
  situation: Situation,
  target: SlotDeclared,
  active: SlotDeclared | undefined,
  route: RouteMoves,
): readonly Step[] {
  const stable = active === undefined ? undefined : poolOf(situation, active);
  const pool = poolOf(situation, target);
  if (stable === undefined || pool === undefined || !route.sendsTo(pool)) return [];
  return route.move({
    id: `${target.name}/withdraw`,
    verb: 'withdraw',
    title: `${pool} gets nothing while it is replaced`,
    to: allTo(stable),
    gate: `fresh requests are answered by ${stable}`,
    needs: [],
    isNewHome: true,
  });
}

const atEveryInstance = (
  hooks: Hooks,
  point: 'before_traffic' | 'after_traffic',
  slot: SlotDeclared,
  release: string,
  needs: readonly Step[],
): readonly Step[] => {
  // Where there are no hooks each of them gives back the needs, the same for thousands of instances.
  const each = new Set(slot.instances.map((instance) => hooks.at(point, slot, instance, release, needs)));
  return [...new Set([...each].flat())];
};

const keepsWarm = ({ service: { strategy } }: Situation): boolean =>
  'keepWarm' in strategy ? strategy.keepWarm : true;

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

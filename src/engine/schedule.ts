/** Which steps may start now. Pure: from the plan's needs and from the progress alone. */
import type { Address, Step, StepId } from '../model/index.ts';
import { type Progress, progressOf } from './progress.ts';

export interface Holding {
  /** Steps that run now, and those that already had their try since this session began. */
  readonly tried: ReadonlySet<StepId>;
  /** Services whose failure waits for a person. */
  readonly pausedServices: ReadonlySet<Address>;
}

/** Steps whose needs are all done, in the order of the plan. What an earlier session left unfinished is among them. */
export function readyForwards(steps: readonly Step[], progress: Progress, holding: Holding): readonly Step[] {
  return steps.filter(
    (step) =>
      progressOf(progress, step.id).status !== 'done' &&
      !holding.tried.has(step.id) &&
      !(step.service !== undefined && holding.pausedServices.has(step.service)) &&
      step.needs.every((need) => progressOf(progress, need).status === 'done'),
  );
}

export const allDone = (steps: readonly Step[], progress: Progress): boolean =>
  steps.every((step) => progressOf(progress, step.id).status === 'done');

/** What an undo has before it. */
export interface WayBack {
  /** Whatever needed these is undone, so these may be undone now: last completed first. */
  readonly ready: readonly Step[];
  /** All that will be undone, last completed first. */
  readonly toUndo: readonly Step[];
  /** Steps that had an effect and have no way back; what they need stays done too. */
  readonly irreversible: readonly Step[];
  /** Nothing that this run did is left. */
  readonly isComplete: boolean;
}

export function wayBack(steps: readonly Step[], progress: Progress, tried: ReadonlySet<StepId>): WayBack {
  const dependents = new Map<StepId, StepId[]>();
  for (const step of steps) {
    for (const need of step.needs) dependents.set(need, [...(dependents.get(need) ?? []), step.id]);
  }
  const behind = new Set<StepId>();
  const ready: Step[] = [];
  const toUndo: Step[] = [];
  const irreversible: Step[] = [];
  // Needs point backwards in the list, so from its end each step comes after everything that needs it.
  for (const step of steps.toReversed()) {
    const { status, mayHaveEffect } = progressOf(progress, step.id);
    const hasEffect = mayHaveEffect && status !== 'undone';
    const isFree = (dependents.get(step.id) ?? []).every((each) => behind.has(each));
    if (!hasEffect || step.inverse.kind === 'nothing') {
      if (isFree) behind.add(step.id);
    } else if (step.inverse.kind === 'irreversible') {
      irreversible.push(step);
    } else {
      toUndo.push(step);
      if (isFree && !tried.has(step.id)) ready.push(step);
    }
  }
  const lastFirst = (a: Step, b: Step): number =>
    progressOf(progress, b.id).seq - progressOf(progress, a.id).seq;
  return {
    ready: ready.sort(lastFirst),
    toUndo: toUndo.sort(lastFirst),
    irreversible: irreversible.reverse(),
    isComplete: behind.size === steps.length,
  };
}

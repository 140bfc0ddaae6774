/** How far a run is, and how long it will still take: estimates, from what was measured and what was planned. */
import type { Instant } from '../model/index.ts';
import type { PhaseView, RunningStep, View } from './fold.ts';

/** Between 0 and 1; never 1 while a step is missing. */
export function phaseFraction(phase: PhaseView, now: Instant): number {
  if (phase.total === 0) return 1;
  const running = phase.running.reduce(
    (sum, step) => sum + (step.undoing ? 0 : stepFraction(step, phase, now)),
    0,
  );
  return Math.min(1, (phase.done + running) / phase.total);
}

function stepFraction(step: RunningStep, phase: PhaseView, now: Instant): number {
  if (step.progress !== undefined && step.progress.total > 0) {
    return Math.min(0.99, step.progress.done / step.progress.total);
  }
  return Math.min(0.9, Math.max(0, now - step.since) / 1000 / Math.max(0.1, phase.estimateSeconds));
}

/** Undefined when there is nothing to go by: the run does not go forward. */
export function secondsLeft(view: View, now: Instant): number | undefined {
  if (view.mode !== 'running') return undefined;
  return view.phases.reduce((sum, phase) => sum + phase.estimateSeconds * (1 - phaseFraction(phase, now)), 0);
}

export const isSettled = (phase: PhaseView): boolean =>
  phase.done === phase.total && phase.running.length === 0;

/** The number of the phase in hand: the first that runs, else the first that is not done, the last one at the end. */
export const currentPhase = (view: View): number =>
  (view.phases.find(({ running }) => running.length > 0) ?? view.phases.find((phase) => !isSettled(phase)))
    ?.number ?? view.phases.length;

export type PhaseState = 'waiting' | 'running' | 'done' | 'failed' | 'undone' | 'partly';

/** `partly`: some steps are done, none runs. */
export function phaseState(
  phase: Pick<PhaseView, 'total' | 'done' | 'undone'> & {
    readonly running: readonly unknown[];
    readonly failed: readonly unknown[];
  },
): PhaseState {
  if (phase.running.length > 0) return 'running';
  if (phase.failed.length > 0) return 'failed';
  if (phase.undone > 0) return 'undone';
  if (phase.done === phase.total) return 'done';
  return phase.done > 0 ? 'partly' : 'waiting';
}

/** How each step of a run went, from its journal. */
import type { Diagnostic, Instant, JournalEntry, Plan, Step } from '../model/index.ts';
import { type PhaseSteps, phasesOf } from './phases.ts';

export type StepFate = 'not_started' | 'unfinished' | 'done' | 'failed' | 'undoing' | 'undone';

export interface StepHistory {
  readonly step: Step;
  readonly fate: StepFate;
  /** From the last intention to its end; undefined: it has not ended. */
  readonly elapsedMs: number | undefined;
  readonly attempts: number;
  /** Of the last attempt that failed. */
  readonly failure: Diagnostic | undefined;
  /** Of the last attempt to undo it that failed. */
  readonly undoFailure: Diagnostic | undefined;
}

export function stepHistories(
  plan: Pick<Plan, 'steps'>,
  journal: readonly JournalEntry[],
): readonly StepHistory[] {
  const byStep = Map.groupBy(journal, ({ step }) => step);
  return plan.steps.map((step) => historyOf(step, byStep.get(step.id) ?? []));
}

function historyOf(step: Step, entries: readonly JournalEntry[]): StepHistory {
  let fate: StepFate = 'not_started';
  let begun: Instant | undefined;
  let elapsedMs: number | undefined;
  let attempts = 0;
  let failure: Diagnostic | undefined;
  let undoFailure: Diagnostic | undefined;
  for (const { mark, at, failure: why } of entries) {
    switch (mark) {
      case 'intended':
        fate = 'unfinished';
        attempts += 1;
        begun = at;
        elapsedMs = undefined;
        break;
      case 'done':
      case 'failed':
        fate = mark;
        elapsedMs = begun === undefined ? undefined : at - begun;
        failure = mark === 'failed' ? why : failure;
        break;
      case 'undoing':
      case 'undone':
        fate = mark;
        break;
      case 'note':
        undoFailure = why ?? undoFailure;
        break;
    }
  }
  return { step, fate, elapsedMs, attempts, failure, undoFailure };
}

export interface PhaseHistory {
  readonly phase: PhaseSteps;
  readonly steps: readonly StepHistory[];
  /** How many steps ended each way. */
  readonly counts: Readonly<Partial<Record<StepFate, number>>>;
  /** The longest of its steps. */
  readonly elapsedMs: number | undefined;
}

export function phaseHistories(plan: Plan, journal: readonly JournalEntry[]): readonly PhaseHistory[] {
  const histories = new Map(stepHistories(plan, journal).map((each) => [each.step.id, each]));
  return phasesOf(plan).map((phase) => {
    const steps = phase.steps.map(({ id }) => histories.get(id)).filter((each) => each !== undefined);
    const counts: Partial<Record<StepFate, number>> = {};
    for (const { fate } of steps) counts[fate] = (counts[fate] ?? 0) + 1;
    const measured = steps.map(({ elapsedMs }) => elapsedMs).filter((each) => each !== undefined);
    return { phase, steps, counts, elapsedMs: measured.length === 0 ? undefined : Math.max(...measured) };
  });
}

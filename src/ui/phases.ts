/** A plan's steps as the lines that a person reads: grouped by phase, numbered, with hosts and times. */
import { hostOf, operationClass, type Phase, type Plan, type Step, type StepId } from '../model/index.ts';

export interface PhaseSteps {
  /** From 1, in the order of the first step. */
  readonly number: number;
  readonly phase: Phase;
  readonly steps: readonly Step[];
  /** Each host once, in the order of the steps; `operator` for the operator's own machine. */
  readonly hosts: readonly string[];
  /** How long at least one of its steps runs, if everything takes as long as it is estimated. */
  readonly seconds: number;
}

/** A plan as lines, and how long all of it takes: along the critical path, or longer where workers are few. */
export interface PhasedPlan {
  readonly phases: readonly PhaseSteps[];
  readonly seconds: number;
}

export const phasesOf = (plan: Pick<Plan, 'steps'>): readonly PhaseSteps[] => phasePlan(plan).phases;

export function phasePlan(plan: Pick<Plan, 'steps'>, parallelism?: number): PhasedPlan {
  const times = scheduleSteps(plan.steps, parallelism);
  const seconds = [...times.values()].reduce((latest, { end }) => Math.max(latest, end), 0);
  const phases = [...Map.groupBy(plan.steps, (step) => step.phase.key).values()].map((steps, at) => {
    const [first] = steps;
    if (first === undefined) throw new Error('a phase without steps');
    const hosts = steps.map((step) => hostOf(step.operation)).filter((host) => host !== undefined);
    const spans = steps.map((step) => times.get(step.id) ?? { start: 0, end: 0 });
    return {
      number: at + 1,
      phase: first.phase,
      steps,
      hosts: [...new Set(hosts)],
      seconds: unionLength(spans),
    };
  });
  return { phases, seconds };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * When each step would run, in seconds from the start: as soon as its needs are done and one of `parallelism` workers
 * is free (without it: at once). Steps are taken in the plan's order, as the engine does.
 */
export function scheduleSteps(
  steps: readonly Step[],
  parallelism = Number.POSITIVE_INFINITY,
): ReadonlyMap<StepId, Span> {
  const spans = new Map<StepId, Span>();
  const workers: number[] = Number.isFinite(parallelism)
    ? Array<number>(Math.max(1, parallelism)).fill(0)
    : [];
  // A list that several steps share is gone through once: a thousand that wait for a thousand are a million needs.
  const readyOf = new Map<readonly StepId[], number>();
  for (const step of steps) {
    const ready = readyOf.get(step.needs) ?? readyAt(step.needs, spans);
    readyOf.set(step.needs, ready);
    const worker = workers.indexOf(Math.min(...workers));
    const start = Math.max(ready, workers[worker] ?? 0);
    const end = start + step.estimateSeconds;
    if (worker >= 0) workers[worker] = end;
    spans.set(step.id, { start, end });
  }
  return spans;
}

/** A loop, not a spread: a step of a fleet can need thousands. */
function readyAt(needs: readonly StepId[], spans: ReadonlyMap<StepId, Span>): number {
  let ready = 0;
  for (const id of needs) ready = Math.max(ready, spans.get(id)?.end ?? 0);
  return ready;
}

function unionLength(spans: readonly Span[]): number {
  let length = 0;
  let reached = 0;
  for (const { start, end } of spans.toSorted((left, right) => left.start - right.start)) {
    length += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return length;
}

/** The number of the line that shows a step. */
export function phaseNumbers(phases: readonly PhaseSteps[]): ReadonlyMap<StepId, number> {
  return new Map(phases.flatMap(({ number, steps }) => steps.map(({ id }) => [id, number] as const)));
}

/** How the steps of a phase are undone, in one clause: `switch back`, `-`, `cannot be undone (...)`. */
export function undoneBy({ steps, hosts }: Pick<PhaseSteps, 'steps' | 'hosts'>): string {
  const clauses = [...new Set(steps.map((step) => inverseClause(step, hosts)))];
  const [first = '-', second] = clauses;
  return second === undefined ? first : `${first}; ${second}${clauses.length > 2 ? '; ...' : ''}`;
}

function inverseClause(step: Step, hosts: readonly string[]): string {
  const { inverse } = step;
  switch (inverse.kind) {
    case 'operation':
      return withoutHost(inverse.summary, hostOf(step.operation), hosts);
    case 'nothing':
      return isWait(step) || inverse.because === ''
        ? '-'
        : withoutHost(inverse.because, hostOf(step.operation), hosts);
    case 'irreversible':
      return `cannot be undone (${inverse.because})`;
  }
}

/** A wait leaves nothing behind, so there is nothing to say about undoing it. */
const isWait = (step: Step): boolean => {
  const kind = operationClass[step.operation.op];
  return kind === 'wait' || kind === 'time';
};

/** The line names the hosts already. */
function withoutHost(text: string, host: string | undefined, hosts: readonly string[]): string {
  if (host === undefined || hosts.length === 0) return text;
  for (const suffix of [` on ${host}`, ` from ${host}`, ` of ${host}`]) {
    if (text.endsWith(suffix)) return text.slice(0, -suffix.length);
  }
  return text;
}

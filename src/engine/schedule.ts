/** Which steps may start now. From the plan's needs and from the progress alone; no effects, no clock. */
import type { Address, Step, StepId } from '../model/index.ts';
import { type Progress, progressOf } from './progress.ts';

/** `free`: nothing has to be done for it once what blocks it has passed. `stuck`: it will never pass. */
type Role = 'work' | 'free' | 'stuck';

interface Task {
  readonly step: Step;
  role: Role;
  /** Its place among those that could start as well. */
  readonly rank: number;
  /** How many of those that block it have not passed. */
  blockers: number;
}

/**
 * Tells each pair of the one that blocks and the one that is blocked. It is no list: a rolling upgrade of 1,000 hosts has a
 * quarter of a million of them, for each host of a batch waits for each of the batch before.
 */
type EachEdge = (tell: (blocker: StepId, blocked: StepId) => void) => void;

/**
 * Steps in one direction, each offered once when all that blocks it has passed. It costs what changes, not what there
 * is: a fleet's plan has thousands of steps, and it is asked after each of them.
 */
export class Agenda {
  readonly #tasks: ReadonlyMap<StepId, Task>;
  readonly #blocked: ReadonlyMap<StepId, readonly StepId[]>;
  readonly #ready: Task[] = [];

  constructor(tasks: readonly Omit<Task, 'blockers'>[], eachEdge: EachEdge) {
    this.#tasks = new Map(tasks.map((task) => [task.step.id, { ...task, blockers: 0 }]));
    const blocked = new Map<StepId, StepId[]>();
    eachEdge((blocker, step) => {
      const task = this.#tasks.get(step);
      // Who blocks without having to be done at all has passed already.
      if (task === undefined || !this.#tasks.has(blocker)) return;
      task.blockers += 1;
      const others = blocked.get(blocker);
      if (others === undefined) blocked.set(blocker, [step]);
      else others.push(step);
    });
    this.#blocked = blocked;
    for (const task of [...this.#tasks.values()].filter((each) => each.blockers === 0)) this.#offer(task);
  }

  /** The first step that may start and that the caller lets start; it is not offered again. */
  take(mayStart: (step: Step) => boolean): Step | undefined {
    const index = this.#ready.findIndex((task) => mayStart(task.step));
    return index === -1 ? undefined : this.#ready.splice(index, 1)[0]?.step;
  }

  has(mayStart: (step: Step) => boolean): boolean {
    return this.#ready.some((task) => mayStart(task.step));
  }

  /** The step is done (or undone): what only waited for it may start. */
  pass(step: StepId): void {
    for (const id of this.#blocked.get(step) ?? []) {
      const task = this.#tasks.get(id);
      if (task === undefined) continue;
      task.blockers -= 1;
      if (task.blockers === 0) this.#offer(task);
    }
  }

  /** `failed` was taken and failed; the others are not to be taken any more. Nothing waits for any of them from now on. */
  leaveOut(failed: StepId, others: Iterable<StepId>): void {
    for (const id of others) {
      const task = this.#tasks.get(id);
      if (task === undefined || task.role !== 'work') continue;
      task.role = 'free';
      const offered = this.#ready.indexOf(task);
      if (offered === -1) continue;
      this.#ready.splice(offered, 1);
      this.pass(id);
    }
    this.pass(failed);
  }

  #offer(task: Task): void {
    if (task.role === 'stuck') return;
    if (task.role === 'free') {
      this.pass(task.step.id);
      return;
    }
    const later = this.#ready.findIndex((each) => each.rank > task.rank);
    this.#ready.splice(later === -1 ? this.#ready.length : later, 0, task);
  }
}

const eachNeed = (steps: readonly Step[], tell: (need: StepId, step: StepId) => void): void => {
  for (const { id, needs } of steps) for (const need of needs) tell(need, id);
};

/** Whatever is not done, in the order of the plan; what an earlier session left unfinished is among it. */
export function agendaForwards(steps: readonly Step[], progress: Progress): Agenda {
  const leftOut = stepsLeftOut(steps, progress);
  return new Agenda(
    steps
      .map((step, rank) => ({
        step,
        rank,
        role: leftOut.has(step.id) ? ('free' as const) : ('work' as const),
      }))
      .filter(({ step }) => progressOf(progress, step.id).status !== 'done'),
    (tell) => eachNeed(steps, tell),
  );
}

/** Hosts that failed and are left out, by service. */
export function hostsLeftOut(steps: readonly Step[], progress: Progress): ReadonlyMap<Address, Set<string>> {
  const hosts = new Map<Address, Set<string>>();
  for (const { id, service, tolerance } of steps) {
    if (service === undefined || tolerance === undefined || !progress.leftOut.has(id)) continue;
    hosts.set(service, (hosts.get(service) ?? new Set()).add(tolerance.host));
  }
  return hosts;
}

/** The steps of hosts that are left out, but for those that are done. */
export function stepsLeftOut(steps: readonly Step[], progress: Progress): ReadonlySet<StepId> {
  const hosts = hostsLeftOut(steps, progress);
  if (hosts.size === 0) return new Set();
  return new Set(
    steps
      .filter(
        ({ id, service, tolerance }) =>
          service !== undefined &&
          tolerance !== undefined &&
          hosts.get(service)?.has(tolerance.host) === true &&
          progressOf(progress, id).status !== 'done',
      )
      .map(({ id }) => id),
  );
}

/** Whatever may have an effect, last completed first; a step waits until all that needed it is undone. */
export const agendaBackwards = (steps: readonly Step[], progress: Progress): Agenda =>
  new Agenda(
    steps.map((step) => ({
      step,
      role: roleBackwards(step, progress),
      rank: -progressOf(progress, step.id).seq,
    })),
    (tell) => eachNeed(steps, (need, step) => tell(step, need)),
  );

function roleBackwards(step: Step, progress: Progress): Role {
  const { status, mayHaveEffect } = progressOf(progress, step.id);
  if (!mayHaveEffect || status === 'undone' || step.inverse.kind === 'nothing') return 'free';
  return step.inverse.kind === 'irreversible' ? 'stuck' : 'work';
}

/** All that was to be done: what belongs to a host that is left out is not. */
export function allDone(steps: readonly Step[], progress: Progress): boolean {
  const leftOut = stepsLeftOut(steps, progress);
  return steps.every((step) => leftOut.has(step.id) || progressOf(progress, step.id).status === 'done');
}

/** What is left to undo. */
export interface WayBack {
  /** Last completed first. */
  readonly toUndo: readonly Step[];
  /** Steps that had an effect and have no way back; what they needed stays done too. */
  readonly irreversible: readonly Step[];
}

export function wayBack(steps: readonly Step[], progress: Progress): WayBack {
  const seq = (step: Step): number => progressOf(progress, step.id).seq;
  return {
    toUndo: steps.filter((step) => roleBackwards(step, progress) === 'work').sort((a, b) => seq(b) - seq(a)),
    irreversible: steps.filter((step) => roleBackwards(step, progress) === 'stuck'),
  };
}

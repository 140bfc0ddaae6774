/** Checks a run against its journal as it is acknowledged, without using the engine's own way of reading it. */
import type { JournalEntry, Mark, Operation, Plan, Step, StepId } from '../../src/model/index.ts';

export class History {
  readonly acknowledged: JournalEntry[] = [];
  readonly violations: string[] = [];
  readonly #steps: ReadonlyMap<string, Step>;
  readonly #dependents = new Map<string, Step[]>();
  readonly #last = new Map<StepId, JournalEntry>();
  /** Nobody waits for what is left of them. */
  readonly #hostsLeftOut = new Set<string>();

  constructor(plan: Plan) {
    this.#steps = new Map(plan.steps.map((step) => [step.id, step]));
    for (const step of plan.steps) {
      for (const need of step.needs) {
        this.#dependents.set(need, [...(this.#dependents.get(need) ?? []), step]);
      }
    }
  }

  acknowledge(entry: JournalEntry): void {
    this.acknowledged.push(entry);
    const host = this.#steps.get(entry.step ?? '')?.tolerance?.host;
    const { follows } = (entry.detail ?? {}) as { follows?: string };
    if (host !== undefined && follows === 'leave_out') this.#hostsLeftOut.add(host);
    if (entry.step !== undefined && entry.mark !== 'note') this.#last.set(entry.step, entry);
  }

  lastMark(step: StepId): Mark | undefined {
    return this.#last.get(step)?.mark;
  }

  /** Called when the world is about to change: everything that this rests on must be on the disk already. */
  onEffect(operation: Operation, by: string): void {
    const isUndo = by.endsWith('-undo');
    const step = this.#steps.get(isUndo ? by.slice(0, -'-undo'.length) : by);
    // The run's own hooks are no steps.
    if (step === undefined) return;
    const own = this.lastMark(step.id);
    const wanted = isUndo ? 'undoing' : 'intended';
    if (own !== wanted) this.#object(`${operation.op} of ${by} took effect while its last mark was ${own}`);
    if (isUndo) {
      for (const dependent of this.#transitiveDependents(step)) {
        if (this.#mayStand(dependent)) this.#object(`${by} took effect before ${dependent.id} was undone`);
      }
    } else {
      for (const need of step.needs) {
        if (this.#hostsLeftOut.has(this.#steps.get(need)?.tolerance?.host ?? '')) continue;
        if (this.lastMark(need) !== 'done') this.#object(`${by} took effect before ${need} was done`);
      }
    }
  }

  #mayStand(step: Step): boolean {
    const last = this.#last.get(step.id);
    if (last === undefined || last.mark === 'undone' || step.inverse.kind !== 'operation') return false;
    const detail = last.detail as { mayHaveEffect?: boolean } | undefined;
    return detail?.mayHaveEffect !== false;
  }

  #transitiveDependents(step: Step, found = new Set<Step>()): ReadonlySet<Step> {
    for (const dependent of this.#dependents.get(step.id) ?? []) {
      if (found.has(dependent)) continue;
      found.add(dependent);
      this.#transitiveDependents(dependent, found);
    }
    return found;
  }

  #object(what: string): void {
    this.violations.push(what);
  }
}

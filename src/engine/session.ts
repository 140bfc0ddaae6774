/** One process's part in a run: from its beginning, or from where the journal says that it stopped, to an end. */
import {
  type Address,
  type Diagnostic,
  type Instant,
  operationClass,
  StateFailure,
  type Step,
  type StepId,
} from '../model/index.ts';
import { type Closing, endRun, outcomeOf, tellHooks } from './closing.ts';
import type { ControlRequest } from './control.ts';
import { nothingToPromote } from './diagnostics.ts';
import { FloorKeeper } from './floor.ts';
import { onFailureOf } from './on-failure.ts';
import type { RunResult, SessionOptions } from './options.ts';
import { isWait, type Performance, perform, undo } from './perform.ts';
import { type Consequence, type ProgressLog, progressOf } from './progress.ts';
import { RunLog } from './run-log.ts';
import {
  type Agenda,
  agendaBackwards,
  agendaForwards,
  hostsLeftOut,
  stepsLeftOut,
  wayBack,
} from './schedule.ts';
import { type TrafficWatch, watchTraffic } from './traffic.ts';

/** A wait by the clock or for a person takes no place: half an hour of baking must not hold up another service. */
const takesPlace = ({ operation: { op } }: Step): boolean =>
  operationClass[op] !== 'time' && operationClass[op] !== 'person';

/** A step in hand, with what cuts it short and what lets it through its gate. */
interface InHand {
  readonly step: Step;
  readonly stop: AbortController;
  readonly promoted: AbortController;
  /** It waits for other hosts before it begins: it takes no place, and may be cut short. */
  isHeldUp: boolean;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #isResumed: boolean;
  readonly #startedAt: Instant;
  readonly #progress: ProgressLog;
  readonly #log: RunLog;

  readonly #running = new Map<StepId, InHand>();
  /** What is still to be done, in the direction in which the run goes. */
  #agenda: Agenda;
  readonly #pausedServices = new Set<Address>();
  /** Kept beside the journal: of two that fail at once each must know of the other. */
  readonly #leftOut: Map<Address, Set<string>>;
  readonly #floors: FloorKeeper;
  readonly #requests: ControlRequest[] = [];
  #isPaused = false;
  /** Why nothing new begins, and the run stops where it is. */
  #stopReason: string | undefined;
  #isStoppedAtOnce = false;
  /** The journal cannot be written, or deployctl contradicts itself: nothing more may happen. */
  #isBroken = false;
  #bug: { readonly cause: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(options: SessionOptions, progress: ProgressLog, isResumed: boolean) {
    this.#options = options;
    this.#progress = progress;
    this.#log = new RunLog(options, progress);
    this.#isResumed = isResumed;
    this.#startedAt = options.clock.now();
    this.#leftOut = new Map(hostsLeftOut(options.plan.steps, progress));
    this.#floors = new FloorKeeper(options.plan.declared, options.providerOf);
    const agenda = progress.undoReason === undefined ? agendaForwards : agendaBackwards;
    this.#agenda = agenda(options.plan.steps, progress);
  }

  /** Goes on in the direction that the journal says. Never throws for what can be recorded and reported. */
  async go(): Promise<RunResult> {
    return this.#during(async () => {});
  }

  /** Turns round first. */
  async goBack(reason: string): Promise<RunResult> {
    return this.#during(async () => {
      await this.#log.note({ kind: 'abort', by: this.#options.actor.who, reason });
    });
  }

  async #during(prepare: () => Promise<void>): Promise<RunResult> {
    const { plan, providerOf, clock, control, actor, previousDeployment } = this.#options;
    const isDone = (id: StepId): boolean => progressOf(this.#progress, id).status === 'done';
    const done = plan.steps.map(({ id }) => id).filter(isDone);
    this.#log.emit({
      type: 'run_started',
      plan,
      resumed: this.#isResumed,
      ...(this.#isResumed
        ? {
            done,
            doneWithWayBack: wayBack(plan.steps, this.#progress).toUndo.filter(({ id }) => isDone(id)).length,
          }
        : {}),
      ...(previousDeployment === undefined ? {} : { previousDeployment }),
    });
    const traffic = watchTraffic(plan, providerOf, clock, isDone, (event) => this.#log.emit(event));
    const unlisten = control.listen((request) => {
      this.#requests.push(request);
      this.#wake();
    });
    try {
      await this.#guarded(async () => {
        if (this.#isResumed) await this.#log.note({ kind: 'resumed', by: actor.who });
        await prepare();
      });
      await this.#work();
      const result = await this.#end(traffic);
      if (this.#bug !== undefined) throw this.#bug.cause;
      return result;
    } finally {
      unlisten();
      traffic.stop();
    }
  }

  // ── the loop ─────────────────────────────────────────────────────────────────────────────────────

  /** Starts what may start, hears what is asked, and returns when nothing is in hand and nothing can follow. */
  async #work(): Promise<void> {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      for (const request of this.#requests.splice(0)) await this.#guarded(() => this.#obey(request));
      this.#startWhatMay();
      if (this.#running.size === 0 && this.#requests.length === 0) {
        if (this.#mayTurn()) {
          await this.#guarded(() => this.#turnRound());
          continue;
        }
        const waitsForPerson = this.#isPaused && !this.#mustStop() && this.#agenda.has(this.#mayStart);
        if (!waitsForPerson) return;
      }
      await woken;
    }
  }

  #mustStop(): boolean {
    return this.#stopReason !== undefined || this.#isBroken;
  }

  #mayTurn(): boolean {
    return (
      this.#progress.turnReason !== undefined && this.#progress.undoReason === undefined && !this.#mustStop()
    );
  }

  #isUndoing(): boolean {
    return this.#progress.undoReason !== undefined;
  }

  /** Whether the step may start as far as the run's direction and its service go. */
  readonly #mayStart = (step: Step): boolean =>
    this.#isUndoing() ||
    (this.#progress.turnReason === undefined &&
      !(step.service !== undefined && this.#pausedServices.has(step.service)));

  #startWhatMay(): void {
    if (this.#mustStop() || this.#isPaused) return;
    const places = Math.max(1, this.#options.parallelism);
    let taken = [...this.#running.values()].filter((each) => takesPlace(each.step) && !each.isHeldUp).length;
    for (;;) {
      const step = this.#agenda.take((each) => (taken < places || !takesPlace(each)) && this.#mayStart(each));
      if (step === undefined) return;
      if (takesPlace(step)) taken += 1;
      const inHand: InHand = {
        step,
        stop: new AbortController(),
        promoted: new AbortController(),
        isHeldUp: false,
      };
      if (this.#progress.isPromotedFully || this.#progress.promoted.has(step.id)) inHand.promoted.abort();
      this.#running.set(step.id, inHand);
      void this.#take(inHand).finally(() => {
        this.#running.delete(step.id);
        this.#wake();
      });
    }
  }

  async #take(inHand: InHand): Promise<void> {
    const { step, stop, promoted } = inHand;
    await this.#guarded(async () => {
      const isUndoing = this.#isUndoing();
      const performance: Performance = {
        ...this.#options,
        step,
        before: progressOf(this.#progress, step.id),
        stop: stop.signal,
        promoted: promoted.signal,
        leftOut: new Set(step.service === undefined ? [] : this.#leftOut.get(step.service)),
        write: (entry) => this.#log.write(entry),
        report: (event) => this.#log.emit(event),
        onFailure: () => this.#consequenceOf(step),
        onFloorNotHeld: () => onFailureOf(this.#options.plan, step),
        floors: this.#floors,
        heldUp: (isHeldUp) => {
          inHand.isHeldUp = isHeldUp;
          if (!isHeldUp) return;
          // It was looking when the waits were cut short.
          if (this.#mustStop() || (this.#progress.turnReason !== undefined && !this.#isUndoing()))
            stop.abort();
          this.#wake();
        },
      };
      const failure = await (isUndoing ? undo(performance) : perform(performance));
      const { status } = progressOf(this.#progress, step.id);
      if (status === (isUndoing ? 'undone' : 'done')) this.#agenda.pass(step.id);
      if (failure === undefined) return;
      this.#log.failures.push(failure.diagnostic);
      if (failure.follows !== undefined) this.#obeyStrategy(step, failure.follows, failure.diagnostic);
    });
  }

  /** The host is left out as long as no more of them failed than may. */
  #consequenceOf(step: Step): Consequence {
    const { service, tolerance } = step;
    if (service !== undefined && tolerance !== undefined) {
      const hosts = this.#leftOut.get(service) ?? new Set();
      if (hosts.has(tolerance.host) || hosts.size < tolerance.most) {
        this.#leftOut.set(service, hosts.add(tolerance.host));
        return 'leave_out';
      }
    }
    return onFailureOf(this.#options.plan, step);
  }

  #obeyStrategy(step: Step, follows: Consequence, failure: Diagnostic): void {
    const because = `${step.summary}: ${failure.summary}`;
    switch (follows) {
      case 'leave_out':
        this.#leaveOut(step);
        return;
      case 'revert':
        this.#isPaused = false;
        this.#cutShort('waits');
        return;
      case 'freeze':
        this.#stop(because);
        return;
      case 'pause':
        if (step.service !== undefined) this.#pausedServices.add(step.service);
        this.#log.emit({ type: 'paused', by: 'the strategy (on_failure)', reason: because });
        return;
    }
  }

  #leaveOut({ id, service, tolerance }: Step): void {
    if (service === undefined || tolerance === undefined) return;
    this.#agenda.leaveOut(id, stepsLeftOut(this.#options.plan.steps, this.#progress));
    const failed = this.#leftOut.get(service)?.size ?? 0;
    this.#log.emit({ type: 'left_out', service, host: tolerance.host, failed, most: tolerance.most });
  }

  #stop(reason: string): void {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    this.#log.emit({ type: 'stopping', reason });
  }

  /** Waits can be cut short at any time: they change nothing and are begun again. */
  #cutShort(which: 'waits' | 'everything'): void {
    for (const { step, stop, isHeldUp } of this.#running.values()) {
      if (which === 'everything' || isHeldUp || isWait(step, this.#isUndoing())) stop.abort();
    }
  }

  async #obey(request: ControlRequest): Promise<void> {
    switch (request.kind) {
      case 'pause':
        if (this.#isPaused || this.#mustStop()) return;
        this.#isPaused = true;
        await this.#log.note(request);
        this.#log.emit({ type: 'paused', by: request.by, reason: request.reason });
        return;
      case 'continue':
        if (!this.#isPaused) return;
        this.#isPaused = false;
        await this.#log.note(request);
        this.#log.emit({ type: 'continued', by: request.by });
        return;
      case 'promote':
        await this.#promote(request);
        return;
      case 'abort':
        if (this.#isUndoing() || this.#progress.turnReason !== undefined) return;
        this.#isPaused = false;
        await this.#log.note(request);
        this.#cutShort('waits');
        return;
      case 'stop':
      case 'stop_at_once': {
        const atOnce = request.kind === 'stop_at_once';
        if (atOnce ? this.#isStoppedAtOnce : this.#stopReason !== undefined) return;
        this.#isStoppedAtOnce ||= atOnce;
        this.#stop(`${request.reason} (${request.by})`);
        this.#cutShort(atOnce ? 'everything' : 'waits');
        await this.#log.note({ kind: 'stop', by: request.by, reason: request.reason, atOnce });
        return;
      }
    }
  }

  /** What waits for approval may go on; with `full` nothing waits any more. */
  async #promote({ by, full }: Extract<ControlRequest, { kind: 'promote' }>): Promise<void> {
    if (this.#isUndoing() || this.#mustStop()) return;
    const waiting = [...this.#running.values()].filter(({ step }) => {
      const kind = operationClass[step.operation.op];
      return kind === 'person' || (full && kind === 'time');
    });
    if (waiting.length === 0 && !full) {
      this.#log.emit({ type: 'diagnostic', diagnostic: nothingToPromote(by) });
      return;
    }
    await this.#log.note({ kind: 'promote', by, full, steps: waiting.map(({ step }) => step.id) });
    this.#log.emit({ type: 'promoted', by, full });
    for (const { promoted } of waiting) promoted.abort();
  }

  async #turnRound(): Promise<void> {
    const reason = this.#progress.turnReason ?? '';
    await this.#log.note({ kind: 'undo', reason });
    const { steps } = this.#options.plan;
    this.#agenda = agendaBackwards(steps, this.#progress);
    const { toUndo } = wayBack(steps, this.#progress);
    this.#log.emit({ type: 'reverting', reason, steps: toUndo.map((step) => step.id) });
  }

  async #end(traffic: TrafficWatch): Promise<RunResult> {
    const closing: Closing = {
      options: this.#options,
      progress: this.#progress,
      log: this.#log,
      startedAt: this.#startedAt,
      stopReason: this.#stopReason,
      isStoppedAtOnce: this.#isStoppedAtOnce,
    };
    const outcome = outcomeOf(closing);
    if (outcome !== 'complete') await this.#guarded(() => tellHooks(closing, outcome));
    return endRun(closing, outcome, await traffic.end());
  }

  /** Without a journal nothing more may begin: the steps in hand are finished and the run stops. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (this.#isBroken) return;
      this.#isBroken = true;
      if (cause instanceof StateFailure) this.#log.failures.push(cause.diagnostic);
      else this.#bug = { cause };
      this.#stop(cause instanceof StateFailure ? cause.diagnostic.summary : 'deployctl has a bug');
      this.#cutShort('waits');
    }
  }
}

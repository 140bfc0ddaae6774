/** A step forwards, a step back, and a hook of the run: the intention is on the disk before, what was seen after. */
import {
  type Context,
  type Diagnostic,
  type EventBody,
  type Instant,
  type JournalEntry,
  type NewJournalEntry,
  type Operation,
  operationClass,
  type RecordedResource,
  type Step,
  type StepId,
} from '../model/index.ts';
import { type AttemptResult, bringAbout } from './attempt.ts';
import { type Admission, asLeaving, type FloorKeeper } from './floor.ts';
import { noJudge, passGate } from './gate.ts';
import type { RunHook } from './hooks.ts';
import type { SessionOptions } from './options.ts';
import { asDetail, type Consequence, type StepDetail, type StepProgress } from './progress.ts';

export interface Performance extends SessionOptions {
  readonly step: Step;
  /** Where the step stood when it was taken up. */
  readonly before: StepProgress;
  /** Aborted when the step must be cut short. */
  readonly stop: AbortSignal;
  readonly write: (entry: Omit<NewJournalEntry, 'at'>) => Promise<JournalEntry>;
  readonly report: (event: EventBody) => void;
  /** Aborted when a person has said that a gate may be passed now. */
  readonly promoted: AbortSignal;
  /** Hosts of the step's service that failed and are left out: nobody waits for their health. */
  readonly leftOut: ReadonlySet<string>;
  /** What the run does if this step fails now. */
  readonly onFailure: () => Consequence;
  /** What it does if the step may not begin because of other hosts: nobody is left out for that. */
  readonly onFloorNotHeld: () => Consequence;
  readonly floors: FloorKeeper;
  /** Told when the step begins and ends to wait for other hosts. */
  readonly heldUp: (isHeldUp: boolean) => void;
}

export interface StepFailure {
  readonly diagnostic: Diagnostic;
  /** What follows from it; undefined: an undo failed, and what does not depend on it is still undone. */
  readonly follows: Consequence | undefined;
}

/** Whether what the step does now is only waiting. */
export function isWait(step: Step, isUndoing: boolean): boolean {
  if (isUndoing) {
    return step.inverse.kind === 'operation' && operationClass[step.inverse.operation.op] === 'wait';
  }
  const kind = operationClass[step.operation.op];
  return kind === 'wait' || kind === 'time' || kind === 'person';
}

/** Gives why it failed; undefined: done, or interrupted and left for a resume. Throws a StateFailure. */
export async function perform(performance: Performance): Promise<StepFailure | undefined> {
  const { step, before, clock, write, report } = performance;
  const startedAt = clock.now();
  const { op } = step.operation;
  report({ type: 'step_started', step: step.id, undoing: false });

  const wasBegun = before.mayHaveEffect && before.status !== 'undone';
  const intend = async (times?: GateTimes): Promise<void> => {
    await write({ mark: 'intended', step: step.id, detail: detail({ op, ...times }) });
  };
  const result = await attempt(performance, step.operation, wasBegun, intend);
  const elapsedMs = clock.now() - startedAt;
  switch (result.kind) {
    case 'interrupted':
      return undefined;
    case 'done': {
      const { unchanged, seen } = result;
      await write({
        mark: 'done',
        step: step.id,
        seen,
        detail: detail({ op, elapsedMs, unchanged, mayHaveEffect: !unchanged }),
      });
      report({ type: 'step_done', step: step.id, undoing: false, unchanged, elapsedMs });
      return undefined;
    }
    case 'failed': {
      const { failure, mayHaveEffect, isUnseen, isForOthers = false } = result;
      const follows =
        result.follows ?? (isForOthers ? performance.onFloorNotHeld() : performance.onFailure());
      await write({
        mark: 'failed',
        step: step.id,
        failure,
        detail: detail({ op, elapsedMs, mayHaveEffect, follows, ...(isUnseen ? { isUnseen } : {}) }),
      });
      report({ type: 'step_failed', step: step.id, undoing: false, failure, elapsedMs });
      return { diagnostic: failure, follows };
    }
  }
}

/** The same for the inverse, and for the check of what the inverse brings back. */
export async function undo(performance: Performance): Promise<StepFailure | undefined> {
  const { step, before, clock, write, report } = performance;
  if (step.inverse.kind !== 'operation') return undefined;
  const startedAt = clock.now();
  const { operation, verify, settle = [] } = step.inverse;
  report({ type: 'step_started', step: step.id, undoing: true });

  // A step that was not seen to be done may stand anywhere between its two ends.
  const wasBegun = before.status !== 'done';
  const intend = async (times?: GateTimes): Promise<void> => {
    await write({ mark: 'undoing', step: step.id, detail: detail({ op: operation.op, ...times }) });
  };
  let result = await attempt(performance, operation, wasBegun, intend);
  for (const then of [...(verify === undefined ? [] : [verify]), ...settle]) {
    if (result.kind !== 'done') break;
    const back = result;
    // What is asked again after a kill changes nothing; only a wait by the clock has an end to be written down.
    const isTimed = operationClass[then.op] === 'time';
    const next = await attempt(performance, then, false, isTimed ? intend : async () => {});
    result =
      next.kind === 'done'
        ? { ...next, unchanged: back.unchanged, seen: [...back.seen, ...next.seen] }
        : next;
  }
  const elapsedMs = clock.now() - startedAt;
  switch (result.kind) {
    case 'interrupted':
      return undefined;
    case 'done': {
      const { unchanged, seen } = result;
      await write({
        mark: 'undone',
        step: step.id,
        seen,
        detail: detail({ op: operation.op, elapsedMs, unchanged }),
      });
      report({ type: 'step_done', step: step.id, undoing: true, unchanged, elapsedMs });
      return undefined;
    }
    case 'failed': {
      const { failure } = result;
      await write({ mark: 'note', step: step.id, failure, detail: asDetail({ kind: 'undo_failed' }) });
      report({ type: 'step_failed', step: step.id, undoing: true, failure, elapsedMs });
      return { diagnostic: failure, follows: undefined };
    }
  }
}

/** Runs a hook of the run itself. Gives why it failed. Its mark is where it ran, so it is not run twice. */
export async function runHook(
  options: SessionOptions & { readonly hook: RunHook },
): Promise<Diagnostic | undefined> {
  const { hook, providerOf, clock, run, lineage, failpoint } = options;
  const result = await bringAbout({
    operation: hook.operation,
    address: `${hook.operation.point} hook` as Step['address'],
    provider: providerOf(hook.operation),
    cx: {
      signal: new AbortController().signal,
      clock,
      fence: { lineage, run },
      step: hook.key,
      attempt: 0,
      report: () => {},
    },
    wasBegun: false,
    // The note that the hook is begun was written by whoever calls.
    intend: async () => {},
    admit: async () => freely,
    failpoint,
  });
  return result.kind === 'failed' ? result.failure : undefined;
}

/** When a gate was first entered, and when it is over: a kill does not make the wait longer. */
interface GateTimes {
  readonly since: Instant;
  readonly until?: Instant;
}

async function attempt(
  performance: Performance,
  operation: Operation,
  wasBegun: boolean,
  intend: (times?: GateTimes) => Promise<void>,
): Promise<AttemptResult & { readonly follows?: Consequence }> {
  const { step, providerOf, failpoint } = performance;
  const cx = contextOf(performance, operation !== step.operation);
  if (operation.op === 'bake' || operation.op === 'record.expire' || operation.op === 'approval') {
    return attemptGate(performance, operation, cx, intend);
  }
  const provider = providerOf(operation);
  const { address } = step;
  const admit = (): Promise<Admission> => admitted(performance, operation, cx);
  return bringAbout({ operation, address, provider, cx, wasBegun, intend, admit, failpoint });
}

const freely: Admission = { kind: 'admitted', left: () => {} };

async function admitted(
  { floors, heldUp, step }: Performance,
  operation: Operation,
  cx: Context,
): Promise<Admission> {
  const leaving = asLeaving(operation);
  if (leaving === undefined) return freely;
  try {
    return await floors.admit(leaving, { address: step.address, cx, onWait: () => heldUp(true) });
  } finally {
    heldUp(false);
  }
}

async function attemptGate(
  { step, before, promoted, leftOut, providerOf, judge = noJudge, write, report, failpoint }: Performance,
  operation: Extract<Operation, { op: 'bake' | 'record.expire' | 'approval' }>,
  cx: Context,
  intend: (times: GateTimes) => Promise<void>,
): Promise<AttemptResult & { readonly follows?: Consequence }> {
  const since = before.since ?? cx.clock.now();
  const until =
    operation.op === 'approval'
      ? undefined
      : (before.until ?? ((cx.clock.now() + operation.durationMs) as Instant));
  await intend({ since, ...(until === undefined ? {} : { until }) });
  failpoint(`effect:before:${operation.op}`);
  if (operation.op === 'approval' && !promoted.aborted) {
    const { service, sharePercent } = operation;
    report({ type: 'approval_needed', step: step.id, service, sharePercent });
  }
  const passed = await passGate({
    operation: { ...operation, watch: operation.watch.filter(({ place }) => !leftOut.has(place.host)) },
    since,
    until,
    // Resolvers forget in their own time, whatever a person would like.
    promoted: operation.op === 'record.expire' ? new AbortController().signal : promoted,
    providerOf,
    judge,
    record: async (verdict) => {
      await write({ mark: 'note', step: step.id, detail: asDetail({ kind: 'verdict', ...verdict }) });
    },
    tell: report,
    cx,
  });
  if (passed.kind === 'done') return { kind: 'done', unchanged: false, seen: noneSeen };
  return passed.kind === 'failed' ? { ...passed, mayHaveEffect: false, isUnseen: false } : passed;
}

const noneSeen: readonly RecordedResource[] = [];

function contextOf(performance: Performance, isInverse: boolean): Context {
  const { step, before, stop, clock, lineage, run, report } = performance;
  return {
    signal: stop,
    clock,
    fence: { lineage, run },
    // A hook's mark is named by step and attempt: the way back must not find the mark of the way there.
    step: isInverse ? (`${step.id}-undo` as StepId) : step.id,
    attempt: isInverse ? before.undoFailures : before.failures,
    report: (event) => report({ ...event, step: step.id }),
  };
}

const detail = (each: StepDetail) => asDetail(each);

/**
 * Where a run stands, as the journal says: the same fold serves a run in progress and one that is resumed, so there
 * is no second way to know it.
 */
import type { Diagnostic, Instant, JournalEntry, Json, OnFailure, StepId, Verdict } from '../model/index.ts';

export type StepStatus = 'pending' | 'intended' | 'done' | 'failed' | 'undoing' | 'undone';

export interface StepProgress {
  readonly status: StepStatus;
  /** How often it was seen to fail, forwards and while being undone: a hook's mark on the host is named by it. */
  readonly failures: number;
  readonly undoFailures: number;
  /** Whether this run may have changed the world with it. False: it failed before, or another had already done it. */
  readonly mayHaveEffect: boolean;
  /** The place of its last mark in the journal: the order of completion. */
  readonly seq: number;
  /** When a gate was first entered, and when a wait by the clock is over, whatever happened since; while undoing, the wait after the inverse. */
  readonly since: Instant | undefined;
  readonly until: Instant | undefined;
}

export interface Progress {
  readonly steps: ReadonlyMap<StepId, StepProgress>;
  /** Why the run has to turn round, by a failure or by a person; it does when the steps in hand are finished. */
  readonly turnReason: string | undefined;
  /** Why the run undoes what it did; undefined: it goes forwards. */
  readonly undoReason: string | undefined;
  readonly failures: readonly Diagnostic[];
  /** Keys of the run's own hooks that ended: they are not run again. */
  readonly hooksEnded: ReadonlySet<string>;
  /** Steps that a person has approved. */
  readonly promoted: ReadonlySet<StepId>;
  /** Whether a person has said that nothing more is to be waited for. */
  readonly isPromotedFully: boolean;
  /** Steps whose failure left a host out; the host's other steps are not taken any more. */
  readonly leftOut: ReadonlySet<StepId>;
}

/** Written to in place: a fleet's run has tens of thousands of entries, and a copy for each would cost more than SSH. */
export interface ProgressLog extends Progress {
  /** Takes in one more entry. Entries of different steps may come in any order, those of one step in theirs. */
  follow(entry: JournalEntry): void;
}

/** What a `note` says. Written by the engine, read by the engine and by `show`. */
export type Note =
  | { readonly kind: 'resumed' | 'pause' | 'continue'; readonly by: string; readonly reason?: string }
  /** A person wants everything undone. */
  | { readonly kind: 'abort'; readonly by: string; readonly reason: string }
  | { readonly kind: 'stop'; readonly by: string; readonly reason: string; readonly atOnce: boolean }
  /** From here on the run undoes. */
  | { readonly kind: 'undo'; readonly reason: string }
  /** An undo that failed: the step stays `undoing`. */
  | { readonly kind: 'undo_failed' }
  | { readonly kind: 'hook'; readonly key: string; readonly state: 'begun' | 'done' | 'failed' }
  /** What waited for approval may go on. */
  | {
      readonly kind: 'promote';
      readonly by: string;
      readonly full: boolean;
      readonly steps: readonly StepId[];
    }
  /** What an analysis said in a gate. */
  | ({ readonly kind: 'verdict' } & Verdict);

/** What goes with `intended`, `done`, `undone` and `failed`. */
export interface StepDetail {
  readonly op: string;
  readonly elapsedMs?: number;
  /** The world already was so. */
  readonly unchanged?: boolean;
  readonly mayHaveEffect?: boolean;
  readonly since?: number;
  readonly until?: number;
  /** With `failed`: what the run does about it, so that a kill right after the failure does not forget it. */
  readonly follows?: Consequence;
  /** With `failed`: nobody saw how it ended. */
  readonly isUnseen?: boolean;
}

/** `leave_out`: the step's host may fail, and the run goes on without it. */
export type Consequence = OnFailure | 'leave_out';

export const asDetail = (detail: Note | StepDetail): Json => ({ ...detail }) as Json;

const untouched: StepProgress = {
  status: 'pending',
  failures: 0,
  undoFailures: 0,
  mayHaveEffect: false,
  seq: 0,
  since: undefined,
  until: undefined,
};

export const progressOf = (progress: Progress, step: StepId): StepProgress =>
  progress.steps.get(step) ?? untouched;

/** The progress of a run that has these entries so far. */
export function progressLog(entries: readonly JournalEntry[] = []): ProgressLog {
  const steps = new Map<StepId, StepProgress>();
  const failures: Diagnostic[] = [];
  const hooksEnded = new Set<string>();
  let turnReason: string | undefined;
  let undoReason: string | undefined;
  const promoted = new Set<StepId>();
  let isPromotedFully = false;
  const leftOut = new Set<StepId>();

  const followNote = (note: Note | undefined, step: StepId | undefined): void => {
    if (note?.kind === 'undo') undoReason = note.reason;
    else if (note?.kind === 'abort') turnReason ??= `${note.reason} (${note.by})`;
    else if (note?.kind === 'promote') {
      for (const each of note.steps) promoted.add(each);
      isPromotedFully ||= note.full;
    } else if (note?.kind === 'hook' && note.state !== 'begun') hooksEnded.add(note.key);
    else if (note?.kind === 'undo_failed' && step !== undefined) {
      const before = steps.get(step) ?? untouched;
      steps.set(step, { ...before, undoFailures: before.undoFailures + 1 });
    }
  };
  const follow = (entry: JournalEntry): void => {
    if (entry.failure !== undefined) failures.push(entry.failure);
    if (entry.mark === 'note') followNote(entry.detail as Note | undefined, entry.step);
    else if (entry.step !== undefined) {
      const { follows } = (entry.detail ?? {}) as Partial<StepDetail>;
      if (follows === 'revert') turnReason ??= entry.failure?.summary ?? 'a step failed';
      if (follows === 'leave_out') leftOut.add(entry.step);
      steps.set(entry.step, { ...followMark(steps.get(entry.step) ?? untouched, entry), seq: entry.seq });
    }
  };
  entries.forEach(follow);
  return {
    steps,
    failures,
    hooksEnded,
    promoted,
    leftOut,
    follow,
    get isPromotedFully() {
      return isPromotedFully;
    },
    get turnReason() {
      return turnReason;
    },
    get undoReason() {
      return undoReason;
    },
  };
}

function followMark(before: StepProgress, entry: JournalEntry): StepProgress {
  const detail = (entry.detail ?? {}) as Partial<StepDetail>;
  switch (entry.mark) {
    case 'intended':
      return {
        ...before,
        status: 'intended',
        mayHaveEffect: true,
        since: detail.since === undefined ? before.since : (detail.since as Instant),
        until: detail.until === undefined ? before.until : (detail.until as Instant),
      };
    case 'done':
      return { ...before, status: 'done', mayHaveEffect: detail.mayHaveEffect !== false };
    case 'failed':
      return {
        ...before,
        status: 'failed',
        // The next try looks for the mark of this one: a hook that did run is not run again.
        failures: before.failures + (detail.isUnseen === true ? 0 : 1),
        mayHaveEffect: detail.mayHaveEffect !== false,
        since: undefined,
        until: undefined,
      };
    case 'undoing':
      return {
        ...before,
        status: 'undoing',
        since: detail.since === undefined ? undefined : (detail.since as Instant),
        until: detail.until === undefined ? undefined : (detail.until as Instant),
      };
    case 'undone':
      return { ...before, status: 'undone', mayHaveEffect: false, since: undefined, until: undefined };
    case 'note':
      return before;
  }
}

/**
 * Where a run stands, as the journal says: the same fold serves a run in progress and one that is resumed, so there
 * is no second way to know it.
 */
import type { Diagnostic, Instant, JournalEntry, Json, StepId } from '../model/index.ts';

export type StepStatus = 'pending' | 'intended' | 'done' | 'failed' | 'undoing' | 'undone';

export interface StepProgress {
  readonly status: StepStatus;
  /** How often it has failed, forwards and while being undone: a hook's mark on the host is named by it. */
  readonly failures: number;
  readonly undoFailures: number;
  /** Whether this run may have changed the world with it. False: it failed before, or another had already done it. */
  readonly mayHaveEffect: boolean;
  /** The place of its last mark in the journal: the order of completion. */
  readonly seq: number;
  /** When a wait by the clock is over, whatever happened since it began. */
  readonly until: Instant | undefined;
}

export interface Progress {
  readonly steps: ReadonlyMap<StepId, StepProgress>;
  /** Why the run undoes what it did; undefined: it goes forwards. */
  readonly undoReason: string | undefined;
  readonly failures: readonly Diagnostic[];
  /** Keys of the run's own hooks that were begun, and of those that ended. */
  readonly hooksBegun: ReadonlySet<string>;
  readonly hooksEnded: ReadonlySet<string>;
  readonly isRefreshed: boolean;
}

/** What a `note` says. Written by the engine, read by the engine and by `show`. */
export type Note =
  | { readonly kind: 'resumed' | 'pause' | 'continue'; readonly by: string; readonly reason?: string }
  | { readonly kind: 'stop'; readonly by: string; readonly reason: string; readonly atOnce: boolean }
  /** From here on the run undoes. */
  | { readonly kind: 'undo'; readonly reason: string }
  /** An undo that failed: the step stays `undoing`. */
  | { readonly kind: 'undo_failed' }
  | { readonly kind: 'hook'; readonly key: string; readonly state: 'begun' | 'done' | 'failed' }
  /** The record now says what the plan saw. */
  | { readonly kind: 'refreshed' };

/** What goes with `intended`, `done`, `undone` and `failed`. */
export interface StepDetail {
  readonly op: string;
  readonly elapsedMs?: number;
  /** The world already was so. */
  readonly unchanged?: boolean;
  readonly mayHaveEffect?: boolean;
  readonly until?: number;
}

export const asDetail = (detail: Note | StepDetail): Json => ({ ...detail }) as Json;

const untouched: StepProgress = {
  status: 'pending',
  failures: 0,
  undoFailures: 0,
  mayHaveEffect: false,
  seq: 0,
  until: undefined,
};

export const beginning: Progress = {
  steps: new Map(),
  undoReason: undefined,
  failures: [],
  hooksBegun: new Set(),
  hooksEnded: new Set(),
  isRefreshed: false,
};

export const progressOf = (progress: Progress, step: StepId): StepProgress =>
  progress.steps.get(step) ?? untouched;

/** The progress after one more entry. */
export function follow(progress: Progress, entry: JournalEntry): Progress {
  const failures = entry.failure === undefined ? progress.failures : [...progress.failures, entry.failure];
  const next = { ...progress, failures };
  if (entry.mark === 'note') return followNote(next, entry);
  if (entry.step === undefined) return next;
  const before = progressOf(progress, entry.step);
  const after = { ...followMark(before, entry), seq: entry.seq };
  return { ...next, steps: new Map(progress.steps).set(entry.step, after) };
}

export const followAll = (entries: readonly JournalEntry[]): Progress => entries.reduce(follow, beginning);

function followMark(before: StepProgress, entry: JournalEntry): StepProgress {
  const detail = (entry.detail ?? {}) as Partial<StepDetail>;
  switch (entry.mark) {
    case 'intended':
      return {
        ...before,
        status: 'intended',
        mayHaveEffect: true,
        until: detail.until === undefined ? before.until : (detail.until as Instant),
      };
    case 'done':
      return { ...before, status: 'done', mayHaveEffect: detail.mayHaveEffect !== false };
    case 'failed':
      return {
        ...before,
        status: 'failed',
        failures: before.failures + 1,
        mayHaveEffect: detail.mayHaveEffect !== false,
        until: undefined,
      };
    case 'undoing':
      return { ...before, status: 'undoing' };
    case 'undone':
      return { ...before, status: 'undone', mayHaveEffect: false, until: undefined };
    case 'note':
      return before;
  }
}

function followNote(progress: Progress, entry: JournalEntry): Progress {
  const note = entry.detail as Note | undefined;
  switch (note?.kind) {
    case 'undo':
      return { ...progress, undoReason: note.reason };
    case 'undo_failed': {
      if (entry.step === undefined) return progress;
      const before = progressOf(progress, entry.step);
      const after = { ...before, undoFailures: before.undoFailures + 1 };
      return { ...progress, steps: new Map(progress.steps).set(entry.step, after) };
    }
    case 'hook':
      return note.state === 'begun'
        ? { ...progress, hooksBegun: new Set(progress.hooksBegun).add(note.key) }
        : { ...progress, hooksEnded: new Set(progress.hooksEnded).add(note.key) };
    case 'refreshed':
      return { ...progress, isRefreshed: true };
    default:
      return progress;
  }
}

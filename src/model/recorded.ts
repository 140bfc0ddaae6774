/** What the journal says: intentions before effects, and what was seen after them. */
import type { Declared, ServiceDeclared } from './declared.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Kind, Specs } from './observation.ts';
import type { Plan, RunIntent } from './plan.ts';
import type { Address, Instant, Json, StepId } from './words.ts';

/** Runs are numbered from 1 in each lineage; a run that ends complete is the deployment of that number. */
export type RunNumber = number;

export interface Actor {
  /** `kim@laptop`. */
  readonly who: string;
  readonly pid: number;
  /** The command as it was typed. */
  readonly command: string;
}

export type RunOutcome =
  /** All steps done. */
  | 'complete'
  /** Failed, and every step that was done was undone. Exit 3. */
  | 'reverted'
  /** Stopped part-way: failed with `pause` or `freeze`, interrupted, or undoing failed. Can be resumed. Exit 4. */
  | 'stopped'
  /** Given up by a person: what was done stays, the next plan shows it. */
  | 'abandoned';

/**
 * Marks of one step, in the order in which they can come:
 *
 *   intended ─▶ done ─▶ undoing ─▶ undone
 *      └─────▶ failed ─▶ undoing ─▶ undone         (a failed step may have had an effect)
 *
 * `done` and `undone` come without an intention before them where the world was already so: nothing was performed.
 * After `failed` and `undone`, `intended` may come again when the run is resumed. `note` carries what a person did
 * (pause, continue, abort), what a wait is waiting for (absolute times), and how a stop came about.
 */
export type Mark = 'intended' | 'done' | 'failed' | 'undoing' | 'undone' | 'note';

export interface JournalEntry {
  readonly seq: number;
  readonly at: Instant;
  readonly run: RunNumber;
  readonly step: StepId | undefined;
  readonly mark: Mark;
  /** What was seen after the effect, by address: this is what becomes the record. */
  readonly seen?: readonly RecordedResource[];
  readonly failure?: Diagnostic;
  readonly detail?: Json;
}

export type NewJournalEntry = Omit<JournalEntry, 'seq' | 'run'>;

/** The last value of a resource that a run has seen; spec null: it is gone. */
export type RecordedResource<K extends Kind = Kind> = {
  readonly [Each in K]: {
    readonly kind: Each;
    readonly address: Address;
    readonly spec: Specs[Each] | null;
  };
}[K];

export interface Run {
  readonly run: RunNumber;
  readonly startedAt: Instant;
  readonly endedAt: Instant | undefined;
  readonly outcome: RunOutcome | undefined;
  readonly actor: Actor;
  readonly intent: RunIntent;
  readonly planDigest: string;
}

/** What was to run, without how: little enough to be kept for every run that there was. */
export interface RunReleases {
  readonly services: readonly Pick<ServiceDeclared, 'address' | 'name' | 'release'>[];
}

/** A run that completed: what was declared is what ran. */
export interface Deployment {
  readonly number: RunNumber;
  readonly at: Instant;
  readonly actor: Actor;
  readonly intent: RunIntent;
  readonly declared: Declared;
}

/**
 * What the newest deployment tells that tells anything; undefined: none does. Older ones are not read: a declaration is read
 * when it is asked for, that of a fleet has megabytes, and there may be thousands.
 */
export function newestTold<T>(
  deployments: readonly Deployment[],
  tell: (declared: Declared) => T | undefined,
): T | undefined {
  for (const { declared } of deployments.toReversed()) {
    const told = tell(declared);
    if (told !== undefined) return told;
  }
  return undefined;
}

export interface Recorded {
  readonly lineage: string;
  readonly stateSerial: number;
  readonly resources: readonly RecordedResource[];
  /** Newest last. */
  readonly deployments: readonly Deployment[];
  /** The run that was started and has not ended, or ended `stopped`. At most one: nothing else may start before it is settled. */
  readonly unfinished: Run | undefined;
}

export const emptyRecord = (lineage: string): Recorded => ({
  lineage,
  stateSerial: 0,
  resources: [],
  deployments: [],
  unfinished: undefined,
});

/**
 * A change of the record itself, made by a person and by no run. It is a link of the journal's chain like any other, so
 * what the record was before it is never lost.
 */
export interface RecordEdit {
  readonly at: Instant;
  readonly actor: Actor;
  readonly edit: RecordEditKind;
  /** What is recorded from now on; spec null: forgotten. */
  readonly seen: readonly RecordedResource[];
  /** With `push` and `migrate`: where the content came from. */
  readonly from?: string;
  /** With `migrate`, in the state that was left: where the record is kept from now on. */
  readonly movedTo?: string;
  /**
   * With `push`: the newest run that the replaced state of the same lineage had. Numbers go on from there, because hosts
   * refuse a run that is older than the newest they have seen.
   */
  readonly lastRun?: RunNumber;
}

/** `remove`: forgotten. `import`: taken from what stands in the world. `push`: put back whole. `migrate`: moved. */
export type RecordEditKind = 'remove' | 'import' | 'push' | 'migrate';

/** Who holds the state, in words that let a person find them. */
export interface LockHolder extends Actor {
  readonly id: string;
  readonly since: Instant;
  /** The host name of the machine that holds it. */
  readonly machine: string;
}

/**
 * The record, durably kept. Every method that writes is on the disk when its promise resolves. Writers must hold the
 * lock; a reader needs none.
 */
export interface StateStore extends AsyncDisposable {
  read(): Promise<Recorded>;
  runs(): Promise<readonly Run[]>;
  /** The whole journal of a run, oldest first. */
  journal(run: RunNumber): Promise<readonly JournalEntry[]>;
  planOf(run: RunNumber): Promise<Plan>;
  /** Begins a run with the plan it will perform, never a refresh; its number is one more than any before. */
  begin(plan: Plan, actor: Actor, at: Instant): Promise<RunNumber>;
  append(run: RunNumber, entry: NewJournalEntry): Promise<JournalEntry>;
  /** Ends it; `complete` makes it a deployment. A stopped run that is resumed ends again later. */
  end(run: RunNumber, outcome: RunOutcome, at: Instant): Promise<void>;
  /** Seconds that each kind of step took in earlier runs, newest first, at most 100 a kind. */
  durations(): Promise<Readonly<Record<string, readonly number[]>>>;
}

/**
 * Thrown by a {@link StateStore} that cannot do what it was asked: a full disk, a broken chain, a newer format. What
 * was acknowledged before stays; the write that threw did not happen.
 */
export class StateFailure extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic, cause?: unknown) {
    super(`${diagnostic.summary}: ${diagnostic.detail}`, cause === undefined ? undefined : { cause });
    this.name = 'StateFailure';
    this.diagnostic = diagnostic;
  }
}

/** Steering a run from another process: what the running one hears, and what the asking one is told. */
import type { Control, ControlRequest } from '../engine/control.ts';
import {
  type Clock,
  type Diagnostic,
  type JournalEntry,
  type Run,
  type RunNumber,
  type StateDeclared,
  StateFailure,
} from '../model/index.ts';
import { actorRefusals } from '../planner/policy.ts';
import { isHeld } from '../state/local/lock.ts';
import { type AskedOfRun, openRequests, type Requests } from '../state/local/requests.ts';
import type { AppContext } from './context.ts';
import { AppFailure } from './failure.ts';
import { actorOf, openForReading } from './state.ts';

/** A person who asks sees the answer at once; an idle run costs four reads of a small file a second. */
const pollEveryMs = 250;

/**
 * The control of a run, and beside it what other processes ask, from when the run listens until it stops to. `runNow`
 * tells its number.
 */
export function withRequests(
  local: Control,
  folder: string,
  runNow: () => RunNumber | undefined,
  clock: Clock,
): Control {
  return {
    listen(listener) {
      const unlisten = local.listen(listener);
      const ended = new AbortController();
      void poll(folder, runNow, clock, listener, ended.signal);
      return () => {
        ended.abort();
        unlisten();
      };
    },
  };
}

async function poll(
  folder: string,
  runNow: () => RunNumber | undefined,
  clock: Clock,
  listener: (request: ControlRequest) => void,
  ended: AbortSignal,
): Promise<void> {
  let requests: Requests | undefined;
  try {
    requests = openRequests(folder);
    // What is there was asked of a process that is gone: this one holds the lock.
    requests.clear();
    while (!ended.aborted) {
      const run = runNow();
      for (const asked of run === undefined ? [] : requests.take(run)) listener(requestOf(asked));
      await clock.sleep(pollEveryMs, ended);
    }
  } catch (cause) {
    // The run goes on: its own terminal and signals still steer it, and whoever asks is told that it does not hear.
    if (!(cause instanceof StateFailure)) throw cause;
  } finally {
    requests?.[Symbol.dispose]();
  }
}

function requestOf({ kind, by, reason, full }: AskedOfRun): ControlRequest {
  switch (kind) {
    case 'pause':
    case 'abort':
      return { kind, by, reason };
    case 'continue':
      return { kind, by };
    case 'promote':
      return { kind, by, full };
  }
}

// ── asking ───────────────────────────────────────────────────────────────────────────────────────────

export interface SteerAsk {
  readonly state: StateDeclared;
  /** As it is typed after a command. */
  readonly environment: string;
  readonly kind: AskedOfRun['kind'];
  readonly reason: string;
  readonly full: boolean;
}

export interface Steered {
  readonly run: RunNumber;
  /** Whether the run did something about it: a run that is paused already cannot be paused. */
  readonly isObeyed: boolean;
}

/** How long the run may take until it hears. */
const heardWithinMs = 10_000;
/** And until it has noted in its journal that it obeys. */
const notedWithinMs = 1_500;

/** The run that goes on in some process now; undefined: there is none, or nobody holds the lock any more. */
export async function runGoingOn(state: StateDeclared): Promise<Run | undefined> {
  const { unfinished } = await readUnfinished(state);
  return unfinished !== undefined && isHeld(state.path) ? unfinished : undefined;
}

/** Asks, and waits until the run has heard. Throws an `AppFailure` where no run goes on. */
export async function steer(ask: SteerAsk, cx: AppContext): Promise<Steered> {
  const { state, environment, kind } = ask;
  const { unfinished } = await readUnfinished(state);
  if (unfinished === undefined) throw new AppFailure([noRun(environment)]);
  const { run } = unfinished;
  if (!isHeld(state.path)) throw new AppFailure([runIsGone(unfinished, kind)]);
  await refuseOthers(state, run, kind, cx);

  const before = await notesOf(state, run, kind);
  using requests = openRequests(state.path);
  const { who } = actorOf(cx);
  const id = requests.post({ run, kind, by: who, reason: ask.reason, full: ask.full });
  const giveUpAt = cx.clock.now() + heardWithinMs;
  for (;;) {
    const now = requests.stateOf(id);
    if (now === 'taken') break;
    const { unfinished: still } = await readUnfinished(state);
    // A run that was resumed has the outcome of its stop until it ends again, and then another end.
    const hasEnded = still?.run !== run || still.endedAt !== unfinished.endedAt || !isHeld(state.path);
    if (
      (hasEnded || now === 'gone' || cx.clock.now() >= giveUpAt) &&
      requests.withdraw(id) === (now !== 'gone')
    ) {
      throw new AppFailure([hasEnded ? endedMeanwhile(run) : notHeard(run)]);
    }
    await cx.clock.sleep(pollEveryMs / 2);
  }
  const until = cx.clock.now() + notedWithinMs;
  for (;;) {
    if ((await notesOf(state, run, kind)) > before) return { run, isObeyed: true };
    if (cx.clock.now() >= until) return { run, isObeyed: false };
    await cx.clock.sleep(pollEveryMs / 2);
  }
}

async function readUnfinished(state: StateDeclared): Promise<{ readonly unfinished: Run | undefined }> {
  await using store = await openForReading(state);
  return await store.read();
}

/** To stop a run is for everybody; to let it go on is for those whom the policy of its plan names. */
async function refuseOthers(
  state: StateDeclared,
  run: RunNumber,
  kind: AskedOfRun['kind'],
  cx: AppContext,
): Promise<void> {
  if (kind === 'pause' || kind === 'abort') return;
  await using store = await openForReading(state);
  const refused = actorRefusals((await store.planOf(run)).declared.policy, actorOf(cx).who);
  if (refused.length > 0) throw new AppFailure(refused);
}

/** How often the run has noted that somebody asked for this. */
async function notesOf(state: StateDeclared, run: RunNumber, kind: string): Promise<number> {
  await using store = await openForReading(state);
  const isNote = ({ mark, detail }: JournalEntry): boolean =>
    mark === 'note' &&
    typeof detail === 'object' &&
    detail !== null &&
    'kind' in detail &&
    detail.kind === kind;
  return (await store.journal(run)).filter(isNote).length;
}

// ── what is said ─────────────────────────────────────────────────────────────────────────────────────

const noRun = (environment: string): Diagnostic => ({
  code: 'no-run-in-progress',
  severity: 'error',
  summary: 'No run is in progress',
  detail: `Nothing is going on in ${environment}, and no run stopped part-way.`,
  hint: `What was done:  deployctl history ENV`,
});

const runIsGone = ({ run, actor, outcome }: Run, kind: string): Diagnostic => ({
  code: 'run-not-alive',
  severity: 'error',
  summary: 'The run is not going on',
  detail: `Run ${run} of ${actor.who} ${outcome === undefined ? 'died' : 'stopped'} part-way, so nobody is there to ${kind === 'promote' ? 'be promoted' : kind}.`,
  hint: `Go on with it:        deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV`,
});

const endedMeanwhile = (run: RunNumber): Diagnostic => ({
  code: 'run-ended-meanwhile',
  severity: 'error',
  summary: 'The run ended before it heard',
  detail: `Run ${run} was over when it was asked. The request was taken back.`,
  hint: `How it ended:  deployctl show ENV ${run}\nWhere things stand:  deployctl status ENV`,
});

const notHeard = (run: RunNumber): Diagnostic => ({
  code: 'run-does-not-hear',
  severity: 'error',
  summary: 'The run does not answer',
  detail: `Run ${run} is there and took no notice for ${heardWithinMs / 1000} s. The request was taken back, so it will not act on it later.`,
  hint: `Its process may be stopped, or another command may hold the lock. See:  deployctl status ENV`,
});

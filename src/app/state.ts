/** The recorded state of an environment: read without a lock, written under it. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { parseDuration, type Refusal } from '../config/quantities.ts';
import {
  type Actor,
  type Diagnostic,
  type LockHolder,
  type RecordEdit,
  type Recorded,
  type StateDeclared,
  StateFailure,
} from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import { acquireLock, removeLock, type StateLock } from '../state/local/lock.ts';
import { type LocalState, openLocalState } from '../state/local/store.ts';
import type { AppContext } from './context.ts';
import { AppFailure } from './failure.ts';
import { operatorName } from './operator.ts';

/** Throws a `StateFailure` where the state was moved elsewhere. */
export const openForReading = (state: StateDeclared): Promise<LocalState> => openUnmoved(state, false);

export async function readRecorded(state: StateDeclared): Promise<Recorded> {
  await using store = await openForReading(state);
  return await store.read();
}

export interface LockAsk {
  readonly environment: string;
  /** How long to wait for another holder, as it was typed: `30s`. */
  readonly timeout: string;
}

/** Throws an `AppFailure` with exit code 5 that says who holds it. */
export async function lockState(state: StateDeclared, ask: LockAsk, cx: AppContext): Promise<StateLock> {
  const timeoutMs = parseDuration(ask.timeout);
  if (typeof timeoutMs !== 'number') throw new AppFailure([badTimeout(ask.timeout, timeoutMs)]);
  const holder: LockHolder = {
    ...actorOf(cx),
    id: randomUUID(),
    since: cx.clock.now(),
    machine: hostname(),
  };
  const lock = await acquireLock(state.path, holder, {
    timeoutMs,
    clock: cx.clock,
    environment: ask.environment,
  });
  if (!lock.ok) throw new AppFailure(lock.diagnostics, 5);
  cx.trace?.info(`holding the lock of ${state.path}`);
  return lock.value;
}

/** The caller holds the lock. Throws a `StateFailure` where the state was moved elsewhere. */
export const openForWriting = (state: StateDeclared): Promise<LocalState> => openUnmoved(state, true);

/** Whoever still has the old configuration must not go on with what was left behind. */
async function openUnmoved({ path }: StateDeclared, create: boolean): Promise<LocalState> {
  const store = await openLocalState(path, { create, randomUUID: () => randomUUID() });
  const last = (await store.edits()).at(-1);
  if (last?.movedTo === undefined) return store;
  await store[Symbol.asyncDispose]();
  throw new StateFailure(movedAway(path, last));
}

const movedAway = (path: string, { movedTo = '', at, actor }: RecordEdit): Diagnostic => ({
  code: 'state-moved',
  severity: 'error',
  summary: 'The recorded state was moved',
  detail: `What was in ${path} was moved to ${movedTo} by ${actor.who} on ${new Date(at).toISOString().slice(0, 10)}, and is kept up to date there. Nothing was changed.`,
  hint: `Get the newest configuration, or declare the state there: state "local" { path = ... }. To bring it back to ${path}:
    deployctl state migrate ENV --from ${shellWord(movedTo)}`,
});

export const actorOf = (cx: Pick<AppContext, 'call' | 'environment'>): Actor => ({
  who: `${userName(cx.environment)}@${hostname()}`,
  pid: process.pid,
  command: cx.call.commandLine,
});

/** On an account that several share, DEPLOYCTL_ACTOR says who it is. Like the author of a commit, it is not proved. */
function userName(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment['DEPLOYCTL_ACTOR'];
  if (named !== undefined && /^[\w.+-]{1,64}$/.test(named)) return named;
  return operatorName(environment);
}

const badTimeout = (text: string, { refused, hint }: Refusal): Diagnostic => ({
  code: 'duration-invalid',
  severity: 'error',
  summary: 'Not a duration',
  detail: `--lock-timeout is "${text}": ${refused}`,
  ...(hint === undefined ? {} : { hint }),
});

/** Throws an `AppFailure` where the lock is held by something that lives, or is another one. */
export function unlockState(state: StateDeclared, id: string): void {
  const refused = removeLock(state.path, id);
  if (refused !== undefined) throw new AppFailure([refused]);
}

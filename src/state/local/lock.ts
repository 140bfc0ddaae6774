/**
 * The exclusive lock of a state: a second SQLite file held by a transaction that never ends. Its fcntl lock is freed
 * by the kernel when the process dies, however it dies, so no stale lock can keep anybody out. Who holds it is
 * written beside it, for people to read; that record decides nothing.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock, Diagnostic, LockHolder, Outcome } from '../../model/index.ts';
import { StateFailure } from '../../model/index.ts';
import { syncFolder } from './database.ts';
import { prepareFolder, refuseSymbolicLink } from './folder.ts';
import { processLives } from './process-lives.ts';

export interface LockOptions {
  /** How long to wait for another holder; 0: one try. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** As the user would type it: the error's `deployctl unlock` line names it. */
  readonly environment: string;
  readonly signal?: AbortSignal;
}

/** Held until it is disposed of, or until the process ends. */
export interface StateLock extends AsyncDisposable {
  readonly holder: LockHolder;
}

const lockFile = (folder: string): string => join(folder, 'lock.sqlite');
const holderFile = (folder: string): string => join(folder, 'lock.json');

const firstWaitMs = 25;
const longestWaitMs = 1_000;

/**
 * How long a lock that nobody holds by name is tried again. A new holder may not have written its record yet; and those
 * who try in the same moment can be in each other's way, so that none has it: on its way to an exclusive lock SQLite
 * takes a shared one, and with that keeps the others from theirs.
 */
const namelessForMs = 500;

/**
 * Takes the lock, waiting up to `timeoutMs`. Not taken: a diagnostic that names who holds it, from where, since when,
 * with which command, and the line that clears a left-over record (the caller exits 5). Throws a StateFailure if the
 * folder cannot hold a lock at all.
 */
export async function acquireLock(
  folder: string,
  holder: LockHolder,
  options: LockOptions,
): Promise<Outcome<StateLock>> {
  prepareFolder(folder);
  const started = options.clock.now();
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    const held = tryHold(folder);
    if (held !== undefined) return { ok: true, value: own(folder, holder, held), diagnostics: [] };
    const other = readHolder(folder);
    const isNamed = other !== undefined && !isKnownDead(other);
    const patienceMs = isNamed ? options.timeoutMs : Math.max(options.timeoutMs, namelessForMs);
    const leftMs = started + patienceMs - options.clock.now();
    if (leftMs <= 0 || options.signal?.aborted === true) {
      return { ok: false, diagnostics: [lockedBy(other, options)] };
    }
    await options.clock.sleep(Math.min(isNamed ? waitMs : firstWaitMs, leftMs), options.signal);
  }
}

/** The record of who holds the lock; undefined: nobody says so. Takes no lock and changes nothing. */
export function readHolder(folder: string): LockHolder | undefined {
  let text: string;
  try {
    text = readFileSync(holderFile(folder), 'utf8');
  } catch {
    return undefined;
  }
  try {
    const holder: unknown = JSON.parse(text);
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether some process holds the lock now. The kernel says so, not the record: that may be of a process that died, and its
 * number may be another's by now. Who takes the lock in the same moment tries again, and so is not kept from it. Throws a
 * StateFailure where the file cannot be read.
 */
export function isHeld(folder: string): boolean {
  const file = lockFile(folder);
  if (!existsSync(file)) return false;
  refuseSymbolicLink(file);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    database.prepare('PRAGMA schema_version').get();
    return false;
  } catch (cause) {
    if (isBusy(cause)) return true;
    throw noLock(file, cause);
  } finally {
    database?.close();
  }
}

/**
 * Clears the record that a dead holder left. Refuses while a live process really holds the lock, because two writers
 * would undo each other's work; there the way is to end that process. undefined: cleared.
 */
export function removeLock(folder: string, id: string): Diagnostic | undefined {
  const recorded = readHolder(folder);
  const refuse = (code: string, summary: string, detail: string, hint: string): Diagnostic => ({
    code,
    severity: 'error',
    summary,
    detail,
    hint,
  });
  if (recorded === undefined && !existsSync(lockFile(folder))) return nothingHeld(folder);
  const held = tryHold(folder);
  try {
    if (held === undefined) {
      const whom = recorded === undefined ? 'a process that did not say who it is' : describe(recorded);
      return refuse(
        'lock-held-by-live-process',
        'The lock is held by a running process',
        `${whom} holds it right now. The kernel frees it as soon as that process ends, so nothing else has to be cleared.`,
        recorded === undefined
          ? `Find the process: fuser -v ${lockFile(folder)}`
          : `Let it finish, or stop it on ${recorded.machine}: kill -INT ${recorded.pid}`,
      );
    }
    if (recorded === undefined) return nothingHeld(folder);
    if (recorded.id !== id) {
      return refuse(
        'lock-id-differs',
        'The lock has another id',
        `The record in ${folder} has id ${recorded.id} (${describe(recorded)}), not ${id}.`,
        'Check that this is the lock you mean, and give its id.',
      );
    }
    rmSync(holderFile(folder), { force: true });
    return undefined;
  } finally {
    held?.close();
  }
}

const nothingHeld = (folder: string): Diagnostic => ({
  code: 'lock-not-held',
  severity: 'error',
  summary: 'There is no lock to remove',
  detail: `Nobody holds the lock in ${folder}, and no record of a holder is left.`,
  hint: 'Nothing has to be done: the next run will take the lock.',
});

/** Takes the kernel's lock; undefined: somebody else has it, or is trying it. */
function tryHold(folder: string): DatabaseSync | undefined {
  const file = lockFile(folder);
  refuseSymbolicLink(file);
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (cause) {
    // It is there already. It is never opened but by SQLite: closing another descriptor would free our own lock.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw noLock(file, cause);
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written to it, so it needs no rollback journal.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    if (isBusy(cause)) return undefined;
    throw noLock(file, cause);
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED: another has it. */
function isBusy(cause: unknown): boolean {
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
  return code === 5 || code === 6;
}

const noLock = (file: string, cause: unknown): StateFailure =>
  new StateFailure(
    {
      code: 'lock-unusable',
      severity: 'error',
      summary: 'The lock of the state cannot be taken',
      detail: `${file}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      hint: 'Check the modes and the owner of the folder, and that its disk is not full. The file holds nothing: if nobody runs deployctl, it may be removed.',
    },
    cause,
  );

function own(folder: string, holder: LockHolder, held: DatabaseSync): StateLock {
  try {
    writeHolder(folder, holder);
  } catch (cause) {
    held.close();
    throw noLock(holderFile(folder), cause);
  }
  let isHeld = true;
  return {
    holder,
    async [Symbol.asyncDispose]() {
      if (!isHeld) return;
      isHeld = false;
      // The record goes first: after the lock is free it may already be another's.
      rmSync(holderFile(folder), { force: true });
      held.close();
    },
  };
}

/** Whole or not at all: a reader never sees half a record. */
function writeHolder(folder: string, holder: LockHolder): void {
  const fresh = `${holderFile(folder)}.${holder.pid}`;
  rmSync(fresh, { force: true });
  const handle = openSync(fresh, 'wx', 0o600);
  try {
    writeFileSync(handle, `${JSON.stringify(holder)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, holderFile(folder));
  syncFolder(folder);
}

const isKnownDead = ({ machine, pid }: LockHolder): boolean => machine === hostname() && !processLives(pid);

function lockedBy(holder: LockHolder | undefined, options: LockOptions): Diagnostic {
  const waited = options.timeoutMs > 0 ? ` It was waited for during ${duration(options.timeoutMs)}.` : '';
  const common = {
    code: 'state-locked',
    severity: 'error',
    summary: 'Another run holds the lock',
  } as const;
  if (holder === undefined) {
    return {
      ...common,
      detail: `A process that has not said who it is holds the lock of ${options.environment}.${waited} Nothing was changed.`,
      hint: 'Try again, or wait for it: --lock-timeout 5m',
    };
  }
  const age = duration(Math.max(0, options.clock.now() - holder.since));
  return {
    ...common,
    detail: `${describe(holder)} has held the lock of ${options.environment} for ${age}. Lock id: ${holder.id}.${waited} Nothing was changed.`,
    hint: `Wait for it: --lock-timeout 5m. If that process is gone:\n    deployctl unlock ENV ${holder.id}`,
  };
}

const describe = (holder: LockHolder): string =>
  `${holder.who} (process ${holder.pid} on ${holder.machine}, command: ${holder.command})`;

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function isHolder(value: unknown): value is LockHolder {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['id', 'who', 'machine', 'command'];
  const numbers = ['pid', 'since'];
  const fields: Record<string, unknown> = { ...value };
  return (
    texts.every((key) => typeof fields[key] === 'string') &&
    numbers.every((key) => typeof fields[key] === 'number')
  );
}

/**
 * Opens and makes the SQLite file. Its promise of durability stands on WAL with synchronous=FULL (each commit is one
 * fsync), so both are asserted, not assumed: with NORMAL, a power cut loses acknowledged records.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StateFailure } from '../../model/index.ts';
import { genesis } from './chain.ts';
import { busy, corrupted, diskFull, newerFormat, notAState, unreadable, writeFailed } from './failures.ts';
import { refuseSymbolicLink, stateFile } from './folder.ts';

/** Format of the tables below, kept in `user_version`. A newer one is refused; an older one would be migrated here. */
export const stateFormat = 1;

/** `application_id`: "dplc". What does not carry it was not made by deployctl. */
const applicationId = 0x64706c63;

const busyTimeoutMs = 5_000;

const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- The journal. kind: begin, end, or the mark of an entry. The state serial is the last seq.
  CREATE TABLE chain (
    seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX chain_run ON chain (run);
  CREATE INDEX chain_kind ON chain (kind);
  -- Plans and declarations, deflated, named by the SHA-256 of these bytes, which a link of the chain carries.
  CREATE TABLE blob (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  -- The fold of everything seen: derived from the chain, kept so that reading need not replay it.
  CREATE TABLE resource (address TEXT PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const primaryCode = (cause: unknown): number | undefined =>
  cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number'
    ? cause.errcode & 0xff
    : undefined;

export const isDiskFull = (cause: unknown): boolean => primaryCode(cause) === 13;

/** Says a failure of SQLite's in our words. `while`: a failed write is told apart from a failed open. */
export function stateFailure(file: string, during: 'open' | 'write', cause: unknown): StateFailure {
  if (cause instanceof StateFailure) return cause;
  switch (primaryCode(cause)) {
    case 5:
    case 6:
      return busy(file, cause);
    case 11:
      return corrupted(file, 'SQLite finds its pages damaged', cause);
    case 13:
      return diskFull(file, cause);
    case 26:
      return notAState(file);
    default:
      return during === 'open' ? unreadable(file, cause) : writeFailed(file, cause);
  }
}

function number(database: DatabaseSync, pragma: string): number {
  const value = Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
  if (typeof value !== 'number') throw new Error(`PRAGMA ${pragma} gave no number`);
  return value;
}

/** Refuses what deployctl did not make, and what a newer one made, through a connection that cannot write. */
function checkFormat(file: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  try {
    if (number(database, 'application_id') !== applicationId) throw notAState(file);
    const format = number(database, 'user_version');
    if (format > stateFormat) throw newerFormat(file, format, stateFormat);
  } finally {
    database.close();
  }
}

function configure(database: DatabaseSync): void {
  database.exec('PRAGMA synchronous = FULL');
  if (number(database, 'synchronous') !== 2) throw new Error('SQLite did not accept synchronous=FULL');
  // Read pages are checked against the file's own rules; a damaged one must not become a plausible value.
  database.exec('PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF');
}

function makeTables(database: DatabaseSync, lineage: string): void {
  database.exec(`BEGIN; ${schema}`);
  const put = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  put.run('lineage', lineage);
  put.run('head', genesis(lineage));
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${stateFormat}; COMMIT`);
}

export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** A state that lives as long as the process: for simulations. */
export function memoryDatabase(lineage: string): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  makeTables(database, lineage);
  return database;
}

/**
 * Makes an empty state: in a folder of its own first, checkpointed, synced, and only then renamed into place. Made
 * in place, the hot rollback journal of the first switch to WAL could come back after a power cut and undo the
 * switch together with what was committed since.
 */
export function createDatabase(folder: string, lineage: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.new-')) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const nursery = join(folder, `.new-${lineage}`);
  mkdirSync(nursery, { mode: 0o700 });
  const file = stateFile(nursery);
  try {
    // O_EXCL and 0600 before the first byte; SQLite gives the -wal and -shm files the same mode.
    closeSync(openSync(file, 'wx', 0o600));
    const database = new DatabaseSync(file);
    try {
      database.exec('PRAGMA journal_mode = WAL');
      configure(database);
      makeTables(database, lineage);
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      database.close();
    }
    const handle = openSync(file, 'r+');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(file, stateFile(folder));
  } catch (cause) {
    throw stateFailure(stateFile(folder), 'write', cause);
  } finally {
    rmSync(nursery, { recursive: true, force: true });
  }
  syncFolder(folder);
}

/**
 * Opens the state that is there. A reader may not write a row, but opens for writing where it can: after a crash the
 * first to come must replay the WAL, and the last to leave clears it away.
 *
 * The file itself is never opened by other means than SQLite: closing any descriptor of it would drop the locks that
 * this process holds (fcntl(2)).
 */
export function openDatabase(folder: string, access: 'read' | 'write'): DatabaseSync {
  const file = stateFile(folder);
  try {
    for (const suffix of ['', '-wal', '-shm']) refuseSymbolicLink(`${file}${suffix}`);
    checkFormat(file);
    const database = connect(file, access);
    if (access === 'read') {
      database.exec('PRAGMA query_only = ON');
      return database;
    }
    const mode = Object.values(database.prepare('PRAGMA journal_mode').get() ?? {})[0];
    if (mode !== 'wal') {
      database.close();
      throw corrupted(file, `its journal mode is ${String(mode)}, and deployctl writes only WAL`);
    }
    configure(database);
    return database;
  } catch (cause) {
    throw stateFailure(file, 'open', cause);
  }
}

function connect(file: string, access: 'read' | 'write'): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    // SQLite falls back to read-only by itself; this makes it say so now rather than at the first write.
    if (access === 'write') database.exec('BEGIN IMMEDIATE; ROLLBACK');
    return database;
  } catch (cause) {
    if (access === 'write') throw cause;
    return new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  }
}

export const stateExists = (folder: string): boolean => existsSync(stateFile(folder));

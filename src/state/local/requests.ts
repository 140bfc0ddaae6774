/**
 * What other processes ask of the run in progress: one row each, in a file of its own beside the state, so that the
 * record has one writer still. The running engine takes a row at most once; whoever asked sees that it was taken.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type RunNumber, StateFailure } from '../../model/index.ts';
import { refuseSymbolicLink } from './folder.ts';

export interface AskedOfRun {
  readonly run: RunNumber;
  readonly kind: 'pause' | 'continue' | 'promote' | 'abort';
  /** `kim@laptop`. */
  readonly by: string;
  readonly reason: string;
  /** With `promote`: nothing more is waited for. */
  readonly full: boolean;
}

export type RequestState = 'waiting' | 'taken' | 'gone';

/** Throws a StateFailure where the file cannot be used. */
export interface Requests extends Disposable {
  /** Durable when it returns. Gives what names it. */
  post(request: AskedOfRun): number;
  stateOf(id: number): RequestState;
  /** Takes back one that nobody took. false: it was taken. */
  withdraw(id: number): boolean;
  /** All that wait for this run, in their order; from then on they are taken. */
  take(run: RunNumber): readonly AskedOfRun[];
  /** Forgets everything: what was asked of a process that died is not asked of the one that resumes. */
  clear(): void;
}

const busyTimeoutMs = 2_000;

const table = `CREATE TABLE IF NOT EXISTS request (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, body TEXT NOT NULL, taken INTEGER NOT NULL DEFAULT 0
) STRICT`;

export function openRequests(folder: string): Requests {
  const file = join(folder, 'requests.sqlite');
  refuseSymbolicLink(file);
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw unusable(file, cause);
    }
  };
  const database = guarded(() => {
    // 0600 before the first byte. It is opened by other means than SQLite only where it does not exist yet.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    const opened = new DatabaseSync(file, { timeout: busyTimeoutMs });
    opened.exec(table);
    return opened;
  });
  return {
    post: (request) =>
      guarded(() => {
        const insert = database.prepare('INSERT INTO request (run, body) VALUES (?, ?)');
        return Number(insert.run(request.run, JSON.stringify(request)).lastInsertRowid);
      }),
    stateOf: (id) =>
      guarded(() => {
        const row = database.prepare('SELECT taken FROM request WHERE id = ?').get(id);
        if (row === undefined) return 'gone';
        return row['taken'] === 1 ? 'taken' : 'waiting';
      }),
    withdraw: (id) =>
      guarded(() => database.prepare('DELETE FROM request WHERE id = ? AND taken = 0').run(id).changes === 1),
    take: (run) =>
      guarded(() =>
        database
          .prepare('UPDATE request SET taken = 1 WHERE run = ? AND taken = 0 RETURNING id, body')
          .all(run)
          .toSorted((a, b) => Number(a['id']) - Number(b['id']))
          .map((row) => JSON.parse(String(row['body'])) as AskedOfRun),
      ),
    clear: () => guarded(() => database.exec('DELETE FROM request')),
    [Symbol.dispose]: () => database.close(),
  };
}

const unusable = (file: string, cause: unknown): StateFailure =>
  new StateFailure(
    {
      code: 'requests-unusable',
      severity: 'error',
      summary: 'The run in progress cannot be told anything',
      detail: `${file}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      hint: 'Check that you are the user who owns it and that its disk is not full. In the terminal of the run, p pauses and a aborts.',
    },
    cause,
  );

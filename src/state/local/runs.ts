/** The runs that the journal tells of. What was read is kept: a journal of years is not read again for each question. */
import type { Actor, Instant, Run, RunIntent, RunNumber, RunOutcome } from '../../model/index.ts';
import { brokenAt, genesis } from './chain.ts';
import { corrupted } from './failures.ts';
import { linkOf, type Row, textOf } from './rows.ts';

/** The first link of a run. `plan` and `declared` name blobs. */
export interface BeginBody {
  readonly run: RunNumber;
  readonly at: Instant;
  readonly actor: Actor;
  readonly intent: RunIntent;
  readonly planDigest: string;
  readonly plan: string;
  readonly declared: string;
}

/** The last link of a run, or of the part of it that ended `stopped`. */
export interface EndBody {
  readonly run: RunNumber;
  readonly at: Instant;
  readonly outcome: RunOutcome;
}

export interface RunRecord {
  readonly run: Run;
  readonly begin: BeginBody;
}

export class Runs {
  readonly #query: (sql: string, ...values: readonly number[]) => readonly Row[];
  readonly #where: string;
  /** As far as they were read, and the link up to which they were. */
  #known: { seq: number; hash: string | undefined; runs: Map<RunNumber, RunRecord> } = {
    seq: 0,
    hash: undefined,
    runs: new Map(),
  };

  constructor(query: (sql: string, ...values: readonly number[]) => readonly Row[], where: string) {
    this.#query = query;
    this.#where = where;
  }

  /** Each link of a run's beginning and end is checked. Oldest first. */
  read(): readonly RunRecord[] {
    const [last] = this.#query('SELECT hash FROM chain WHERE seq = ?', this.#known.seq);
    // What was read may have been rolled back, or replaced by another process.
    if (last?.['hash'] !== this.#known.hash) this.#known = { seq: 0, hash: undefined, runs: new Map() };
    const { seq, runs } = this.#known;
    const rows = this.#query(
      `SELECT link.seq, link.kind, link.body, link.hash, before.hash AS before
         FROM chain AS link LEFT JOIN chain AS before ON before.seq = link.seq - 1
        WHERE link.kind IN ('begin', 'end') AND link.seq > ? ORDER BY link.seq`,
      seq,
    );
    for (const row of rows) {
      const link = linkOf(row);
      const before =
        link.seq === 1
          ? genesis(textOf(this.#query(`SELECT value FROM meta WHERE key = 'lineage'`)[0], 'value'))
          : textOf(row, 'before');
      const broken = brokenAt(before, [link], link.seq);
      if (broken !== undefined) throw corrupted(this.#where, broken);
      if (link.kind === 'begin') {
        const begin = JSON.parse(link.body) as BeginBody;
        const { run, at, actor, intent, planDigest } = begin;
        const ends = { endedAt: undefined, outcome: undefined };
        runs.set(run, { begin, run: { run, startedAt: at, ...ends, actor, intent, planDigest } });
      } else {
        const { run, at, outcome } = JSON.parse(link.body) as EndBody;
        const ended = runs.get(run);
        if (ended === undefined) throw corrupted(this.#where, `run ${run} ends without having begun`);
        runs.set(run, { ...ended, run: { ...ended.run, endedAt: at, outcome } });
      }
      this.#known = { seq: link.seq, hash: link.hash, runs };
    }
    return [...runs.values()];
  }
}

/** The tables of the state as typed values: every row that is read is checked against its hash. */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type Actor,
  canonicalJson,
  type Instant,
  type RecordEdit,
  type RecordedResource,
  type Run,
  type RunIntent,
  type RunNumber,
  type RunOutcome,
  StateFailure,
} from '../../model/index.ts';
import { brokenAt, genesis, type Link, linkHash } from './chain.ts';
import type { StateCopy } from './copy.ts';
import { stateFailure } from './database.ts';
import { corrupted } from './failures.ts';
import { bytesOf, integerOf, linkOf, pack, type Row, RowDamage, textOf, unpack } from './rows.ts';

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

/** The kind of a link that holds a {@link RecordEdit}, and the number of the run that it belongs to: none. */
const editKind = 'edit';
const noRun = 0;

const sha256Of = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

export class Tables {
  /** How errors name it: the path of the file. */
  readonly where: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, where: string) {
    this.#database = database;
    this.where = where;
  }

  /** All that `look` reads is of one moment, whoever writes meanwhile. Throws a StateFailure. */
  snapshot<T>(look: () => T): T {
    try {
      this.#database.exec('BEGIN');
      try {
        return look();
      } finally {
        if (this.#database.isTransaction) this.#database.exec('COMMIT');
      }
    } catch (cause) {
      throw this.failure('open', cause);
    }
  }

  /** On the disk when this returns, or not there at all. Throws what SQLite throws: see {@link failure}. */
  transaction<T>(effect: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = effect();
      this.#database.exec('COMMIT');
      return result;
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw cause;
    }
  }

  failure(during: 'open' | 'write', cause: unknown): StateFailure {
    if (cause instanceof StateFailure) return cause;
    if (cause instanceof RowDamage) return corrupted(this.where, cause.message, cause);
    if (cause instanceof SyntaxError) return corrupted(this.where, 'a record is not JSON', cause);
    return stateFailure(this.where, during, cause);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────

  lineage(): string {
    return this.#meta('lineage');
  }

  /** One more with each write: the newest link's place in the chain. */
  serial(): number {
    return integerOf(this.#all('SELECT coalesce(max(seq), 0) AS serial FROM chain')[0], 'serial');
  }

  /** The links of a run, checked. Empty: there is no such run. */
  linksOf(run: RunNumber): readonly Link[] {
    const links = this.#all('SELECT seq, kind, body, hash FROM chain WHERE run = ? ORDER BY seq', run).map(
      linkOf,
    );
    const [first] = links;
    if (first !== undefined) this.#expectWhole(brokenAt(this.#hashBefore(first.seq), links, first.seq));
    return links;
  }

  /** Every link, with the chain checked from the lineage to its head. */
  allLinks(): readonly Link[] {
    const links = this.#all('SELECT seq, kind, body, hash FROM chain ORDER BY seq').map(linkOf);
    const start = genesis(this.lineage());
    this.#expectWhole(brokenAt(start, links, 1));
    const isWhole = (links.at(-1)?.hash ?? start) === this.#meta('head');
    this.#expectWhole(isWhole ? undefined : 'the newest journal entries are missing');
    return links;
  }

  /** The newest bodies of one kind of link, newest first. */
  newest(kind: string, most: number): readonly string[] {
    return this.#all('SELECT body FROM chain WHERE kind = ? ORDER BY seq DESC LIMIT ?', kind, most).map(
      (row) => textOf(row, 'body'),
    );
  }

  runs(): readonly RunRecord[] {
    const runs = new Map<RunNumber, RunRecord>();
    const rows = this.#all(
      `SELECT link.seq, link.kind, link.body, link.hash, before.hash AS before
         FROM chain AS link LEFT JOIN chain AS before ON before.seq = link.seq - 1
        WHERE link.kind IN ('begin', 'end') ORDER BY link.seq`,
    );
    for (const row of rows) {
      const link = linkOf(row);
      const before = link.seq === 1 ? genesis(this.lineage()) : textOf(row, 'before');
      this.#expectWhole(brokenAt(before, [link], link.seq));
      if (link.kind === 'begin') {
        const begin = JSON.parse(link.body) as BeginBody;
        const { run, at, actor, intent, planDigest } = begin;
        const ends = { endedAt: undefined, outcome: undefined };
        runs.set(run, { begin, run: { run, startedAt: at, ...ends, actor, intent, planDigest } });
      } else {
        const { run, at, outcome } = JSON.parse(link.body) as EndBody;
        const ended = runs.get(run);
        if (ended === undefined) throw corrupted(this.where, `run ${run} ends without having begun`);
        runs.set(run, { ...ended, run: { ...ended.run, endedAt: at, outcome } });
      }
    }
    return [...runs.values()];
  }

  resources(): readonly RecordedResource[] {
    return this.#all('SELECT address, body, hash FROM resource ORDER BY address').map((row) => {
      const body = textOf(row, 'body');
      const address = textOf(row, 'address');
      const resource = JSON.parse(body) as RecordedResource;
      const isWhole = sha256Of(body) === textOf(row, 'hash') && resource.address === address;
      this.#expectWhole(isWhole ? undefined : `the recorded ${address} does not match its hash`);
      return resource;
    });
  }

  /** A plan or a declaration, still packed, its bytes checked. */
  blob(sha256: string): Uint8Array {
    const [row] = this.#all('SELECT bytes FROM blob WHERE sha256 = ?', sha256);
    if (row === undefined) throw corrupted(this.where, 'a plan that the journal names is missing');
    const bytes = bytesOf(row, 'bytes');
    this.#expectWhole(
      sha256Of(bytes) === sha256 ? undefined : 'a plan that the journal names does not match its hash',
    );
    return bytes;
  }

  /** Everything, and that the recorded resources are what the chain yields. Gives the number of links. */
  verify(): number {
    const [verdict] = this.#all('PRAGMA integrity_check(1)');
    const isSound = Object.values(verdict ?? {})[0] === 'ok';
    this.#expectWhole(isSound ? undefined : 'SQLite finds its pages damaged');
    const links = this.allLinks();
    const folded = new Map<string, string>();
    for (const link of links) {
      const {
        plan,
        declared,
        seen = [],
      } = JSON.parse(link.body) as Partial<BeginBody> & {
        readonly seen?: readonly RecordedResource[];
      };
      for (const sha256 of [plan, declared]) if (sha256 !== undefined) this.blob(sha256);
      for (const resource of seen) {
        if (resource.spec === null) folded.delete(resource.address);
        else folded.set(resource.address, canonicalJson(resource));
      }
    }
    const kept = new Map<string, string>(this.resources().map((each) => [each.address, canonicalJson(each)]));
    for (const address of new Set([...folded.keys(), ...kept.keys()])) {
      const isSame = folded.get(address) === kept.get(address);
      this.#expectWhole(isSame ? undefined : `the recorded ${address} is not what the journal says`);
    }
    return links.length;
  }

  /** Changes of the record by people, oldest first. */
  edits(): readonly RecordEdit[] {
    return this.#all('SELECT body FROM chain WHERE kind = ? ORDER BY seq', editKind).map(
      (row) => JSON.parse(textOf(row, 'body')) as RecordEdit,
    );
  }

  /** Everything as it is kept, the chain checked. */
  copy(): StateCopy {
    const links = this.allLinks();
    const blobs = this.#all('SELECT sha256, bytes FROM blob ORDER BY sha256').map((row) => [
      textOf(row, 'sha256'),
      Buffer.from(bytesOf(row, 'bytes')).toString('base64'),
    ]);
    return { lineage: this.lineage(), links, blobs: Object.fromEntries(blobs) as StateCopy['blobs'] };
  }

  // ── writing, inside a transaction ────────────────────────────────────────────────────────────────

  /** Adds a link to the chain; `bodyAt` is told its place. */
  link(run: RunNumber, kind: string, bodyAt: (seq: number) => string): Link {
    const seq = this.serial() + 1;
    const body = bodyAt(seq);
    const hash = linkHash(this.#meta('head'), seq, kind, body);
    const insert = 'INSERT INTO chain (seq, run, kind, body, hash) VALUES (?, ?, ?, ?, ?)';
    this.#run(insert, seq, run, kind, body, hash);
    this.#run(`UPDATE meta SET value = ? WHERE key = 'head'`, hash);
    return { seq, kind, body, hash };
  }

  /** The last value seen of a resource becomes its record. */
  fold(resource: RecordedResource): void {
    if (resource.spec === null) {
      this.#run('DELETE FROM resource WHERE address = ?', resource.address);
      return;
    }
    const body = canonicalJson(resource);
    const insert = 'INSERT OR REPLACE INTO resource (address, body, hash) VALUES (?, ?, ?)';
    this.#run(insert, resource.address, body, sha256Of(body));
  }

  edit(edit: RecordEdit): void {
    this.link(noRun, editKind, () => canonicalJson(edit));
    for (const resource of edit.seen) this.fold(resource);
  }

  /** The copy and nothing else. It is as good as it was: {@link verify} comes after it. */
  replaceAll({ lineage, links, blobs }: StateCopy): void {
    for (const table of ['chain', 'blob', 'resource']) this.#run(`DELETE FROM ${table}`);
    for (const [sha256, bytes] of Object.entries(blobs)) {
      this.#run('INSERT INTO blob (sha256, bytes) VALUES (?, ?)', sha256, Buffer.from(bytes, 'base64'));
    }
    const insert = 'INSERT INTO chain (seq, run, kind, body, hash) VALUES (?, ?, ?, ?, ?)';
    for (const { seq, kind, body, hash } of links) {
      const content = JSON.parse(body) as { readonly run?: unknown; readonly seen?: RecordEdit['seen'] };
      this.#run(insert, seq, typeof content.run === 'number' ? content.run : noRun, kind, body, hash);
      for (const resource of content.seen ?? []) this.fold(resource);
    }
    const set = 'UPDATE meta SET value = ? WHERE key = ?';
    this.#run(set, lineage, 'lineage');
    this.#run(set, links.at(-1)?.hash ?? genesis(lineage), 'head');
  }

  /** Keeps a value and gives the name under which {@link blob} finds it. */
  keep(value: unknown): string {
    // In the order of its keys: what a process is started with must not change by being resumed.
    const bytes = pack(JSON.stringify(value));
    const sha256 = sha256Of(bytes);
    this.#run('INSERT OR IGNORE INTO blob (sha256, bytes) VALUES (?, ?)', sha256, bytes);
    return sha256;
  }

  // ── SQLite ───────────────────────────────────────────────────────────────────────────────────────

  #meta(key: 'lineage' | 'head'): string {
    return textOf(this.#all('SELECT value FROM meta WHERE key = ?', key)[0], 'value');
  }

  #hashBefore(seq: number): string {
    if (seq === 1) return genesis(this.lineage());
    return textOf(this.#all('SELECT hash FROM chain WHERE seq = ?', seq - 1)[0], 'hash');
  }

  #expectWhole(broken: string | undefined): void {
    if (broken !== undefined) throw corrupted(this.where, broken);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #all(sql: string, ...values: readonly (string | number)[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  #run(sql: string, ...values: readonly (string | number | Uint8Array)[]): void {
    this.#statement(sql).run(...values);
  }
}

/** What was kept, read back. */
export const unpackJson = (bytes: Uint8Array): unknown => JSON.parse(unpack(bytes));

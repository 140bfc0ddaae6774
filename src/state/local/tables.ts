/** The tables of the state as typed values: every row that is read is checked against its hash. */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  canonicalJson,
  type RecordEdit,
  type RecordedResource,
  type RunNumber,
  StateFailure,
} from '../../model/index.ts';
import { brokenAt, genesis, type Link, linkHash } from './chain.ts';
import type { StateCopy } from './copy.ts';
import { stateFailure } from './database.ts';
import { corrupted } from './failures.ts';
import { bytesOf, integerOf, linkOf, pack, type Row, RowDamage, textOf, unpack } from './rows.ts';
import { type BeginBody, type RunRecord, Runs } from './runs.ts';
import { numberOf, readSeal, type Seal, sumText } from './seal.ts';

/**
 * A journal of so many links is verified whole each time, which takes some 50 ms; of a longer one so many of the newest, and
 * the whole once it has grown by a tenth. What lies further back is verified when it is read, and by `doctor`.
 */
const linksEachTime = 2_000;

/** The kind of a link that holds a {@link RecordEdit}, and the number of the run that it belongs to: none. */
const editKind = 'edit';
const noRun = 0;

const sha256Of = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

export class Tables {
  /** How errors name it: the path of the file. */
  readonly where: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #runs: Runs;
  /** Of {@link Seal}; undefined: to be summed up afresh. */
  #resourceSum: bigint | undefined;
  /** undefined: as the seal says. */
  #verifiedAt: number | undefined;

  constructor(database: DatabaseSync, where: string) {
    this.#database = database;
    this.where = where;
    this.#runs = new Runs((sql, ...values) => this.#all(sql, ...values), where);
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
      this.#putSeal();
      this.#database.exec('COMMIT');
      return result;
    } catch (cause) {
      this.#resourceSum = undefined;
      this.#verifiedAt = undefined;
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

  /** The links from this place to the head, one by one; the chain is checked as they are taken. */
  *#linksFrom(first: number): Generator<Link> {
    let [before, seq] = [this.#hashBefore(first), first];
    const rows = this.#statement('SELECT seq, kind, body, hash FROM chain WHERE seq >= ? ORDER BY seq');
    for (const row of rows.iterate(first)) {
      const link = linkOf(row);
      this.#expectWhole(brokenAt(before, [link], seq));
      yield link;
      [before, seq] = [link.hash, seq + 1];
    }
    this.#expectWhole(before === this.#meta('head') ? undefined : 'the newest journal entries are missing');
  }

  /** The newest bodies of one kind of link, newest first. */
  newest(kind: string, most: number): readonly string[] {
    return this.#all('SELECT body FROM chain WHERE kind = ? ORDER BY seq DESC LIMIT ?', kind, most).map(
      (row) => textOf(row, 'body'),
    );
  }

  runs(): readonly RunRecord[] {
    return this.#runs.read();
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

  /**
   * That a run may go on from here: the newest links, the recorded resources, and that both are what the last writer left.
   * Everything, where that is soon done or was not done for long.
   */
  verifyForWriting(): void {
    const serial = this.serial();
    const seal = readSeal(this.#seal());
    const isSealed = seal !== undefined && seal.serial === serial && seal.head === this.#meta('head');
    const mayGrowBy = Math.max(linksEachTime, (seal?.verifiedAt ?? 0) / 10);
    if (!isSealed || serial <= linksEachTime || serial - seal.verifiedAt > mayGrowBy) {
      this.verify();
      return;
    }
    for (const _ of this.#linksFrom(serial - linksEachTime + 1));
    this.resources();
    this.#expectWhole(
      sumText(this.#sumResources()) === seal.resources
        ? undefined
        : 'the recorded resources are not what the last run left',
    );
  }

  /** Everything, and that the recorded resources are what the chain yields. Gives the number of links. */
  verify(): number {
    const [verdict] = this.#all('PRAGMA integrity_check(1)');
    const isSound = Object.values(verdict ?? {})[0] === 'ok';
    this.#expectWhole(isSound ? undefined : 'SQLite finds its pages damaged');
    const folded = new Map<string, string>();
    let count = 0;
    for (const link of this.#linksFrom(1)) {
      count += 1;
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
    this.#verifiedAt = count;
    return count;
  }

  /** Changes of the record by people, oldest first. */
  edits(): readonly RecordEdit[] {
    return this.#all('SELECT body FROM chain WHERE kind = ? ORDER BY seq', editKind).map(
      (row) => JSON.parse(textOf(row, 'body')) as RecordEdit,
    );
  }

  /** Everything as it is kept, the chain checked. */
  copy(): StateCopy {
    const links = [...this.#linksFrom(1)];
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
    this.#resourceSum ??= this.#sumResources();
    const [before] = this.#all('SELECT hash FROM resource WHERE address = ?', resource.address);
    if (before !== undefined) this.#resourceSum ^= numberOf(textOf(before, 'hash'));
    if (resource.spec === null) {
      this.#run('DELETE FROM resource WHERE address = ?', resource.address);
      return;
    }
    const body = canonicalJson(resource);
    const hash = sha256Of(body);
    this.#resourceSum ^= numberOf(hash);
    const insert = 'INSERT OR REPLACE INTO resource (address, body, hash) VALUES (?, ?, ?)';
    this.#run(insert, resource.address, body, hash);
  }

  edit(edit: RecordEdit): void {
    this.link(noRun, editKind, () => canonicalJson(edit));
    for (const resource of edit.seen) this.fold(resource);
  }

  /** The copy and nothing else. It is as good as it was: {@link verify} comes after it. */
  replaceAll({ lineage, links, blobs }: StateCopy): void {
    for (const table of ['chain', 'blob', 'resource']) this.#run(`DELETE FROM ${table}`);
    this.#resourceSum = 0n;
    this.#verifiedAt = 0;
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

  #putSeal(): void {
    this.#resourceSum ??= this.#sumResources();
    this.#verifiedAt ??= readSeal(this.#seal())?.verifiedAt ?? 0;
    const seal: Seal = {
      serial: this.serial(),
      head: this.#meta('head'),
      resources: sumText(this.#resourceSum),
      verifiedAt: this.#verifiedAt,
    };
    this.#run(`INSERT OR REPLACE INTO meta (key, value) VALUES ('seal', ?)`, JSON.stringify(seal));
  }

  #seal(): string | undefined {
    const [row] = this.#all(`SELECT value FROM meta WHERE key = 'seal'`);
    return row === undefined ? undefined : textOf(row, 'value');
  }

  #sumResources(): bigint {
    const hashes = this.#all('SELECT hash FROM resource').map((row) => textOf(row, 'hash'));
    return hashes.reduce((sum, hash) => sum ^ numberOf(hash), 0n);
  }

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

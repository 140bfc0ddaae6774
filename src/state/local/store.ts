/** The record of one environment in one SQLite file on this machine. */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type Actor,
  canonicalJson,
  type Deployment,
  emptyRecord,
  type Instant,
  type Intent,
  type JournalEntry,
  type NewJournalEntry,
  type Plan,
  type Recorded,
  type RecordedResource,
  type Run,
  type RunNumber,
  type RunOutcome,
  StateFailure,
  type StateStore,
} from '../../model/index.ts';
import { brokenAt, genesis, type Link, linkHash } from './chain.ts';
import {
  createDatabase,
  isDiskFull,
  memoryDatabase,
  openDatabase,
  stateExists,
  stateFailure,
} from './database.ts';
import { corrupted, diskFull, noSuchRun, otherLineage, settledRun, unfinishedRun } from './failures.ts';
import { prepareFolder, refuseNetworkFileSystem, refuseSymbolicLink, stateFile } from './folder.ts';
import { giveBack, setAside } from './reserve.ts';
import { bytesOf, integerOf, linkOf, pack, type Row, RowDamage, textOf, unpack } from './rows.ts';

export interface LocalStateOptions {
  /** Whether to write: makes the folder and the file where there are none. The caller must hold the lock. */
  readonly create: boolean;
  /** Where a new state's lineage comes from. */
  readonly randomUUID: () => string;
}

/** Not part of the port: what only the owner of the file can be asked. */
export interface LocalState extends StateStore {
  /**
   * Reads everything and checks everything: SQLite's pages, each link of the chain, each plan, and that the recorded
   * resources are what the chain yields. Throws `state-corrupted`. Gives the number of links.
   */
  verify(): Promise<number>;
}

interface BeginBody {
  readonly run: RunNumber;
  readonly at: Instant;
  readonly actor: Actor;
  readonly intent: Intent;
  readonly planDigest: string;
  readonly plan: string;
  readonly declared: string;
}

interface EndBody {
  readonly run: RunNumber;
  readonly at: Instant;
  readonly outcome: RunOutcome;
}

/** Runs that are told by `durations`: enough for 100 of the rarer kinds, quick to read. */
const durationEntries = 5_000;
const durationsEach = 100;

const startsAnEffect = (entry: NewJournalEntry): boolean =>
  entry.mark === 'intended' || entry.mark === 'undoing';

const resourceHash = (body: string): string => createHash('sha256').update(body).digest('hex');

/**
 * Opens the state of an environment. Without `create` nothing on the disk changes, and a state that does not exist
 * reads as empty, with the lineage `''`. Throws a StateFailure that says what to do.
 */
export async function openLocalState(folder: string, options: LocalStateOptions): Promise<LocalState> {
  if (!options.create) {
    if (!stateExists(folder)) return new SqliteState(folder, undefined, 'read');
    refuseNetworkFileSystem(folder);
    refuseSymbolicLink(folder);
    return new SqliteState(folder, openDatabase(folder, 'read'), 'read');
  }
  prepareFolder(folder);
  if (!setAside(folder)) throw diskFull(folder);
  if (!stateExists(folder)) createDatabase(folder, options.randomUUID());
  const state = new SqliteState(folder, openDatabase(folder, 'write'), 'write');
  try {
    await state.verify();
  } catch (cause) {
    await state[Symbol.asyncDispose]();
    throw cause;
  }
  return state;
}

/** The same store without a file: gone with the process. For simulations. */
export const openMemoryState = (randomUUID: () => string): LocalState =>
  new SqliteState(undefined, memoryDatabase(randomUUID()), 'write');

class SqliteState implements LocalState {
  readonly #folder: string | undefined;
  readonly #database: DatabaseSync | undefined;
  readonly #access: 'read' | 'write';
  readonly #statements = new Map<string, StatementSync>();
  #open = true;
  /** Once the disk was full, only outcomes are written until the state is opened again. */
  #full = false;

  constructor(folder: string | undefined, database: DatabaseSync | undefined, access: 'read' | 'write') {
    this.#folder = folder;
    this.#database = database;
    this.#access = access;
  }

  async read(): Promise<Recorded> {
    if (this.#database === undefined) return emptyRecord('');
    return this.#snapshot(() => {
      const runs = this.#runs();
      const last = runs.at(-1)?.run;
      return {
        lineage: this.#meta('lineage'),
        stateSerial: this.#serial(),
        resources: this.#resources(),
        deployments: this.#deployments(),
        unfinished:
          last !== undefined && (last.outcome === undefined || last.outcome === 'stopped') ? last : undefined,
      };
    });
  }

  async runs(): Promise<readonly Run[]> {
    if (this.#database === undefined) return [];
    return this.#snapshot(() => this.#runs().map(({ run }) => run));
  }

  async journal(run: RunNumber): Promise<readonly JournalEntry[]> {
    if (this.#database === undefined) throw noSuchRun(run);
    return this.#snapshot(() => {
      const links = this.#all('SELECT seq, kind, body, hash FROM chain WHERE run = ? ORDER BY seq', run).map(
        linkOf,
      );
      const first = links[0];
      if (first === undefined) throw noSuchRun(run);
      this.#expectWhole(brokenAt(this.#hashBefore(first.seq), links, first.seq));
      return links
        .filter((link) => link.kind !== 'begin' && link.kind !== 'end')
        .map((link) => JSON.parse(link.body) as JournalEntry);
    });
  }

  async planOf(run: RunNumber): Promise<Plan> {
    if (this.#database === undefined) throw noSuchRun(run);
    return this.#snapshot(() => JSON.parse(unpack(this.#blob(this.#begun(run).plan))) as Plan);
  }

  async begin(plan: Plan, actor: Actor, at: Instant): Promise<RunNumber> {
    if (this.#full) throw diskFull(this.#where());
    return this.#write(() => {
      const last = this.#runs().at(-1)?.run;
      if (last !== undefined && (last.outcome === undefined || last.outcome === 'stopped')) {
        throw unfinishedRun(last.run);
      }
      const lineage = this.#meta('lineage');
      const firstRun = plan.lineage === '' && last === undefined;
      if (plan.lineage !== lineage && !firstRun) throw otherLineage(plan.lineage, lineage);
      const run = (last?.run ?? 0) + 1;
      const body: BeginBody = {
        run,
        at,
        actor,
        intent: plan.intent,
        planDigest: plan.digest,
        plan: this.#keep(plan),
        declared: this.#keep(plan.declared),
      };
      this.#link(run, 'begin', () => canonicalJson(body));
      return run;
    });
  }

  async append(run: RunNumber, entry: NewJournalEntry): Promise<JournalEntry> {
    if (this.#full && startsAnEffect(entry)) throw diskFull(this.#where());
    return this.#write(() => {
      this.#expectUnsettled(run);
      const written = this.#link(run, entry.mark, (seq) => canonicalJson({ ...entry, seq, run }));
      for (const resource of entry.seen ?? []) this.#fold(resource);
      return JSON.parse(written.body) as JournalEntry;
    });
  }

  async end(run: RunNumber, outcome: RunOutcome, at: Instant): Promise<void> {
    this.#write(() => {
      this.#expectUnsettled(run);
      const body: EndBody = { run, at, outcome };
      this.#link(run, 'end', () => canonicalJson(body));
    });
  }

  async durations(): Promise<Readonly<Record<string, readonly number[]>>> {
    if (this.#database === undefined) return {};
    return this.#snapshot(() => {
      const seconds: Record<string, number[]> = {};
      const rows = this.#all(
        `SELECT body FROM chain WHERE kind = 'done' ORDER BY seq DESC LIMIT ?`,
        durationEntries,
      );
      for (const row of rows) {
        const timed = timedStep(JSON.parse(textOf(row, 'body')) as JournalEntry);
        if (timed === undefined) continue;
        seconds[timed.op] ??= [];
        const times = seconds[timed.op];
        if (times !== undefined && times.length < durationsEach) times.push(timed.seconds);
      }
      return seconds;
    });
  }

  async verify(): Promise<number> {
    if (this.#database === undefined) return 0;
    return this.#snapshot(() => {
      const verdict = this.#all('PRAGMA integrity_check(1)')[0];
      if (Object.values(verdict ?? {})[0] !== 'ok') this.#expectWhole('SQLite finds its pages damaged');
      const links = this.#all('SELECT seq, kind, body, hash FROM chain ORDER BY seq').map(linkOf);
      const start = genesis(this.#meta('lineage'));
      this.#expectWhole(brokenAt(start, links, 1));
      if ((links.at(-1)?.hash ?? start) !== this.#meta('head')) {
        this.#expectWhole('the newest journal entries are missing');
      }
      const named = new Set<string>();
      const folded = new Map<string, string>();
      for (const link of links) {
        if (link.kind === 'begin') {
          const body = JSON.parse(link.body) as BeginBody;
          named.add(body.plan).add(body.declared);
        }
        for (const seen of (JSON.parse(link.body) as { seen?: RecordedResource[] }).seen ?? []) {
          if (seen.spec === null) folded.delete(seen.address);
          else folded.set(seen.address, canonicalJson(seen));
        }
      }
      for (const sha256 of named) this.#blob(sha256);
      const kept = new Map(this.#resources().map((resource) => [resource.address, canonicalJson(resource)]));
      for (const address of new Set([...folded.keys(), ...kept.keys()])) {
        if (folded.get(address) !== kept.get(address as never)) {
          this.#expectWhole(`the recorded ${address} is not what the journal says`);
        }
      }
      return links.length;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database?.close();
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────

  #runs(): { readonly run: Run; readonly begin: BeginBody }[] {
    const runs = new Map<RunNumber, { run: Run; begin: BeginBody }>();
    const rows = this.#all(
      `SELECT link.seq, link.kind, link.body, link.hash, before.hash AS before
         FROM chain AS link LEFT JOIN chain AS before ON before.seq = link.seq - 1
        WHERE link.kind IN ('begin', 'end') ORDER BY link.seq`,
    );
    for (const row of rows) {
      const link = linkOf(row);
      const before = link.seq === 1 ? genesis(this.#meta('lineage')) : textOf(row, 'before');
      this.#expectWhole(brokenAt(before, [link], link.seq));
      if (link.kind === 'begin') {
        const begin = JSON.parse(link.body) as BeginBody;
        const { run, at, actor, intent, planDigest } = begin;
        runs.set(run, {
          begin,
          run: { run, startedAt: at, endedAt: undefined, outcome: undefined, actor, intent, planDigest },
        });
      } else {
        const end = JSON.parse(link.body) as EndBody;
        const ended = runs.get(end.run);
        if (ended === undefined) this.#expectWhole(`run ${end.run} ends without having begun`);
        else runs.set(end.run, { ...ended, run: { ...ended.run, endedAt: end.at, outcome: end.outcome } });
      }
    }
    return [...runs.values()];
  }

  /** A completed run is a deployment; one that only refreshed the record deployed nothing. */
  #deployments(): readonly Deployment[] {
    const deployments: Deployment[] = [];
    for (const { run, begin } of this.#runs()) {
      if (run.outcome !== 'complete' || run.endedAt === undefined || run.intent.kind === 'refresh_only')
        continue;
      const packed = this.#blob(begin.declared);
      let declared: Deployment['declared'] | undefined;
      deployments.push({
        number: run.run,
        at: run.endedAt,
        actor: run.actor,
        intent: run.intent,
        // Read when asked for: a history of hundreds of deployments of a fleet is not parsed to make the next plan.
        get declared() {
          declared ??= JSON.parse(unpack(packed)) as Deployment['declared'];
          return declared;
        },
      });
    }
    return deployments;
  }

  #resources(): readonly RecordedResource[] {
    return this.#all('SELECT address, body, hash FROM resource ORDER BY address').map((row) => {
      const body = textOf(row, 'body');
      const resource = JSON.parse(body) as RecordedResource;
      const whole = resourceHash(body) === textOf(row, 'hash') && resource.address === textOf(row, 'address');
      this.#expectWhole(whole ? undefined : `the recorded ${textOf(row, 'address')} does not match its hash`);
      return resource;
    });
  }

  #begun(run: RunNumber): BeginBody {
    const begun = this.#runs().find((each) => each.run.run === run);
    if (begun === undefined) throw noSuchRun(run);
    return begun.begin;
  }

  #blob(sha256: string): Uint8Array {
    const row = this.#all('SELECT bytes FROM blob WHERE sha256 = ?', sha256)[0];
    if (row === undefined) throw corrupted(this.#where(), 'a plan that the journal names is missing');
    const bytes = bytesOf(row, 'bytes');
    const whole = createHash('sha256').update(bytes).digest('hex') === sha256;
    this.#expectWhole(whole ? undefined : 'a plan that the journal names does not match its hash');
    return bytes;
  }

  #meta(key: 'lineage' | 'head'): string {
    return textOf(this.#all('SELECT value FROM meta WHERE key = ?', key)[0], 'value');
  }

  #serial(): number {
    return integerOf(this.#all('SELECT coalesce(max(seq), 0) AS serial FROM chain')[0], 'serial');
  }

  #hashBefore(seq: number): string {
    if (seq === 1) return genesis(this.#meta('lineage'));
    return textOf(this.#all('SELECT hash FROM chain WHERE seq = ?', seq - 1)[0], 'hash');
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────

  #link(run: RunNumber, kind: string, bodyAt: (seq: number) => string): Link {
    const seq = this.#serial() + 1;
    const body = bodyAt(seq);
    const hash = linkHash(this.#meta('head'), seq, kind, body);
    this.#run(
      'INSERT INTO chain (seq, run, kind, body, hash) VALUES (?, ?, ?, ?, ?)',
      seq,
      run,
      kind,
      body,
      hash,
    );
    this.#run(`UPDATE meta SET value = ? WHERE key = 'head'`, hash);
    return { seq, kind, body, hash };
  }

  #fold(resource: RecordedResource): void {
    if (resource.spec === null) {
      this.#run('DELETE FROM resource WHERE address = ?', resource.address);
      return;
    }
    const body = canonicalJson(resource);
    this.#run(
      'INSERT OR REPLACE INTO resource (address, body, hash) VALUES (?, ?, ?)',
      resource.address,
      body,
      resourceHash(body),
    );
  }

  #keep(value: unknown): string {
    // In the order of its keys: what a process is started with must not change by being resumed.
    const bytes = pack(JSON.stringify(value));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#run('INSERT OR IGNORE INTO blob (sha256, bytes) VALUES (?, ?)', sha256, bytes);
    return sha256;
  }

  #expectUnsettled(run: RunNumber): void {
    const last = this.#all(
      `SELECT run, kind, body FROM chain WHERE kind IN ('begin', 'end') ORDER BY seq DESC LIMIT 1`,
    )[0];
    if (last === undefined || integerOf(last, 'run') !== run) throw noSuchRun(run);
    const settled =
      textOf(last, 'kind') === 'end' && (JSON.parse(textOf(last, 'body')) as EndBody).outcome !== 'stopped';
    if (settled) throw settledRun(run);
  }

  /** One transaction: on the disk when this returns, or not there at all. */
  #write<T>(effect: () => T): T {
    if (this.#access === 'read' || this.#database === undefined) {
      throw new Error('the state was opened for reading');
    }
    try {
      return this.#transaction(this.#database, effect);
    } catch (cause) {
      if (!isDiskFull(cause) || this.#folder === undefined || this.#full)
        throw this.#translate('write', cause);
      // What has happened must still be recorded: the space that was put aside is for this.
      this.#full = true;
      giveBack(this.#folder);
      try {
        return this.#transaction(this.#database, effect);
      } catch (again) {
        throw this.#translate('write', again);
      }
    }
  }

  #transaction<T>(database: DatabaseSync, effect: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = effect();
      database.exec('COMMIT');
      return result;
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw cause;
    }
  }

  // ── SQLite ───────────────────────────────────────────────────────────────────────────────────────

  /** All statements of one answer see the same state, whoever writes meanwhile. */
  #snapshot<T>(look: () => T): T {
    const database = this.#database;
    if (database === undefined) throw new Error('there is no state to read');
    try {
      database.exec('BEGIN');
      try {
        return look();
      } finally {
        if (database.isTransaction) database.exec('COMMIT');
      }
    } catch (cause) {
      throw this.#translate('open', cause);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#database === undefined) throw new Error('there is no state to ask');
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

  #where(): string {
    return this.#folder === undefined ? 'the state in memory' : stateFile(this.#folder);
  }

  #expectWhole(broken: string | undefined): void {
    if (broken !== undefined) throw corrupted(this.#where(), broken);
  }

  #translate(during: 'open' | 'write', cause: unknown): StateFailure {
    if (cause instanceof StateFailure) return cause;
    if (cause instanceof RowDamage) return corrupted(this.#where(), cause.message, cause);
    if (cause instanceof SyntaxError) return corrupted(this.#where(), 'a record is not JSON', cause);
    return stateFailure(this.#where(), during, cause);
  }
}

/** What the engine notes with `done`: the operation and how long it took. Nothing was timed if nothing had to be done. */
function timedStep(entry: JournalEntry): { readonly op: string; readonly seconds: number } | undefined {
  const detail = entry.detail;
  if (typeof detail !== 'object' || detail === null || !('op' in detail)) return undefined;
  const { op, elapsedMs, unchanged } = detail;
  if (typeof op !== 'string' || typeof elapsedMs !== 'number' || unchanged === true) return undefined;
  return { op, seconds: elapsedMs / 1000 };
}

/** The record of one environment in one SQLite file on this machine. */
import {
  type Actor,
  canonicalJson,
  type Declared,
  type Deployment,
  deployedBy,
  emptyRecord,
  type Instant,
  type JournalEntry,
  type NewJournalEntry,
  type Plan,
  type RecordEdit,
  type Recorded,
  type Run,
  type RunNumber,
  type RunOutcome,
  type StateStore,
} from '../../model/index.ts';
import type { StateCopy } from './copy.ts';
import { createDatabase, isDiskFull, memoryDatabase, openDatabase, stateExists } from './database.ts';
import { diskFull, noSuchRun, otherLineage, settledRun, unfinishedRun } from './failures.ts';
import { prepareFolder, refuseNetworkFileSystem, refuseSymbolicLink, stateFile } from './folder.ts';
import { giveBack, setAside } from './reserve.ts';
import type { BeginBody, EndBody } from './runs.ts';
import { Tables, unpackJson } from './tables.ts';

export interface LocalStateOptions {
  /** Whether to write: makes the folder and the file where there are none. The caller must hold the lock. */
  readonly create: boolean;
  /** Where a new state's lineage comes from. */
  readonly randomUUID: () => string;
}

/** Not part of the port: what only the owner of the file can be asked. */
export interface LocalState extends StateStore {
  /** What a run's plan declared: a small part of the plan. */
  declaredOf(run: RunNumber): Promise<Declared>;
  /** Every change of the record that no run made, oldest first. */
  edits(): Promise<readonly RecordEdit[]>;
  /** Changes the record and notes who did. Throws `run-unfinished` where a run stands between. */
  edit(edit: RecordEdit): Promise<void>;
  /** Everything, to be kept elsewhere and put back by {@link replace}. */
  copy(): Promise<StateCopy>;
  /**
   * Puts the copy in the place of all that is here, with `edit` as one more link, in one transaction that is verified
   * before it ends: the old content stands, or the new one. Throws `state-corrupted` for a copy that does not verify.
   */
  replace(copy: StateCopy, edit: RecordEdit): Promise<void>;
  /**
   * Reads everything and checks everything: SQLite's pages, each link of the chain, each plan, and that the recorded
   * resources are what the chain yields. Throws `state-corrupted`. Gives the number of links.
   */
  verify(): Promise<number>;
}

/** So many steps are looked at for `durations`: enough for 100 of the rarer kinds, quick to read. */
const durationEntries = 5_000;
const durationsEach = 100;

/**
 * Opens the state of an environment. Without `create` nothing on the disk changes, and a state that does not exist
 * reads as empty, with the lineage `''`. With it, it is verified first that it may be gone on from: see
 * {@link Tables.verifyForWriting}. Throws a StateFailure that says what to do.
 */
export async function openLocalState(folder: string, options: LocalStateOptions): Promise<LocalState> {
  const file = stateFile(folder);
  const reopen = (): Tables => new Tables(openDatabase(folder, 'read'), file);
  if (!options.create) {
    if (!stateExists(folder)) return absentState;
    refuseNetworkFileSystem(folder);
    refuseSymbolicLink(folder);
    return new SqliteState(new Tables(openDatabase(folder, 'read'), file), { isWritable: false, reopen });
  }
  prepareFolder(folder);
  if (!setAside(folder)) throw diskFull(folder);
  if (!stateExists(folder)) createDatabase(folder, options.randomUUID());
  const tables = new Tables(openDatabase(folder, 'write'), file);
  const state = new SqliteState(tables, { isWritable: true, giveBack: () => giveBack(folder), reopen });
  try {
    tables.snapshot(() => tables.verifyForWriting());
  } catch (cause) {
    await state[Symbol.asyncDispose]();
    throw cause;
  }
  return state;
}

/** A copy as a store of its own, verified and without a file. Throws a StateFailure for a copy that does not verify. */
export async function openCopy(copy: StateCopy, where: string): Promise<LocalState> {
  const tables = new Tables(memoryDatabase(copy.lineage), where);
  const state = new SqliteState(tables, { isWritable: true });
  try {
    tables.transaction(() => tables.replaceAll(copy));
    await state.verify();
    return state;
  } catch (cause) {
    await state[Symbol.asyncDispose]();
    throw tables.failure('open', cause);
  }
}

/** The same store without a file: gone with the process. For simulations. */
export const openMemoryState = (randomUUID: () => string): LocalState =>
  new SqliteState(new Tables(memoryDatabase(randomUUID()), 'the state in memory'), { isWritable: true });

interface Access {
  readonly isWritable: boolean;
  /** Frees the space that was put aside. */
  readonly giveBack?: () => void;
  /** For what is asked of a deployment after the state was closed. undefined: it has no file, and all of it is read at once. */
  readonly reopen?: () => Tables;
}

class SqliteState implements LocalState {
  readonly #tables: Tables;
  readonly #access: Access;
  #isOpen = true;
  /** Once the disk was full, only outcomes are written until the state is opened again. */
  #isFull = false;

  constructor(tables: Tables, access: Access) {
    this.#tables = tables;
    this.#access = access;
  }

  async read(): Promise<Recorded> {
    return this.#tables.snapshot(() => ({
      lineage: this.#tables.lineage(),
      stateSerial: this.#tables.serial(),
      resources: this.#tables.resources(),
      deployments: this.#deployments(),
      unfinished: this.#unfinished(),
    }));
  }

  async runs(): Promise<readonly Run[]> {
    return this.#tables.snapshot(() => this.#tables.runs().map(({ run }) => run));
  }

  async journal(run: RunNumber): Promise<readonly JournalEntry[]> {
    return this.#tables.snapshot(() => {
      const links = this.#tables.linksOf(run);
      if (links.length === 0) throw noSuchRun(run);
      return links
        .filter((link) => link.kind !== 'begin' && link.kind !== 'end')
        .map((link) => JSON.parse(link.body) as JournalEntry);
    });
  }

  async planOf(run: RunNumber): Promise<Plan> {
    return this.#blobOfRun(run, 'plan') as Plan;
  }

  async declaredOf(run: RunNumber): Promise<Declared> {
    return this.#blobOfRun(run, 'declared') as Declared;
  }

  #blobOfRun(run: RunNumber, part: 'plan' | 'declared'): unknown {
    return this.#tables.snapshot(() => {
      const record = this.#tables.runs().find((each) => each.run.run === run);
      if (record === undefined) throw noSuchRun(run);
      return unpackJson(this.#tables.blob(record.begin[part]));
    });
  }

  async begin(plan: Plan, actor: Actor, at: Instant): Promise<RunNumber> {
    const { intent } = plan;
    if (intent.kind === 'refresh_only') throw new Error('a refresh is recorded by an edit, not by a run');
    if (this.#isFull) throw diskFull(this.#tables.where);
    return this.#write(() => {
      const unfinished = this.#unfinished();
      if (unfinished !== undefined) throw unfinishedRun(unfinished.run);
      const run = this.#lastRun() + 1;
      const lineage = this.#tables.lineage();
      const isMadeBefore = plan.lineage === '' && run === 1;
      if (plan.lineage !== lineage && !isMadeBefore) throw otherLineage(plan.lineage, lineage);
      const body: BeginBody = {
        run,
        at,
        actor,
        intent,
        planDigest: plan.digest,
        plan: this.#tables.keep(plan),
        declared: this.#tables.keep(deployedBy(plan, this.#deployments().at(-1)?.declared)),
      };
      this.#tables.link(run, 'begin', () => canonicalJson(body));
      return run;
    });
  }

  async append(run: RunNumber, entry: NewJournalEntry): Promise<JournalEntry> {
    const startsAnEffect = entry.mark === 'intended' || entry.mark === 'undoing';
    if (this.#isFull && startsAnEffect) throw diskFull(this.#tables.where);
    return this.#write(() => {
      this.#expectUnsettled(run);
      const written = this.#tables.link(run, entry.mark, (seq) => canonicalJson({ ...entry, seq, run }));
      for (const resource of entry.seen ?? []) this.#tables.fold(resource);
      return JSON.parse(written.body) as JournalEntry;
    });
  }

  async end(run: RunNumber, outcome: RunOutcome, at: Instant): Promise<void> {
    this.#write(() => {
      this.#expectUnsettled(run);
      const body: EndBody = { run, at, outcome };
      this.#tables.link(run, 'end', () => canonicalJson(body));
    });
  }

  async durations(): Promise<Readonly<Record<string, readonly number[]>>> {
    return this.#tables.snapshot(() => {
      const seconds: Record<string, number[]> = {};
      for (const body of this.#tables.newest('done', durationEntries)) {
        const timed = timedStep(JSON.parse(body) as JournalEntry);
        if (timed === undefined) continue;
        seconds[timed.op] ??= [];
        const times = seconds[timed.op];
        if (times !== undefined && times.length < durationsEach) times.push(timed.seconds);
      }
      return seconds;
    });
  }

  async verify(): Promise<number> {
    return this.#tables.snapshot(() => this.#tables.verify());
  }

  async edits(): Promise<readonly RecordEdit[]> {
    return this.#tables.snapshot(() => this.#tables.edits());
  }

  async edit(edit: RecordEdit): Promise<void> {
    this.#write(() => {
      const unfinished = this.#unfinished();
      if (unfinished !== undefined) throw unfinishedRun(unfinished.run);
      this.#tables.edit(edit);
    });
  }

  async copy(): Promise<StateCopy> {
    return this.#tables.snapshot(() => this.#tables.copy());
  }

  async replace(copy: StateCopy, edit: RecordEdit): Promise<void> {
    this.#write(() => {
      const lastRun = this.#tables.lineage() === copy.lineage ? this.#lastRun() : 0;
      this.#tables.replaceAll(copy);
      this.#tables.edit({ ...edit, ...(lastRun > this.#lastRun() ? { lastRun } : {}) });
      this.#tables.verify();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#tables.close();
  }

  /** The highest number that a run of this lineage has had here, also one that a push has taken away. */
  #lastRun(): RunNumber {
    const gone = this.#tables.edits().map(({ lastRun = 0 }) => lastRun);
    return Math.max(this.#tables.runs().at(-1)?.run.run ?? 0, ...gone);
  }

  #unfinished(): Run | undefined {
    const last = this.#tables.runs().at(-1)?.run;
    return last?.outcome === undefined || last.outcome === 'stopped' ? last : undefined;
  }

  /** A completed run is a deployment. */
  #deployments(): readonly Deployment[] {
    const deployments: Deployment[] = [];
    const blobOf = (sha256: string): Uint8Array => this.#blob(sha256);
    for (const { run, begin } of this.#tables.runs()) {
      if (run.outcome !== 'complete' || run.endedAt === undefined) continue;
      const packed = this.#access.reopen === undefined ? this.#tables.blob(begin.declared) : undefined;
      let declared: Deployment['declared'] | undefined;
      deployments.push({
        number: run.run,
        at: run.endedAt,
        actor: run.actor,
        intent: run.intent,
        // Read when asked for: a history of hundreds of deployments of a fleet is not read to make the next plan.
        get declared() {
          declared ??= unpackJson(packed ?? blobOf(begin.declared)) as Deployment['declared'];
          return declared;
        },
      });
    }
    return deployments;
  }

  /** Throws a StateFailure. */
  #blob(sha256: string): Uint8Array {
    const { reopen } = this.#access;
    if (this.#isOpen || reopen === undefined) return this.#tables.blob(sha256);
    const tables = reopen();
    try {
      return tables.blob(sha256);
    } catch (cause) {
      throw tables.failure('open', cause);
    } finally {
      tables.close();
    }
  }

  #expectUnsettled(run: RunNumber): void {
    const [begun] = this.#tables.newest('begin', 1);
    if (begun === undefined || (JSON.parse(begun) as BeginBody).run !== run) throw noSuchRun(run);
    const [ended] = this.#tables.newest('end', 1);
    const end = ended === undefined ? undefined : (JSON.parse(ended) as EndBody);
    if (end?.run === run && end.outcome !== 'stopped') throw settledRun(run);
  }

  /** One transaction. On a full disk it is tried again in the space that was put aside. */
  #write<T>(effect: () => T): T {
    const { isWritable, giveBack: makeRoom } = this.#access;
    if (!isWritable) throw new Error('the state was opened for reading');
    try {
      return this.#tables.transaction(effect);
    } catch (cause) {
      if (!isDiskFull(cause) || makeRoom === undefined || this.#isFull) {
        throw this.#tables.failure('write', cause);
      }
      // What has happened must still be recorded: the space that was put aside is for this.
      this.#isFull = true;
      makeRoom();
      try {
        return this.#tables.transaction(effect);
      } catch (again) {
        throw this.#tables.failure('write', again);
      }
    }
  }
}

const refuseToWrite = async (): Promise<never> => {
  throw new Error('the state was opened for reading');
};

/** What a reader finds where nothing was deployed yet. */
const absentState: LocalState = {
  read: async () => emptyRecord(''),
  runs: async () => [],
  journal: async (run) => {
    throw noSuchRun(run);
  },
  planOf: async (run) => {
    throw noSuchRun(run);
  },
  declaredOf: async (run) => {
    throw noSuchRun(run);
  },
  durations: async () => ({}),
  verify: async () => 0,
  edits: async () => [],
  copy: async () => ({ lineage: '', links: [], blobs: {} }),
  edit: refuseToWrite,
  replace: refuseToWrite,
  begin: refuseToWrite,
  append: refuseToWrite,
  end: refuseToWrite,
  [Symbol.asyncDispose]: async () => {},
};

/** What the engine notes with `done`: the operation and how long it took. Nothing was timed if nothing had to be done. */
function timedStep(entry: JournalEntry): { readonly op: string; readonly seconds: number } | undefined {
  const detail = entry.detail;
  if (typeof detail !== 'object' || detail === null || !('op' in detail)) return undefined;
  const { op, elapsedMs, unchanged } = detail;
  if (typeof op !== 'string' || typeof elapsedMs !== 'number' || unchanged === true) return undefined;
  return { op, seconds: elapsedMs / 1000 };
}

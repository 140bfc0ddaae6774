/** A world of hosts, slots, processes and routes, small enough to be compared as a whole, that satisfies Provider. */
import {
  type Address,
  type Context,
  type Declared,
  type Diagnostic,
  hostOf,
  type InstanceDeclared,
  type InstanceState,
  type Instant,
  type Json,
  type Looks,
  type MemberAdmin,
  memberAddress,
  type Observation,
  type Observed,
  type Operation,
  type PoolTraffic,
  type Provider,
  ProviderFailure,
  type RecordedResource,
  type RunningProcess,
  recordMovesOf,
  type Standing,
  sameValue,
  type Traits,
} from '../../src/model/index.ts';

/** Where the world's values are kept: in memory, or in a file that outlives the process that deploys. */
export interface Cells {
  get(key: string): Json;
  set(key: string, value: Json): void;
  /** All at once: nobody sees some of them changed and others not. */
  setAll(values: readonly (readonly [string, Json])[]): void;
}

export class MemoryCells implements Cells {
  readonly values = new Map<string, Json>();
  get(key: string): Json {
    return this.values.get(key) ?? null;
  }
  set(key: string, value: Json): void {
    if (value === null) this.values.delete(key);
    else this.values.set(key, value);
  }
  setAll(values: readonly (readonly [string, Json])[]): void {
    for (const [key, value] of values) this.set(key, value);
  }
  snapshot(): Record<string, Json> {
    return Object.fromEntries([...this.values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

interface Cell {
  readonly key: string;
  readonly from: Json;
  readonly to: Json;
  /** What it may hold beside the two: values that the plan knows of and means to move on. */
  readonly known?: readonly Json[];
}

/** Whether what it touches changes in one go: sets of a DNS name do, in one update. */
const isAtomic = ({ op }: Operation): boolean => op === 'record.set';

/** Either end of the move, or known: one that was cut short leaves some cells at `from` and some at `to`, and is completed. */
const isOwn = (cell: Cell, now: Json | undefined): boolean =>
  [cell.from, cell.to, ...(cell.known ?? [])].some((value) => sameValue(now, value));

const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;

/** What a moving operation touches, in the order in which it does. */
export function cellsOf(operation: Operation): readonly Cell[] {
  switch (operation.op) {
    case 'release.put':
    case 'release.remove': {
      const { service, host } = operation.place;
      const isPut = operation.op === 'release.put';
      const key = `release ${service} ${host} ${operation.directory}`;
      return [{ key, from: isPut ? null : true, to: isPut ? true : null }];
    }
    case 'slot.link':
      return [{ key: `link ${operation.instance}`, from: operation.from, to: operation.to }];
    case 'process.set':
      // Its file first, then itself: what is cut short between them is half done, as on a real host.
      return ['unit', 'process'].map((what) => ({
        key: `${what} ${operation.instance}`,
        from: plain(operation.from),
        to: plain(operation.to),
      }));
    case 'member.set':
      return [
        {
          key: `member ${operation.balancer} ${operation.pool} ${operation.member}`,
          from: operation.from,
          to: operation.to,
        },
      ];
    case 'route.set': {
      const key = `route ${operation.balancer} ${operation.route}`;
      const to = plain(operation.to);
      const known = (operation.from.disagreeing ?? []).map(({ value }) => plain(value));
      return [
        { key: `${key} persisted`, from: plain(operation.from.persisted), to, known },
        { key: `${key} runtime`, from: plain(operation.from.runtime), to, known },
      ];
    }
    case 'record.set':
      return recordMovesOf(operation).map(({ record, from, to }) => ({
        key: `record ${record.address}`,
        from: plain(from),
        to: plain(to),
      }));
    default:
      return [];
  }
}

/** What may go wrong with one call. `half`: only the first of what it touches; `lost`: the reply, after the effect. */
export type Fault = 'refuse' | 'lost_before' | 'half' | 'lost' | 'hang' | 'blind';

export interface WorldRules {
  /** The fault of this call; undefined: it goes well. */
  readonly faultOf?: (operation: Operation, call: 'look' | 'perform' | 'seen') => Fault | undefined;
  /** Told before anything changes, so that a test can object. */
  readonly onEffect?: (operation: Operation, cx: Context) => void;
  /** Whether this change looks again in its own exchange, as those of hosts do; default: it does not. */
  readonly looksAlong?: () => boolean;
  /** How long a call takes, ms. */
  readonly takesMs?: (operation: Operation) => number;
  /** Whether the instance's check fails. */
  readonly isSick?: (instance: string, cx: Context) => boolean;
  /** Whether the balancer's own check of a live instance passes; default: it does. */
  readonly isUp?: (instance: string) => boolean;
  /** Told when an instance has passed its check. */
  readonly onVerified?: (instance: string) => void;
  /** Whether the host is dead: nothing of it answers, neither us nor the balancer's own checks. */
  readonly isDown?: (host: string) => boolean;
  /** Whether the process that calls is dead: its calls end nowhere. */
  readonly isDead?: () => boolean;
}

const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: 1,
  drainsMembers: true,
  writesPools: true,
  countsRequests: true,
};

const said = (code: string, detail: string): Diagnostic => ({
  code,
  severity: 'error',
  summary: 'The simulated world failed',
  detail,
});

export class WorldProvider implements Provider {
  readonly name = 'simulated';
  readonly traits = traits;
  readonly cells: Cells;
  readonly #rules: WorldRules;

  constructor(cells: Cells, rules: WorldRules = {}) {
    this.cells = cells;
    this.#rules = rules;
  }

  /** Members and instances, as far as cells tell of them: what no step touches is as it always was, and serves. */
  async observe(declared: Declared): Promise<Observed> {
    const isUp = (host: string): boolean => this.#rules.isDown?.(host) !== true;
    const members = declared.balancers.flatMap(({ address, pools }) =>
      pools.flatMap((pool) =>
        membersOf(declared, address, pool.name).map(({ host, address: instance }): Observation => {
          const admin = this.cells.get(`member ${address} ${pool.name} ${host}`) ?? 'ready';
          const up = isUp(host) && this.#rules.isUp?.(instance) !== false;
          const spec = { admin: admin as MemberAdmin, up, sessions: 0 };
          const member = memberAddress(address, pool.name, host);
          return { status: 'present', kind: 'member', address: member, spec, at: 0 as Instant };
        }),
      ),
    );
    const instances = declared.services
      .flatMap(({ slots }) => slots.flatMap((slot) => slot.instances))
      .map(({ address, host }): Observation => {
        const why = said('cannot-see', `${host} does not answer`);
        if (!isUp(host)) return { status: 'unknown', kind: 'instance', address, why };
        const spec: InstanceState = {
          linked: this.cells.get(`link ${address}`) as string | null,
          running: this.cells.get(`process ${address}`) as RunningProcess | null,
          tampered: null,
          health:
            this.#rules.isUp?.(address) === false
              ? { status: 'unhealthy', detail: 'it is sick' }
              : { status: 'healthy' },
        };
        return { status: 'present', kind: 'instance', address, spec, at: 0 as Instant };
      });
    return { observations: [...members, ...instances], notes: [] };
  }

  async look(operation: Operation, cx: Context): Promise<Standing> {
    await this.#take(operation, cx);
    const fault = this.#rules.faultOf?.(operation, 'look');
    if (fault !== undefined || this.#isGone(operation))
      return { at: 'unknown', why: said('cannot-see', 'the host does not answer') };
    return this.#standing(operation, cx);
  }

  #standing(operation: Operation, cx: Context): Standing {
    if (operation.op === 'hook.run')
      return this.cells.get(markOf(cx)) === null ? { at: 'before' } : { at: 'after' };
    const cells = cellsOf(operation);
    const now = cells.map((cell) => this.cells.get(cell.key));
    if (cells.every((cell, index) => sameValue(now[index], cell.to))) return { at: 'after' };
    if (isAtomic(operation) && !cells.every((cell, index) => sameValue(now[index], cell.from)))
      return { at: 'elsewhere', seen: `is ${JSON.stringify(now)} now` };
    if (cells.every((cell, index) => isOwn(cell, now[index]))) return { at: 'before' };
    return { at: 'elsewhere', seen: `is ${JSON.stringify(now)} now` };
  }

  async perform(operation: Operation, cx: Context, looks?: Looks): Promise<void> {
    await this.#take(operation, cx);
    if (this.#isGone(operation)) throw new ProviderFailure(said('lost', 'the host does not answer'), 'maybe');
    const fault = this.#rules.faultOf?.(operation, 'perform');
    if (fault === 'hang') await new Promise(() => {});
    if (fault === 'refuse') throw new ProviderFailure(said('refused', 'the host refused'), 'none');
    if (fault === 'lost_before') throw new ProviderFailure(said('lost', 'the connection broke'), 'maybe');
    switch (operation.op) {
      case 'health.verify':
        await this.#verify(operation, cx);
        break;
      case 'pool.drain':
      case 'pool.settle':
      case 'record.converge':
        break;
      case 'hook.run':
        this.#rules.onEffect?.(operation, cx);
        this.cells.set(countOf(cx), Number(this.cells.get(countOf(cx)) ?? 0) + 1);
        this.cells.set(markOf(cx), true);
        break;
      default:
        await this.#move(operation, cx, fault === 'half');
    }
    if (fault === 'lost' || fault === 'half') {
      throw new ProviderFailure(said('lost', 'the connection broke'), 'maybe');
    }
    if (looks === undefined || this.#rules.looksAlong?.() !== true) return;
    if (this.#standing(operation, cx).at === 'after') looks.after(this.#resources(operation));
  }

  async seen(operation: Operation, cx: Context): Promise<readonly RecordedResource[]> {
    await this.#take(operation, cx);
    if (this.#rules.faultOf?.(operation, 'seen') !== undefined || this.#isGone(operation)) {
      throw new ProviderFailure(said('cannot-see', 'the host does not answer'), 'none');
    }
    return this.#resources(operation);
  }

  #resources(operation: Operation): readonly RecordedResource[] {
    if (operation.op !== 'route.set') {
      return cellsOf(operation).map((cell) => {
        const now = this.cells.get(cell.key);
        return {
          kind: 'instance',
          address: cell.key,
          spec: now === null ? null : { now },
        } as unknown as RecordedResource;
      });
    }
    const key = `route ${operation.balancer} ${operation.route}`;
    const spec = {
      runtime: this.cells.get(`${key} runtime`),
      persisted: this.cells.get(`${key} persisted`),
      disagreeing: [],
    };
    return [{ kind: 'route', address: key, spec } as unknown as RecordedResource];
  }

  async traffic(): Promise<readonly PoolTraffic[]> {
    const requests = Number(this.cells.get('requests') ?? 0);
    return [{ pool: 'all', requests, failed: 0, sessions: 1 }];
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #isGone(operation: Operation): boolean {
    const host = hostOf(operation);
    return host !== undefined && this.#rules.isDown?.(host) === true;
  }

  async #take(operation: Operation, cx: Context): Promise<void> {
    await cx.clock.sleep(this.#rules.takesMs?.(operation) ?? 0);
    // Nobody is there any more to be answered.
    if (this.#rules.isDead?.() === true) await new Promise(() => {});
  }

  async #move(operation: Operation, cx: Context, isHalf: boolean): Promise<void> {
    const standing = cellsOf(operation).map((cell) => ({ cell, now: this.cells.get(cell.key) }));
    if (standing.every(({ cell, now }) => sameValue(now, cell.to))) return;
    if (!standing.every(({ cell, now }) => isOwn(cell, now))) {
      throw new ProviderFailure(said('guard', `the world is ${JSON.stringify(standing)}`), 'none');
    }
    if (isAtomic(operation)) {
      this.#rules.onEffect?.(operation, cx);
      this.cells.setAll(standing.map(({ cell }) => [cell.key, cell.to]));
      if (this.#rules.isDead?.() === true) await new Promise(() => {});
      return;
    }
    for (const [index, { cell }] of standing.entries()) {
      if (isHalf && index > 0) return;
      this.#rules.onEffect?.(operation, cx);
      this.cells.set(cell.key, cell.to);
      await Promise.resolve();
      if (this.#rules.isDead?.() === true) await new Promise(() => {});
    }
  }

  async #verify(operation: Extract<Operation, { op: 'health.verify' }>, cx: Context): Promise<void> {
    const until = cx.clock.now() + (operation.health?.deadlineMs ?? 0);
    for (;;) {
      const process = this.cells.get(`process ${operation.instance}`) as { release?: string } | null;
      const isHealthy =
        process?.release === operation.release && this.#rules.isSick?.(operation.instance, cx) !== true;
      if (isHealthy) return this.#rules.onVerified?.(operation.instance);
      if (cx.clock.now() >= until)
        throw new ProviderFailure(said('unhealthy', `${operation.instance} is sick`), 'none');
      await cx.clock.sleep(operation.health?.intervalMs ?? 100, cx.signal);
      if (cx.signal.aborted) throw new ProviderFailure(said('cut-short', 'told to stop'), 'none');
    }
  }
}

const membersOf = ({ services }: Declared, balancer: Address, pool: string): readonly InstanceDeclared[] =>
  services.flatMap(({ slots, traffic }) =>
    slots
      .filter(({ name }) =>
        traffic.some(
          (each) => each.kind === 'load_balancer' && each.balancer === balancer && each.pools[name] === pool,
        ),
      )
      .flatMap(({ instances }) => instances),
  );

const markOf = (cx: Context): string => `mark ${cx.step} ${cx.attempt}`;
const countOf = (cx: Context): string => `runs ${cx.step}`;

/** Puts the world where the plan's steps start from. */
export function standBefore(cells: Cells, operations: readonly Operation[]): void {
  const touched = new Set<string>();
  for (const operation of operations) {
    for (const cell of cellsOf(operation)) {
      if (!touched.has(cell.key)) cells.set(cell.key, cell.from);
      touched.add(cell.key);
    }
  }
}

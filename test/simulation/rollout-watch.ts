/**
 * Eyes of their own on a run in the simulated world: after each change of the world it is worked out anew who serves whom,
 * with nothing of the planner's or of the engine's own reasoning. Gives every sentence that does not hold.
 */
import {
  type Instant,
  type Json,
  type NameTraffic,
  type Observation,
  type RecordSet,
  type RouteValue,
  type ServiceDeclared,
  type SlotDeclared,
  sameValue,
} from '../../src/model/index.ts';
import { MemoryCells } from '../rig/world.ts';

const edge = 'load_balancer.edge';

/** Cells that tell of each change, after it was made. */
export class ToldCells extends MemoryCells {
  onSet: (key: string, before: Json, after: Json) => void = () => {};
  override set(key: string, value: Json): void {
    const before = this.get(key);
    super.set(key, value);
    this.onSet(key, before, value);
  }
  override setAll(values: readonly (readonly [string, Json])[]): void {
    const before = values.map(([key]) => this.get(key));
    for (const [key, value] of values) super.set(key, value);
    for (const [index, [key, value]] of values.entries()) this.onSet(key, before[index] ?? null, value);
  }
}

interface Standing {
  readonly slot: SlotDeclared;
  readonly host: string;
  readonly pool: string;
  isVerified: boolean;
  /** Found unverified under traffic, with this process: so it may stay until it is verified, and a way back may leave it so. */
  readonly exposedWith: Json | undefined;
  hasBeenVerified: boolean;
  readonly wasInService: boolean;
}

export interface WatchOptions {
  readonly service: ServiceDeclared;
  readonly observations: readonly Observation[];
  /** What each slot has in DNS, by records of any type. */
  readonly slotValues: Readonly<Record<string, readonly string[]>>;
  /** Answers that resolvers remember from before the plan. */
  readonly remembered: readonly RecordSet[];
  readonly floorPercent: number;
  readonly now: () => Instant;
  /** Since when the host is dead; undefined: it lives. */
  readonly deadSince: (host: string) => number | undefined;
}

/** What a balancer, or a look at a host, may not have noticed yet; and what a command takes on its way. */
const unnoticedMs = 8_000;

export class RolloutWatch {
  readonly problems: string[] = [];
  readonly #options: WatchOptions;
  readonly #cells: MemoryCells;
  readonly #standings = new Map<string, Standing>();
  readonly #named: NameTraffic | undefined;
  readonly #isBalanced: boolean;
  /** Answers that resolvers may still remember: until when. */
  #remembered: { readonly set: RecordSet; readonly until: number }[] = [];
  readonly #hadAnswer: boolean;

  constructor(options: WatchOptions, cells: ToldCells) {
    this.#options = options;
    this.#cells = cells;
    const { service } = options;
    this.#named = service.traffic.find((each) => each.kind === 'dns');
    this.#isBalanced = service.traffic.some((each) => each.kind === 'load_balancer');
    const specs = new Map(
      options.observations.flatMap((each) =>
        each.status === 'present' ? [[each.address, each] as const] : [],
      ),
    );
    for (const slot of service.slots) {
      for (const { address, host } of slot.instances) {
        const found = specs.get(address);
        const isVerified =
          found?.kind === 'instance' &&
          found.spec.running !== null &&
          found.spec.health.status !== 'unhealthy';
        const pool = `${service.name}_${slot.name}`;
        const isReady = this.#isReady(pool, host);
        const exposedWith = isReady && !isVerified ? this.#cells.get(`process ${address}`) : undefined;
        const wasInService = isReady && isVerified;
        this.#standings.set(address, {
          slot,
          host,
          pool,
          isVerified,
          exposedWith,
          hasBeenVerified: false,
          wasInService,
        });
      }
    }
    this.#remembered = options.remembered.map((set) => ({
      set,
      until: options.now() + set.ttlSeconds * 1_000,
    }));
    this.#hadAnswer = this.#answers().length > 0;
    cells.onSet = (key, before, after) => this.#onSet(key, before, after);
  }

  onVerified(instance: string): void {
    const standing = this.#standings.get(instance);
    if (standing === undefined) return;
    standing.isVerified = true;
    standing.hasBeenVerified = true;
  }

  /** What the balancer's own check would say, were it asked at once. */
  isUp(instance: string): boolean {
    return this.#standings.get(instance)?.isVerified === true;
  }

  #isReady(pool: string, host: string): boolean {
    return !this.#isBalanced || (this.#cells.get(`member ${edge} ${pool} ${host}`) ?? 'ready') === 'ready';
  }

  #onSet(key: string, before: Json, after: Json): void {
    const [kind = '', what = ''] = key.split(/ (.*)/s);
    const standing = this.#standings.get(what);
    if (standing !== undefined && (kind === 'process' || kind === 'link')) {
      const wasVerified = standing.isVerified;
      standing.isVerified = false;
      if (kind === 'process' && after === null && !this.#isBalanced && wasVerified) this.#left(standing);
    }
    if (kind === 'member' && before === 'ready' && after !== 'ready') {
      const leaving = [...this.#standings.values()].find(
        ({ pool, host }) => key === `member ${edge} ${pool} ${host}`,
      );
      if (leaving?.isVerified === true) this.#left(leaving);
    }
    if (kind === 'record' && before !== null) {
      const set = before as unknown as RecordSet;
      this.#remembered.push({ set, until: this.#options.now() + set.ttlSeconds * 1_000 });
    }
    if (kind === 'record') this.#checkName(key);
    if (kind === 'route' && key.endsWith(' runtime')) this.#checkShares(after as RouteValue | null);
    this.#checkExposure(key);
  }

  /** A host that served was taken out: the others have to hold the floor. */
  #left({ slot, host, wasInService }: Standing): void {
    const { floorPercent, now, deadSince } = this.#options;
    if (floorPercent === 0 || !wasInService || !this.#slotsServed().includes(slot)) return;
    const floor = Math.ceil((slot.instances.length * floorPercent) / 100);
    const others = [...this.#standings.values()].filter((each) => {
      const since = deadSince(each.host);
      const isDead = since !== undefined && now() - since > unnoticedMs;
      return (
        each.slot === slot &&
        each.host !== host &&
        each.isVerified &&
        this.#isReady(each.pool, each.host) &&
        !isDead
      );
    });
    const ownDeath = deadSince(host);
    if (others.length < floor && ownDeath === undefined) {
      this.problems.push(
        `${host} was taken out of ${slot.address}: ${others.length} serve, the floor is ${floor}`,
      );
    }
  }

  #slotsServed(): readonly SlotDeclared[] {
    const { service, now } = this.#options;
    const pools = new Set<string>();
    if (this.#isBalanced) {
      const route = this.#cells.get(`route ${edge} ${service.name} runtime`) as RouteValue | null;
      if (route !== null) {
        if (route.canaryBasisPoints < 10_000) pools.add(route.stable);
        if (route.canaryBasisPoints > 0 || route.audience !== undefined) pools.add(route.canary);
      }
      return service.slots.filter((slot) => pools.has(`${service.name}_${slot.name}`));
    }
    const name = this.#named;
    if (name === undefined) return service.slots.slice(0, 1);
    this.#remembered = this.#remembered.filter(({ until }) => until > now());
    const current = this.#answers().map(([, set]) => set);
    const values = [...current, ...this.#remembered.map(({ set }) => set)].flatMap((set) => set.values);
    const { slotValues } = this.#options;
    return service.slots.filter((slot) => slotValues[slot.name]?.some((value) => values.includes(value)));
  }

  /** What the name server says now, by key. */
  #answers(): readonly (readonly [string, RecordSet])[] {
    return [...this.#cells.values].flatMap(([key, value]) =>
      key.startsWith('record ') && value !== null ? [[key, value as unknown as RecordSet] as const] : [],
    );
  }

  #checkName(by: string): void {
    const answers = this.#answers();
    const aliases = answers.filter(([key]) => key.endsWith('/CNAME"]'));
    if (this.#hadAnswer && answers.length === 0) this.problems.push(`after ${by}: the name has no answer`);
    if (aliases.length > 0 && answers.length > aliases.length) {
      this.problems.push(`after ${by}: a CNAME stands beside something`);
    }
  }

  #checkShares(route: RouteValue | null): void {
    if (route === null) return;
    const pools = [...this.#standings.values()].map(({ pool }) => pool);
    const { stable, canary, canaryBasisPoints: share } = route;
    if (!pools.includes(stable) || !pools.includes(canary))
      this.problems.push('the route names no pool of it');
    if (share < 0 || share > 10_000 || !Number.isInteger(share / 100)) {
      this.problems.push(
        `the canary has ${share / 100}%, which leaves no whole percent of 100 for the other side`,
      );
    }
  }

  #checkExposure(by: string): void {
    const served = this.#slotsServed();
    for (const [address, { slot, host, pool, isVerified, exposedWith, hasBeenVerified }] of this.#standings) {
      if (!served.includes(slot) || isVerified || !this.#isReady(pool, host)) continue;
      if (exposedWith !== undefined && !hasBeenVerified) continue;
      if (exposedWith !== undefined && sameValue(this.#cells.get(`process ${address}`), exposedWith))
        continue;
      // Without balancer and record there is nothing that could take it out of the traffic.
      if (!this.#isBalanced && this.#named === undefined) continue;
      this.problems.push(`after ${by}: ${address} has traffic and is not verified`);
    }
  }
}

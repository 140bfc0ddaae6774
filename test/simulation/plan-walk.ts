/**
 * Walks through a plan as an engine might, in an order of its own choice, and watches with eyes of its own: nothing of
 * the planner's proofs is used here. Gives every sentence that does not hold.
 */
import {
  type Observation,
  type Operation,
  type RouteValue,
  type ServiceDeclared,
  type Step,
  sameValue,
} from '../../src/model/index.ts';
import type { Random } from '../rig/random.ts';

interface Standing {
  linked: string | null;
  running: unknown;
  isVerified: boolean;
  admin: string;
  /** Whether it may get requests unverified, because it was found so. */
  wasExposed: boolean;
}

/** What of the world a user notices, small enough to be walked through 100,000 times. */
export class Walk {
  readonly #service: ServiceDeclared;
  readonly #instances = new Map<string, Standing>();
  readonly problems: string[] = [];
  #route: RouteValue | null = null;
  readonly #floor: number;
  readonly #hosts: number;
  #spare = 0;

  constructor(service: ServiceDeclared, observations: readonly Observation[], floorPercent: number) {
    this.#service = service;
    this.#hosts = service.slots[0]?.instances.length ?? 0;
    this.#floor = Math.ceil((this.#hosts * floorPercent) / 100);
    const byKey = new Map(observations.map((each) => [`${each.kind} ${each.address}`, each]));
    for (const slot of service.slots) {
      for (const each of slot.instances) {
        const seen = byKey.get(`instance ${each.address}`);
        const spec = seen?.status === 'present' && seen.kind === 'instance' ? seen.spec : undefined;
        const member = byKey.get(
          `member load_balancer.edge.pool["${service.name}_${slot.name}"].member["${each.host}"]`,
        );
        const admin = member?.status === 'present' && member.kind === 'member' ? member.spec.admin : 'ready';
        const isVerified = spec !== undefined && spec.running !== null && spec.health.status !== 'unhealthy';
        this.#instances.set(each.address, {
          linked: spec?.linked ?? null,
          running: spec?.running ?? null,
          isVerified,
          admin,
          wasExposed: admin === 'ready' && !isVerified,
        });
      }
    }
    const route = [...byKey.values()].find((each) => each.kind === 'route');
    if (route?.status === 'present' && route.kind === 'route') {
      this.#route = route.spec.runtime ?? route.spec.persisted;
    }
  }

  /** What users get: compared before a plan and after its way back. */
  snapshot(): unknown {
    return {
      route: this.#route,
      instances: [...this.#instances].map(([address, { linked, running, admin }]) => ({
        address,
        linked,
        running,
        admin,
      })),
    };
  }

  /** How many hosts serve, as if those of a slot with a share of the requests served that share only. */
  capacity(): number {
    const served = this.#served();
    if (served.length === 0) return 0;
    return Math.min(...served.map(([slot, share]) => Math.floor(this.#serving(slot) / share + 1e-9)));
  }

  perform(steps: readonly Step[], random: Random, cut: number): Step[] {
    this.#spare = Math.max(0, ...steps.map(({ tolerance }) => tolerance?.most ?? 0));
    const done = new Set<string>();
    const order: Step[] = [];
    const least = Math.min(this.capacity(), this.#floor + this.#spare);
    while (order.length < cut) {
      const ready = steps.filter((step) => !done.has(step.id) && step.needs.every((need) => done.has(need)));
      if (ready.length === 0) {
        this.problems.push(`the plan does not end: ${steps.length - order.length} steps wait for each other`);
        break;
      }
      const step = random.pick(ready);
      this.#apply(step.operation, step.id);
      this.#check(step, least);
      done.add(step.id);
      order.push(step);
    }
    return order;
  }

  /** The way back: the inverse of each, the last one first. */
  undo(done: readonly Step[]): void {
    for (const { id, inverse } of done.toReversed()) {
      if (inverse.kind === 'irreversible') this.problems.push(`${id} has no way back`);
      if (inverse.kind !== 'operation') continue;
      this.#apply(inverse.operation, `the way back from ${id}`);
      if (inverse.verify !== undefined) this.#apply(inverse.verify, `the way back from ${id}`);
    }
  }

  #served(): readonly (readonly [ServiceDeclared['slots'][number], number])[] {
    const value = this.#route;
    if (value === null) return [];
    const shares = new Map<string, number>();
    const add = (pool: string, share: number): void => {
      if (share > 0) shares.set(pool, (shares.get(pool) ?? 0) + share);
    };
    add(value.stable, (10_000 - value.canaryBasisPoints) / 10_000);
    add(value.canary, Math.max(value.canaryBasisPoints, value.audience === undefined ? 0 : 1) / 10_000);
    return this.#service.slots.flatMap((slot) => {
      const share = shares.get(`${this.#service.name}_${slot.name}`);
      return share === undefined ? [] : [[slot, share] as const];
    });
  }

  #serving(slot: ServiceDeclared['slots'][number]): number {
    return slot.instances.filter((each) => {
      const now = this.#instances.get(each.address);
      return now?.isVerified === true && now.admin === 'ready';
    }).length;
  }

  #check(step: Step, least: number): void {
    const { name } = this.#service;
    const value = this.#route;
    if (value !== null) {
      const pools = this.#service.slots.map((slot) => `${name}_${slot.name}`);
      const isWhole = Number.isInteger(value.canaryBasisPoints / 100);
      if (!pools.includes(value.stable) || !pools.includes(value.canary))
        this.problems.push(`${step.id}: the route names no pool of the service`);
      if (value.canaryBasisPoints < 0 || value.canaryBasisPoints > 10_000 || !isWhole) {
        this.problems.push(`${step.id}: the shares do not add up to 100`);
      }
    }
    for (const [slot] of this.#served()) {
      const exposed = slot.instances.find((each) => {
        const now = this.#instances.get(each.address);
        return now !== undefined && now.admin === 'ready' && !now.isVerified && !now.wasExposed;
      });
      if (exposed !== undefined)
        this.problems.push(`${step.id}: ${exposed.address} has traffic and is not verified`);
    }
    const isRouted = step.operation.op === 'route.set' || step.operation.op === 'member.set';
    if (this.#floor > 0 && isRouted && this.capacity() < least) {
      this.problems.push(`${step.id}: ${this.capacity()} in service, and the floor is ${least}`);
    }
  }

  #apply(operation: Operation, by: string): void {
    const expect = (seen: unknown, from: unknown): void => {
      if (!sameValue(seen, from))
        this.problems.push(`${by} begins from ${JSON.stringify(from)}, not ${JSON.stringify(seen)}`);
    };
    switch (operation.op) {
      case 'slot.link':
      case 'process.set': {
        const now = this.#instances.get(operation.instance);
        if (now === undefined) return;
        if (operation.op === 'slot.link') {
          expect(now.linked, operation.from);
          now.linked = operation.to;
        } else {
          expect(now.running, operation.from);
          now.running = operation.to;
        }
        now.isVerified = false;
        return;
      }
      case 'health.verify': {
        const now = this.#instances.get(operation.instance);
        if (now === undefined) return;
        const running = now.running as { release?: string } | null;
        if (running?.release !== operation.release) this.problems.push(`${by} verifies what does not run`);
        now.isVerified = true;
        now.wasExposed = false;
        return;
      }
      case 'member.set': {
        const slot = this.#service.slots.find(
          (each) => `${this.#service.name}_${each.name}` === operation.pool,
        );
        const instance = slot?.instances.find((each) => each.host === operation.member);
        const now = instance === undefined ? undefined : this.#instances.get(instance.address);
        if (now === undefined) return;
        expect(now.admin, operation.from);
        now.admin = operation.to;
        return;
      }
      case 'route.set': {
        if (sameValue(this.#route, operation.to)) return;
        expect(this.#route, operation.from.runtime ?? operation.from.persisted);
        this.#route = operation.to;
        return;
      }
      default:
        return;
    }
  }
}

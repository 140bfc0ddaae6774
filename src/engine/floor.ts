/**
 * The floor of capacity while a run goes on. The plan was proved over what was seen when it was made; hosts die without
 * asking. So before a host is taken out it is looked at who is in service now, and the step waits rather than going below.
 */
import {
  type Address,
  type Context,
  type Declared,
  type Diagnostic,
  type Floor,
  type InstanceDeclared,
  memberAddress,
  type Observation,
  type Operation,
  type ProviderOf,
  type SlotDeclared,
} from '../model/index.ts';
import { floorNotHeld } from './diagnostics.ts';
import { lookLimitMs } from './limits.ts';
import { within } from './within.ts';

/** An operation that takes a host out of service. */
export type Leaving = Extract<Operation, { op: 'member.set' | 'process.set' }> & { readonly floor: Floor };

export type Admission =
  /** It may be taken out, and counts as out until `left` is called: when it is out, or will not be. */
  | { readonly kind: 'admitted'; readonly left: () => void }
  | { readonly kind: 'refused'; readonly why: Diagnostic }
  | { readonly kind: 'interrupted' };

/** A look is as good for all that leave within this time: those that leave are counted here. */
const freshMs = 1_000;
const pauseMs = 1_000;

interface Look {
  readonly number: number;
  readonly at: number;
  /** Hosts in service; undefined: nobody could be seen. */
  readonly inService: ReadonlySet<string> | undefined;
}

/** What is known of one slot. */
interface Watched {
  last: Look | undefined;
  looking: Promise<Look> | undefined;
  /** Hosts that leave now, and those that have left, with the number of the last look that may still have seen them. */
  readonly gone: Map<string, number>;
}

export interface AdmissionAsk {
  /** The step's, for the report. */
  readonly address: Address;
  readonly cx: Context;
  /** Told each time that it has to wait. */
  readonly onWait: () => void;
}

export const asLeaving = (operation: Operation): Leaving | undefined =>
  'floor' in operation && operation.floor !== undefined ? (operation as Leaving) : undefined;

export class FloorKeeper {
  readonly #declared: Declared;
  readonly #providerOf: ProviderOf;
  readonly #watched = new Map<string, Watched>();
  #looks = 0;

  constructor(declared: Declared, providerOf: ProviderOf) {
    this.#declared = declared;
    this.#providerOf = providerOf;
  }

  /** Resolves when the host may be taken out, or when it has waited for as long as the floor says. Never throws. */
  async admit(operation: Leaving, { address, cx, onWait }: AdmissionAsk): Promise<Admission> {
    const { floor } = operation;
    const slot = this.#slotOf(floor);
    const own = operation.op === 'member.set' ? operation.member : operation.place.host;
    const watched = this.#watchedOf(floor);
    const until = cx.clock.now() + floor.withinMs;
    for (;;) {
      const look = await this.#look(watched, operation, slot, cx);
      if (cx.signal.aborted) return { kind: 'interrupted' };
      const { inService } = look;
      const others =
        inService === undefined
          ? []
          : [...inService].filter((host) => host !== own && !isGone(watched, host, look));
      if (inService !== undefined && (others.length >= floor.least || !inService.has(own))) {
        watched.gone.set(own, Number.POSITIVE_INFINITY);
        return { kind: 'admitted', left: () => void watched.gone.set(own, this.#looks) };
      }
      if (cx.clock.now() >= until) {
        return { kind: 'refused', why: floorNotHeld(address, floor, inService && others) };
      }
      cx.report({
        type: 'step_progress',
        step: cx.step,
        done: others.length,
        total: floor.least,
        unit: 'hosts',
        text: `waits: ${others.length} other ${others.length === 1 ? 'host is' : 'hosts are'} in service, and ${floor.least} must be`,
      });
      onWait();
      await cx.clock.sleep(pauseMs, cx.signal);
    }
  }

  #slotOf({ service, slot }: Floor): SlotDeclared {
    const declared = this.#declared.services
      .find((each) => each.address === service)
      ?.slots.find((each) => each.name === slot);
    if (declared === undefined) throw new Error(`the plan declares no slot ${slot} of ${service}`);
    return declared;
  }

  #watchedOf({ service, slot }: Floor): Watched {
    const key = `${service} ${slot}`;
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const watched: Watched = { last: undefined, looking: undefined, gone: new Map() };
    this.#watched.set(key, watched);
    return watched;
  }

  /** The last look while it is fresh, or the one that is under way, or another. */
  async #look(watched: Watched, operation: Leaving, slot: SlotDeclared, cx: Context): Promise<Look> {
    const { last } = watched;
    if (last !== undefined && cx.clock.now() - last.at < freshMs) return last;
    watched.looking ??= this.#lookAfresh(operation, slot, cx).then((look) => {
      watched.looking = undefined;
      watched.last = look;
      return look;
    });
    return watched.looking;
  }

  async #lookAfresh(operation: Leaving, slot: SlotDeclared, cx: Context): Promise<Look> {
    this.#looks += 1;
    const look = { number: this.#looks, at: cx.clock.now() };
    // It serves all that wait: it must not end because one of them is cut short.
    const never = new AbortController().signal;
    const seen = await within(lookLimitMs, cx.clock, never, (signal) =>
      this.#providerOf(operation).observe(onlyOf(this.#declared, operation, slot), signal),
    );
    if (seen.ended !== 'value') return { ...look, inService: undefined };
    const observed = new Map(seen.value.observations.map((each) => [each.address, each]));
    const seenOf = ({ host, address }: InstanceDeclared): Observation | undefined =>
      observed.get(
        operation.op === 'member.set' ? memberAddress(operation.balancer, operation.pool, host) : address,
      );
    const instances = slot.instances.map((each) => ({ host: each.host, seen: seenOf(each) }));
    if (instances.every((each) => each.seen === undefined || each.seen.status === 'unknown')) {
      return { ...look, inService: undefined };
    }
    return {
      ...look,
      inService: new Set(instances.filter((each) => serves(each.seen)).map(({ host }) => host)),
    };
  }
}

/** Whether the look may have seen it in service, and it has left since. */
const isGone = ({ gone }: Watched, host: string, { number }: Look): boolean =>
  number <= (gone.get(host) ?? 0);

/** By the balancer's own word where there is one, else by the check on the host. */
function serves(seen: Observation | undefined): boolean {
  if (seen?.status !== 'present') return false;
  if (seen.kind === 'member') return seen.spec.admin === 'ready' && seen.spec.up;
  return seen.kind === 'instance' && seen.spec.running !== null && seen.spec.health.status !== 'unhealthy';
}

/** So much of what is declared as has to be looked at. */
function onlyOf(declared: Declared, operation: Leaving, slot: SlotDeclared): Declared {
  if (operation.op === 'process.set') {
    return {
      ...declared,
      services: declared.services
        .filter(({ address }) => address === operation.floor.service)
        .map((service) => ({ ...service, slots: [slot] })),
    };
  }
  return {
    ...declared,
    balancers: declared.balancers
      .filter(({ address }) => address === operation.balancer)
      .map((balancer) => ({
        ...balancer,
        routes: [],
        pools: balancer.pools.filter(({ name }) => name === operation.pool),
      })),
  };
}

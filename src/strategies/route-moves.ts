/** Moves of one route, one after the other, each of which is undone by going back to where the first began. */
import {
  type Operation,
  poolsServedBy,
  type RouteState,
  type RouteValue,
  routeAddress,
  type SlotDeclared,
  type Step,
  sameValue,
} from '../model/index.ts';
import { bearersOf, poolOf, routeState } from './situation.ts';
import type { Sequence } from './step.ts';

type RouteSet = Extract<Operation, { op: 'route.set' }>;

export interface RouteMove {
  /** Below the service's name: `green/switch`. */
  readonly id: string;
  readonly verb: string;
  readonly title: string;
  readonly to: RouteValue;
  readonly gate: string;
  readonly needs: readonly Step[];
  /** The slot that gets more requests by it, which must be able to bear them. */
  readonly target?: SlotDeclared;
  /** What follows changes the pools that had requests before: on the way back they get them only when it is undone. */
  readonly isNewHome?: boolean;
}

export class RouteMoves {
  readonly #sequence: Sequence;
  /** What the next move begins from: as observed, then as the last move leaves it. */
  #stands: Pick<RouteState, 'runtime' | 'persisted'> & Partial<Pick<RouteState, 'disagreeing'>>;
  /** What going back leads to. */
  #home: RouteValue | null;

  constructor(sequence: Sequence) {
    this.#sequence = sequence;
    const { runtime, persisted, disagreeing = [] } = routeState(sequence.situation);
    this.#stands = { runtime, persisted, ...(disagreeing.length === 0 ? {} : { disagreeing }) };
    this.#home = runtime ?? persisted;
  }

  /** Where requests go before the next move; null: there is no route. */
  get value(): RouteValue | null {
    return this.#stands.runtime ?? this.#stands.persisted;
  }

  sendsTo(pool: string): boolean {
    return poolsServedBy(this.value).has(pool);
  }

  /**
   * The step that makes the route `to`; without a balancer there is none, and the needs are given back. However many
   * moves were made, the first inverse takes all of it back and the others find it so: nobody is led through the shares
   * a second time.
   */
  move({ id, verb, title, to, gate, needs, target, isNewHome = false }: RouteMove): readonly Step[] {
    const { service, balancer, traffic, estimate } = this.#sequence.situation;
    if (balancer === undefined || traffic === undefined) return needs;
    const where = { op: 'route.set', balancer: balancer.address, route: traffic.route } as const;
    const from = this.#stands;
    const before = from.runtime ?? from.persisted;
    const home = this.#home;
    const summary = this.#backInWords(to);
    // Cut short, some places still hold what it began from: that is not somebody else's.
    const isFirst = sameValue(before, home);
    const passed = isFirst ? {} : { disagreeing: [{ worker: 'before this step', value: before }] };
    this.#stands = { runtime: to, persisted: to };
    if (isNewHome) this.#home = to;
    return [
      this.#sequence.add({
        id: `${service.name}/${id}`,
        needs,
        address: routeAddress(balancer.address, traffic.route),
        verb,
        title,
        where: '',
        operation: { ...where, from, to, ...this.#bearing(target, to) },
        inverse: {
          kind: 'operation',
          operation: { ...where, from: { runtime: to, persisted: to, ...passed }, to: home },
          summary,
        },
        gate,
        estimateSeconds: estimate(verb),
      }),
    ];
  }

  #bearing(target: SlotDeclared | undefined, to: RouteValue): Pick<RouteSet, 'bearing'> {
    const { situation } = this.#sequence;
    const pool = target && poolOf(situation, target);
    if (target === undefined || pool === undefined) return {};
    const sharePercent = to.stable === pool ? 100 : to.canaryBasisPoints / 100;
    return { bearing: { pool, least: bearersOf(situation, target, sharePercent) } };
  }

  #backInWords(to: RouteValue): string {
    const home = this.#home;
    if (home === null) return 'remove the route';
    if (to.canaryBasisPoints === 0) return 'switch back';
    const share = home.canary === to.canary ? home.canaryBasisPoints / 100 : 0;
    return `back to ${share}% at once`;
  }
}

/**
 * What may have happened when. Steps run as their needs allow, so there is not one order but many; a proof has to hold
 * in all of them. For two steps it is known that one comes first only if it is among the other's needs, directly or
 * through others.
 */
import type { Step, StepId } from '../../model/index.ts';

/** The places of steps in the order; -1: not in it. */
export type Chain = readonly number[];

export class OrderOfEvents {
  readonly #position: ReadonlyMap<StepId, number>;
  /** For each step a bit set of all steps that must be done before it. */
  readonly #before: readonly Uint32Array[];

  /** The steps must stand in an order in which needs come first. */
  constructor(steps: readonly Step[]) {
    const position = new Map(steps.map((step, index) => [step.id, index]));
    const words = Math.ceil(steps.length / 32);
    const before: Uint32Array[] = [];
    const known = new Map<readonly StepId[], Uint32Array>();
    for (const step of steps) {
      const same = known.get(step.needs);
      if (same !== undefined) {
        before.push(same);
        continue;
      }
      const bits = new Uint32Array(words);
      known.set(step.needs, bits);
      for (const need of step.needs) {
        const index = position.get(need);
        const inherited = index === undefined ? undefined : before[index];
        if (index === undefined || inherited === undefined)
          throw new Error(`step ${step.id} stands before ${need}, which it needs`);
        for (let word = 0; word < words; word++) bits[word] = (bits[word] ?? 0) | (inherited[word] ?? 0);
        bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
      }
      before.push(bits);
    }
    this.#position = position;
    this.#before = before;
  }

  /** A chain of steps, each after the one before, by their places here: a proof asks for it again and again. */
  chainOf(steps: readonly Step[]): Chain {
    return steps.map((step) => this.#placeOf(step));
  }

  /** Whether `first` is done whenever `then` begins. */
  mustPrecede(first: Step, then: Step): boolean {
    return this.#precedes(this.#placeOf(first), this.#placeOf(then));
  }

  /** While `moment` runs, how many steps of a chain are done: at least `from`, at most `to`. */
  doneDuring(chain: Chain, moment: Step): { readonly from: number; readonly to: number } {
    const place = this.#placeOf(moment);
    let from = 0;
    while (from < chain.length && this.#precedes(chain[from] as number, place)) from++;
    let to = from;
    while (to < chain.length && !this.#precedes(place, chain[to] as number)) to++;
    return { from, to };
  }

  #placeOf(step: Step): number {
    return this.#position.get(step.id) ?? -1;
  }

  #precedes(first: number, then: number): boolean {
    const bits = this.#before[then];
    return first >= 0 && bits !== undefined && ((bits[first >>> 5] ?? 0) & (1 << (first & 31))) !== 0;
  }
}

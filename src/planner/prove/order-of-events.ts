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
    return steps.map((step) => this.placeOf(step));
  }

  /** Whether `first` is done whenever `then` begins. */
  mustPrecede(first: Step, then: Step): boolean {
    return this.#precedes(this.placeOf(first), this.placeOf(then));
  }

  /** How many steps of a chain are done whenever the step in that place begins. */
  doneBefore(chain: Chain, place: number): number {
    let done = 0;
    while (done < chain.length && this.#precedes(chain[done] as number, place)) done++;
    return done;
  }

  /** How many may be done by the time that it ends, where `before` are done for certain when it begins. */
  doneAtMost(chain: Chain, place: number, before: number): number {
    let done = before;
    while (done < chain.length && !this.#precedes(place, chain[done] as number)) done++;
    return done;
  }

  /** Its place in the order; -1: it is not in it. */
  placeOf(step: Step): number {
    return this.#position.get(step.id) ?? -1;
  }

  #precedes(first: number, then: number): boolean {
    const bits = this.#before[then];
    return first >= 0 && bits !== undefined && ((bits[first >>> 5] ?? 0) & (1 << (first & 31))) !== 0;
  }
}

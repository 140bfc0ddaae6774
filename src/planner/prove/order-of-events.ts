/**
 * What may have happened when. Steps run as their needs allow, so there is not one order but many; a proof has to hold
 * in all of them. For two steps it is known that one comes first only if it is among the other's needs, directly or
 * through others.
 */
import type { Step, StepId } from '../../model/index.ts';

export class OrderOfEvents {
  readonly #position: ReadonlyMap<StepId, number>;
  /** For each step a bit set of all steps that must be done before it. */
  readonly #before: readonly Uint32Array[];

  /** The steps must stand in an order in which needs come first. */
  constructor(steps: readonly Step[]) {
    const position = new Map(steps.map((step, index) => [step.id, index]));
    const words = Math.ceil(steps.length / 32);
    const before: Uint32Array[] = [];
    for (const step of steps) {
      const bits = new Uint32Array(words);
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

  /** Whether `first` is done whenever `then` begins. */
  mustPrecede(first: Step, then: Step): boolean {
    const index = this.#position.get(first.id);
    const bits = this.#before[this.#position.get(then.id) ?? -1];
    if (index === undefined || bits === undefined) return false;
    return ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  /**
   * While `moment` runs, how many steps of a chain are done: at least `from`, at most `to`. The chain is in its own
   * order, each step after the one before.
   */
  doneDuring(chain: readonly Step[], moment: Step): { readonly from: number; readonly to: number } {
    let from = 0;
    while (from < chain.length && this.mustPrecede(chain[from] as Step, moment)) from++;
    let to = from;
    while (to < chain.length && !this.mustPrecede(moment, chain[to] as Step)) to++;
    return { from, to };
  }
}

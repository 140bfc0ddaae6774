const NOTHING: readonly never[] = [];

/**
 * Lists that are being read, one inside of the other, the innermost last: `mark` begins one, `cut` ends it. Each comes
 * out exactly as long as it is, where pushing to a new array would reserve room for 17 items; most lists have one or two.
 */
export class Gathering<T> {
  readonly #items: T[] = [];
  #count = 0;

  /** The list that begins here, for {@link cut}. */
  mark(): number {
    return this.#count;
  }

  get count(): number {
    return this.#count;
  }

  add(item: T): void {
    this.#items[this.#count++] = item;
  }

  /** One of the items since the mark of the innermost list; `index` counts from the outermost. */
  at(index: number): T | undefined {
    return index < this.#count ? this.#items[index] : undefined;
  }

  /** What was added since `mark`, which ends that list and all that were begun after it. */
  cut(mark: number): readonly T[] {
    if (mark === this.#count) return NOTHING;
    const list = this.#items.slice(mark, this.#count);
    this.#count = mark;
    return list;
  }
}

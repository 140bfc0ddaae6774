import { type CodeUnits, unitAt } from './code-units.ts';

/** A power of two, and how many slots in a row are looked at: a file has a few dozen names that it repeats. */
const SLOTS = 256;
const PROBES = 4;

/**
 * The names in a text. A file repeats a few of them over and over: each becomes one string, which is found without
 * cutting it out again.
 */
export class Names {
  readonly #text: string;
  readonly #units: CodeUnits;
  /** Names that were cut out, and where each of them starts in the text. */
  readonly #known: string[] = new Array<string>(SLOTS).fill('');
  readonly #starts = new Int32Array(SLOTS);

  constructor(text: string, units: CodeUnits) {
    this.#text = text;
    this.#units = units;
  }

  /** The name from `start` to `end`. */
  at(start: number, end: number): string {
    const units = this.#units;
    const length = end - start;
    const first = (unitAt(units, start) * 31 + unitAt(units, end - 1) * 7 + length) & (SLOTS - 1);
    let slot = first;
    for (let probe = 0; probe < PROBES; probe++) {
      slot = (first + probe) & (SLOTS - 1);
      const known = this.#known[slot] ?? '';
      if (known === '') break;
      if (known.length === length && this.#isSame(this.#starts[slot] ?? 0, start, end)) return known;
    }
    const name = this.#text.slice(start, end);
    this.#known[slot] = name;
    this.#starts[slot] = start;
    return name;
  }

  /** Whether the text at `other` goes on as it does from `start` to `end`. */
  #isSame(other: number, start: number, end: number): boolean {
    const units = this.#units;
    let from = other;
    for (let at = start; at < end; at++) if (unitAt(units, at) !== unitAt(units, from++)) return false;
    return true;
  }
}

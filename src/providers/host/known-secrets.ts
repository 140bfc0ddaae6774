/**
 * The secrets that were read in this run, so that none of them is repeated: a program that prints its own secret must not
 * bring it to a terminal, into a log or into the record.
 */
import type { ResolveSecret } from './processes.ts';

/** What is shorter stands in too many texts by chance, and hiding it would tell what it is. */
const leastCharacters = 4;

export class KnownSecrets {
  readonly #read: ResolveSecret;
  /** The name, by each line of its value. */
  readonly #nameOf = new Map<string, string>();

  constructor(read: ResolveSecret) {
    this.#read = read;
  }

  /** As it was given; what it reads is remembered. */
  readonly resolve: ResolveSecret = async (name) => {
    const value = await this.#read(name);
    for (const line of value.split('\n')) {
      if (line.trim().length >= leastCharacters) this.#nameOf.set(line.trim(), name);
    }
    return value;
  };

  /** The text of a program, with names in the place of secrets. Those that it encodes in some way are not found. */
  hide(text: string): string {
    const longestFirst = [...this.#nameOf].toSorted(([a], [b]) => b.length - a.length);
    return longestFirst.reduce(
      (hidden, [value, name]) => hidden.replaceAll(value, () => `(secret ${name})`),
      text,
    );
  }
}

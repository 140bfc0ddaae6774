/** The cells of a simulated world in a file, each change whole: a world that outlives who deploys to it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Json } from '../../src/model/index.ts';
import type { Cells } from './world.ts';

export class FileCells implements Cells {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  all(): Record<string, Json> {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, Json>;
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
      throw cause;
    }
  }

  get(key: string): Json {
    return this.all()[key] ?? null;
  }

  set(key: string, value: Json): void {
    this.setAll([[key, value]]);
  }

  setAll(values: readonly (readonly [string, Json])[]): void {
    const changed = { ...this.all(), ...Object.fromEntries(values) };
    const all = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null));
    writeFileSync(`${this.#file}.new`, JSON.stringify(all));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

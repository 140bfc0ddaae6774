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
    const { [key]: _before, ...others } = this.all();
    const all = value === null ? others : { ...others, [key]: value };
    writeFileSync(`${this.#file}.new`, JSON.stringify(all));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** Lines of a source, and where in them a position is that ranges tell in grapheme clusters. */
import type { SourcePosition } from '../model/diagnostic.ts';
import { graphemesOf } from '../model/graphemes.ts';

/** The lines of a text, found one at a time: a text may have a million of them and one is asked for. */
export class Lines {
  readonly #text: string;
  readonly #starts = [0];

  constructor(text: string) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  /** Line `number`, from 1, without its ending; undefined when there is none. */
  line(number: number): string | undefined {
    while (this.#starts.length <= number) {
      const from = this.#starts.at(-1) ?? 0;
      const end = this.#text.indexOf('\n', from);
      if (end < 0) break;
      this.#starts.push(end + 1);
    }
    const start = this.#starts[number - 1];
    if (start === undefined) return undefined;
    const next = this.#starts[number];
    const line = this.#text.slice(start, next === undefined ? undefined : next - 1);
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }
}

/** Where a column of grapheme clusters is in a line, in UTF-16 units. */
export function offsetOf(line: string, position: SourcePosition): number {
  const column = position.column - 1;
  if (/^[\t\x20-\x7e]*$/.test(line)) return Math.min(column, line.length);
  let seen = 0;
  for (const { index } of graphemesOf(line)) {
    if (seen++ === column) return index;
  }
  return line.length;
}

import type { SourcePosition, SourceRange } from '../../model/diagnostic.ts';
import { graphemesOf } from '../../model/graphemes.ts';

/** Printable ASCII and tab: one unit is one column and one byte. A CR could join the LF after it. */
const oneColumnEach = /^[\t\x20-\x7e]*$/;

/**
 * A text with its name, and the way from offsets to positions.
 *
 * Offsets are UTF-16 units of `text`, which has no byte order mark: `skippedBytes` says how many bytes were
 * dropped in front of it. Lines start at 1 and end with LF; columns count grapheme clusters, as Terraform does.
 * The index of lines is made at the first question, so that a file without errors never pays for it.
 */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly #skippedBytes: number;
  #lineStarts: Int32Array | undefined;
  #lineBytes: Int32Array | undefined;
  #plain: boolean | undefined;

  constructor(file: string, text: string, skippedBytes = 0) {
    this.file = file;
    this.text = text;
    this.#skippedBytes = skippedBytes;
  }

  /** The number of lines; an empty text has one. */
  get lineCount(): number {
    return this.#starts().length;
  }

  /** Line `line` (from 1) without its line ending; empty when there is no such line. */
  line(line: number): string {
    const starts = this.#starts();
    const from = starts[line - 1];
    if (from === undefined) return '';
    const next = starts[line];
    let to = next === undefined ? this.text.length : next - 1;
    if (next !== undefined && to > from && this.text.charCodeAt(to - 1) === 0x0d) to--;
    return this.text.slice(from, to);
  }

  /** The line, from 1, that holds `offset`. */
  lineAt(offset: number): number {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** Offsets outside of the text are moved to its nearest end. */
  position(offset: number): SourcePosition {
    const at = Math.max(0, Math.min(offset, this.text.length));
    return this.#positionIn(this.lineAt(at), at);
  }

  #positionIn(line: number, at: number): SourcePosition {
    const from = this.#starts()[line - 1] ?? 0;
    const lineByte = this.#bytes()[line - 1] ?? 0;
    // Most files are this throughout, and are asked for the place of each host.
    if (this.#isPlain()) return { line, column: at - from + 1, byte: lineByte + at - from };
    const before = this.text.slice(from, at);
    if (oneColumnEach.test(before))
      return { line, column: before.length + 1, byte: lineByte + before.length };
    return { line, column: countGraphemes(before) + 1, byte: lineByte + Buffer.byteLength(before) };
  }

  /** The offset of a line and a column, both from 1; beyond the end of a line it is that end. */
  offset(line: number, column: number): number {
    const starts = this.#starts();
    const from = starts[line - 1];
    if (from === undefined) return line < 1 ? 0 : this.text.length;
    const text = this.line(line);
    if (oneColumnEach.test(text)) return from + Math.min(column - 1, text.length);
    let seen = 0;
    for (const { index } of graphemesOf(text)) if (++seen === column) return from + index;
    return from + text.length;
  }

  range(start: number, end: number): SourceRange {
    const from = this.position(start);
    // Nearly every range ends on the line that it starts on.
    const nextLine = this.#starts()[from.line] ?? this.text.length + 1;
    const isOnLine = 0 <= start && start <= end && end < nextLine;
    return {
      file: this.file,
      start: from,
      end: isOnLine ? this.#positionIn(from.line, end) : this.position(end),
    };
  }

  /** The range of a node of this text. */
  rangeOf(node: { readonly start: number; readonly end: number }): SourceRange {
    return this.range(node.start, node.end);
  }

  #isPlain(): boolean {
    // ASCII has as many bytes as units; only CR joins what follows it.
    this.#plain ??= Buffer.byteLength(this.text) === this.text.length && !this.text.includes('\r');
    return this.#plain;
  }

  #starts(): Int32Array {
    if (this.#lineStarts !== undefined) return this.#lineStarts;
    const { text } = this;
    // Most lines are longer than this; where they are not, it grows.
    let starts = new Int32Array(64 + (text.length >> 4));
    let count = 1;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      if (count === starts.length) starts = grown(starts);
      starts[count++] = at + 1;
    }
    this.#lineStarts = starts.subarray(0, count);
    return this.#lineStarts;
  }

  #bytes(): Int32Array {
    if (this.#lineBytes !== undefined) return this.#lineBytes;
    const starts = this.#starts();
    if (this.#isPlain() && this.#skippedBytes === 0) {
      this.#lineBytes = starts;
      return starts;
    }
    const bytes = new Int32Array(starts.length);
    let total = this.#skippedBytes;
    for (let index = 0; index < starts.length; index++) {
      bytes[index] = total;
      total += Buffer.byteLength(this.text.slice(starts[index], starts[index + 1]));
    }
    this.#lineBytes = bytes;
    return bytes;
  }
}

function grown(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** The number of grapheme clusters of `text`: what a person would count as characters. */
export function countGraphemes(text: string): number {
  if (oneColumnEach.test(text)) return text.length;
  let count = 0;
  for (const _ of graphemesOf(text)) count++;
  return count;
}

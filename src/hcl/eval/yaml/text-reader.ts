import { YamlFailure } from './failure.ts';

/** What YAML 1.1 does not count among its characters; escapes in double quotes may still stand for it. */
const NOT_ALLOWED = /[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Goes through a text and knows line and column, both from 0. */
export class TextReader {
  readonly #text: string;
  at = 0;
  line = 0;
  column = 0;

  constructor(text: string) {
    if (NOT_ALLOWED.test(text)) throw new YamlFailure('control characters are not allowed');
    this.#text = text;
    if (text.startsWith('\ufeff')) this.at = 1;
  }

  /** The unit at this place or some further on; empty at the end. */
  peek(ahead = 0): string {
    return this.#text.charAt(this.at + ahead);
  }

  skip(): void {
    this.at++;
    this.column++;
  }

  isBreak(): boolean {
    const c = this.peek();
    return c === '\n' || c === '\r' || c === '\x85' || c === '\u2028' || c === '\u2029';
  }

  /** Goes past a line break and gives it back: as LF, but for Unicode's own separators. */
  readBreak(): string {
    const c = this.peek();
    this.at += c === '\r' && this.peek(1) === '\n' ? 2 : 1;
    this.line++;
    this.column = 0;
    return c === '\u2028' || c === '\u2029' ? c : '\n';
  }

  skipToLineEnd(): void {
    while (this.peek() !== '' && !this.isBreak()) this.skip();
  }

  restOfLine(): string {
    return /[^\r\n]*/.exec(this.#text.slice(this.at, this.at + 4096))?.[0] ?? '';
  }

  /** What a sticky pattern, which must not contain line breaks, matches here. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.at += found.length;
    this.column += found.length;
    return found;
  }

  /** `---` or `...` alone at the beginning of a line. */
  documentMarker(): 'document start' | 'document end' | undefined {
    if (this.column !== 0) return undefined;
    const marker = this.#text.slice(this.at, this.at + 3);
    if ((marker !== '---' && marker !== '...') || !/^\s?$/.test(this.peek(3))) return undefined;
    return marker === '---' ? 'document start' : 'document end';
  }

  failure(problem: string): YamlFailure {
    const where = this.line === 0 ? '' : `on line ${this.line + 1}, column ${this.column + 1}: `;
    return new YamlFailure(where + problem);
  }
}

import type { TextReader } from './text-reader.ts';
import type { Token } from './token.ts';

const isSpace = (c: string): boolean => c === ' ' || c === '\t';

/** Line breaks and white space between two parts of a scalar that goes over several lines. */
class Folding {
  spaces = '';
  #first = '';
  #others = '';
  isOpen = false;

  /** Takes white space and line breaks. `indent`: columns left of it must not hold tabs. */
  read(reader: TextReader, indent: number): void {
    while (isSpace(reader.peek()) || reader.isBreak()) {
      if (reader.isBreak()) {
        if (this.isOpen) this.#others += reader.readBreak();
        else {
          this.#first = reader.readBreak();
          this.spaces = '';
          this.isOpen = true;
        }
        continue;
      }
      if (this.isOpen && reader.column < indent && reader.peek() === '\t') {
        throw reader.failure('found a tab character that violates indentation');
      }
      if (!this.isOpen) this.spaces += reader.peek();
      reader.skip();
    }
  }

  /** What all that stands for: one line break is a space, more of them are one fewer. */
  take(): string {
    if (!this.isOpen) {
      const { spaces } = this;
      this.spaces = '';
      return spaces;
    }
    const first = this.#first === '\n' ? (this.#others === '' ? ' ' : '') : this.#first;
    const folded = first + this.#others;
    this.#first = '';
    this.#others = '';
    this.isOpen = false;
    return folded;
  }

  /** A break that was escaped stands for nothing; those after it stay. */
  escape(): void {
    this.isOpen = true;
    this.#first = '\u0000';
  }

  takeEscaped(): string {
    const others = this.#others;
    const wasEscaped = this.#first === '\u0000';
    const folded = wasEscaped ? others : this.take();
    if (wasEscaped) {
      this.#first = '';
      this.#others = '';
      this.isOpen = false;
    }
    return folded;
  }
}

/** A scalar without quotes. `endsLine`: it went up to the end of a line, so that a key may begin after it. */
export function scanPlain(
  reader: TextReader,
  indent: number,
  isFlow: boolean,
): { token: Token; endsLine: boolean } {
  const { at } = reader;
  const folding = new Folding();
  let text = '';
  for (;;) {
    if (reader.documentMarker() !== undefined || reader.peek() === '#') break;
    for (let c = reader.peek(); c !== '' && !isSpace(c) && !reader.isBreak(); c = reader.peek()) {
      const next = reader.peek(1);
      if (c === ':' && (next === '' || /\s/.test(next))) break;
      if (isFlow && /[,?[\]{}]/.test(c)) break;
      if (folding.isOpen || folding.spaces !== '') text += folding.take();
      text += c;
      reader.skip();
    }
    if (!isSpace(reader.peek()) && !reader.isBreak()) break;
    folding.read(reader, indent + 1);
    if (!isFlow && reader.column < indent + 1) break;
  }
  return { token: { type: 'scalar', text, style: 'plain', at }, endsLine: folding.isOpen };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

export function scanQuoted(reader: TextReader, isSingle: boolean): Token {
  const { at } = reader;
  const quote = isSingle ? "'" : '"';
  const folding = new Folding();
  let text = '';
  reader.skip();
  for (;;) {
    if (reader.documentMarker() !== undefined) throw reader.failure('found unexpected document indicator');
    if (reader.peek() === '') throw reader.failure('found unexpected end of stream');
    for (let c = reader.peek(); c !== '' && !isSpace(c) && !reader.isBreak(); c = reader.peek()) {
      if (isSingle && c === "'" && reader.peek(1) === "'") {
        text += "'";
        reader.skip();
        reader.skip();
      } else if (c === quote) break;
      else if (!isSingle && c === '\\') {
        reader.skip();
        if (reader.isBreak()) {
          reader.readBreak();
          folding.escape();
          break;
        }
        text += escapeSequence(reader);
      } else {
        text += c;
        reader.skip();
      }
    }
    if (reader.peek() === quote) break;
    folding.read(reader, 0);
    text += folding.takeEscaped();
  }
  reader.skip();
  return { type: 'scalar', text, style: isSingle ? 'single quoted' : 'double quoted', at };
}

function escapeSequence(reader: TextReader): string {
  const letter = reader.peek();
  const simple = ESCAPES[letter];
  const digits = HEX_DIGITS[letter];
  if (simple === undefined && digits === undefined) throw reader.failure('found unknown escape character');
  reader.skip();
  if (simple !== undefined) return simple;
  let code = '';
  for (let i = 0; i < (digits ?? 0); i++) {
    if (!/^[0-9a-fA-F]$/.test(reader.peek())) {
      throw reader.failure('did not find expected hexdecimal number');
    }
    code += reader.peek();
    reader.skip();
  }
  const value = Number.parseInt(code, 16);
  if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    throw reader.failure('found invalid Unicode character escape code');
  }
  return String.fromCodePoint(value);
}

/** `|` and `>`. `parent` is the indentation of the collection around it. */
export function scanBlockScalar(reader: TextReader, parent: number): Token {
  const { at } = reader;
  const isLiteral = reader.peek() === '|';
  reader.skip();
  const header = reader.take(/(?:[+-]\d?|\d[+-]?)?/y);
  const increment = /\d/.exec(header)?.[0];
  if (increment === '0') throw reader.failure('found an indentation indicator equal to 0');
  reader.take(/[ \t]*/y);
  if (reader.peek() === '#') reader.skipToLineEnd();
  if (reader.peek() !== '' && !reader.isBreak()) {
    throw reader.failure('did not find expected comment or line break');
  }
  if (reader.isBreak()) reader.readBreak();

  let indent = increment === undefined ? 0 : Math.max(parent, 0) + Number(increment);
  let text = '';
  let leading = '';
  let wasBlank = false;
  let first = blockBreaks(reader, indent, parent);
  indent = first.indent;
  let trailing = first.breaks;
  while (reader.column === indent && reader.peek() !== '') {
    const isBlank = isSpace(reader.peek());
    if (!isLiteral && leading === '\n' && !wasBlank && !isBlank) {
      if (trailing === '') text += ' ';
    } else text += leading;
    text += trailing;
    wasBlank = isBlank;
    while (reader.peek() !== '' && !reader.isBreak()) {
      text += reader.peek();
      reader.skip();
    }
    leading = reader.isBreak() ? reader.readBreak() : '';
    first = blockBreaks(reader, indent, parent);
    trailing = first.breaks;
    if (reader.peek() === '' && reader.column === 0) break;
  }
  if (!header.includes('-')) text += leading;
  if (header.includes('+')) text += trailing;
  return { type: 'scalar', text, style: 'block', at };
}

/** Empty lines; and the indentation, when it is still to be found: that of the first line with something in it. */
function blockBreaks(reader: TextReader, known: number, parent: number): { breaks: string; indent: number } {
  let breaks = '';
  let widest = 0;
  for (;;) {
    while ((known === 0 || reader.column < known) && reader.peek() === ' ') reader.skip();
    widest = Math.max(widest, reader.column);
    if ((known === 0 || reader.column < known) && reader.peek() === '\t') {
      throw reader.failure('found a tab character where an indentation space is expected');
    }
    if (!reader.isBreak()) break;
    breaks += reader.readBreak();
  }
  return { breaks, indent: known === 0 ? Math.max(widest, parent + 1, 1) : known };
}

import { isDigit, isNameStart, trimSpace } from './characters.ts';
import { type CodeUnits, codeUnitsOf, unitAt } from './code-units.ts';
import type { Complaint } from './complaint.ts';
import { LexicalComplaints } from './lexical-complaints.ts';
import { nameEnd, numberEnd, plainTextEnd, quotedTextEnd } from './stretches.ts';
import * as T from './token.ts';

/** What a text is: statements and expressions, or the inside of a template (`templatefile`). */
export type LexMode = 'configuration' | 'template';

export interface LexResult {
  readonly tokens: T.Tokens;
  readonly complaints: readonly Complaint[];
}

/**
 * Splits a text into tokens; never fails and takes linear time. What no grammar allows becomes a complaint and
 * an INVALID token. The states are HashiCorp's: main, quoted string, heredoc, bare template, and they nest.
 */
export function lex(text: string, mode: LexMode, units: CodeUnits = codeUnitsOf(text)): LexResult {
  const lexer = new Lexer(text, units);
  return lexer.run(mode);
}

const MAIN = 0;
const QUOTED = 1;
const HEREDOC = 2;
const BARE = 3;

interface Heredoc {
  readonly marker: string;
  atLineStart: boolean;
}

const QUOTE = 0x22;
const DOLLAR = 0x24;
const PERCENT_SIGN = 0x25;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const TILDE = 0x7e;
const LF = 0x0a;
const CR = 0x0d;

/** `name = `, `type "label" {`, or `}`, with the blanks that people who write configuration put there. */
const itemLine = /[ \t]*(?:[\w-]+[ \t]+=[ \t]|[\w-]+[ \t]+(?:"[^"\n]*"[ \t]+)*\{[ \t]*\r?$|\}[ \t]*\r?$)/my;

/** Single characters that are a token by themselves in any place. */
const single = new Uint8Array(128);
for (const [character, type] of [
  ['\n', T.NEWLINE],
  ['[', T.OPEN_BRACKET],
  [']', T.CLOSE_BRACKET],
  ['(', T.OPEN_PAREN],
  [')', T.CLOSE_PAREN],
  [',', T.COMMA],
  ['*', T.STAR],
  ['%', T.PERCENT],
  ['+', T.PLUS],
  ['-', T.MINUS],
  ['?', T.QUESTION],
] as const) {
  single[character.charCodeAt(0)] = type;
}

class Lexer {
  readonly #text: string;
  readonly #units: CodeUnits;
  readonly #tokens: T.Tokens;
  readonly #complaints = new LexicalComplaints();
  #at = 0;
  /** States to go back to, innermost last. */
  readonly #states: number[] = [];
  #state = MAIN;
  #braces = 0;
  /** The brace depth of each open `${` or `%{`. */
  readonly #sequences: number[] = [];
  readonly #heredocs: Heredoc[] = [];
  /** Up to here an open string is known to go on; asked anew for each of its lines it would be quadratic. */
  #continuesUntil = -1;

  constructor(text: string, units: CodeUnits) {
    this.#text = text;
    this.#units = units;
    // Dense lines of configurations have a token for every two or three characters. Room that stays empty is never touched.
    this.#tokens = new T.Tokens(256 + (text.length >> 1));
  }

  run(mode: LexMode): LexResult {
    this.#state = mode === 'template' ? BARE : MAIN;
    this.#readAll();
    const { length } = this.#text;
    this.#tokens.push(T.EOF, length, length);
    return { tokens: this.#tokens, complaints: this.#complaints.list };
  }

  /**
   * A method of its own, and nothing after the loop: V8 makes fast code of it while it runs, in which anything that has
   * never been reached would end that code, once for each text.
   */
  #readAll(): void {
    const { length } = this.#text;
    while (this.#at < length) {
      switch (this.#state) {
        case MAIN:
          this.#main();
          break;
        case QUOTED:
          this.#quoted();
          break;
        case HEREDOC:
          this.#heredoc();
          break;
        default:
          this.#bare();
      }
    }
  }

  #unit(at: number): number {
    return unitAt(this.#units, at);
  }

  #emit(type: number, end: number): void {
    this.#tokens.push(type, this.#at, end);
    this.#at = end;
  }

  #push(state: number): void {
    this.#states.push(this.#state);
    this.#state = state;
  }

  #pop(): void {
    this.#state = this.#states.pop() ?? MAIN;
  }

  // -------------------------------------------------------------------------------------- main

  /** Up to and including the first token that is no name and no single character: those follow one another mostly. */
  #main() {
    const text = this.#text;
    const units = this.#units;
    const tokens = this.#tokens;
    const length = units.length;
    let at = this.#at;
    let code = 0;
    while (at < length) {
      code = unitAt(units, at);
      if (code === 0x20 || code === 0x09) {
        at++;
      } else if (code < 128 && isNameStart(code)) {
        const end = nameEnd(text, units, at + 1);
        tokens.push(T.IDENT, at, end);
        at = end;
      } else {
        const type = single[code] ?? 0;
        if (type === 0) break;
        tokens.push(type, at, at + 1);
        at++;
      }
    }
    this.#at = at;
    if (at === length) return;
    if (isDigit(code)) return this.#emit(T.NUMBER, numberEnd(this.#units, at + 1));
    if (code < 128) return this.#symbol(code, this.#unit(at + 1));
    const point = this.#text.codePointAt(at) ?? 0;
    const width = point > 0xffff ? 2 : 1;
    if (isNameStart(point)) return this.#emit(T.IDENT, nameEnd(this.#text, this.#units, at + width));
    this.#invalid(width);
  }

  #symbol(code: number, next: number) {
    const at = this.#at;
    switch (code) {
      case CR:
        return next === LF ? this.#emit(T.NEWLINE, at + 2) : this.#invalid(1);
      case QUOTE:
        this.#emit(T.OPEN_QUOTE, at + 1);
        return this.#push(QUOTED);
      case OPEN:
        this.#braces++;
        return this.#emit(T.OPEN_BRACE, at + 1);
      case CLOSE:
        return this.#closeBrace();
      case 0x3d: // =
        if (next === 0x3d) return this.#emit(T.EQUAL_EQUAL, at + 2);
        return next === 0x3e ? this.#emit(T.FAT_ARROW, at + 2) : this.#emit(T.EQUAL, at + 1);
      case 0x2e: // .
        if (next === 0x2e && this.#unit(at + 2) === 0x2e) return this.#emit(T.ELLIPSIS, at + 3);
        return this.#emit(T.DOT, at + 1);
      case 0x23: // #
        return this.#lineComment();
      case 0x2f: // /
        if (next === 0x2f) return this.#lineComment();
        if (next === 0x2a) return this.#blockComment();
        return this.#emit(T.SLASH, at + 1);
      case 0x3a: // :
        return next === 0x3a ? this.#emit(T.DOUBLE_COLON, at + 2) : this.#emit(T.COLON, at + 1);
      case 0x21: // !
        return next === 0x3d ? this.#emit(T.NOT_EQUAL, at + 2) : this.#emit(T.BANG, at + 1);
      case 0x3e: // >
        return next === 0x3d ? this.#emit(T.GREATER_EQUAL, at + 2) : this.#emit(T.GREATER, at + 1);
      case 0x3c: // <
        if (next === 0x3d) return this.#emit(T.LESS_EQUAL, at + 2);
        if (next === 0x3c && this.#openHeredoc()) return;
        return this.#emit(T.LESS, at + 1);
      case 0x26: // &
        return next === 0x26 ? this.#emit(T.AND, at + 2) : this.#invalid(1);
      case 0x7c: // |
        return next === 0x7c ? this.#emit(T.OR, at + 2) : this.#invalid(1);
      case TILDE:
        return next === CLOSE ? this.#closeTrimmed() : this.#invalid(1);
      default:
        return this.#invalid(1);
    }
  }

  #invalid(width: number): void {
    const end = this.#at + width;
    this.#complaints.invalidCharacter(this.#text.slice(this.#at, end), this.#at, end);
    this.#emit(T.INVALID, end);
  }

  #lineComment(): void {
    const lineEnd = this.#text.indexOf('\n', this.#at);
    if (lineEnd < 0) this.#emit(T.COMMENT, this.#text.length);
    else this.#emit(T.LINE_COMMENT, lineEnd + 1);
  }

  /** Without an end it is the rest of the file, of which there is nothing more to say. */
  #blockComment() {
    const at = this.#at;
    const end = this.#text.indexOf('*/', at + 2);
    if (end >= 0) return this.#emit(T.COMMENT, end + 2);
    this.#complaints.unclosedComment(at, at + 2);
    this.#tokens.push(T.INVALID, at, at + 2);
    this.#at = this.#text.length;
  }

  #closeBrace(): void {
    if (this.#sequences.at(-1) === this.#braces) {
      this.#sequences.pop();
      this.#emit(T.CLOSE_SEQUENCE, this.#at + 1);
      this.#pop();
    } else {
      this.#emit(T.CLOSE_BRACE, this.#at + 1);
    }
    this.#braces--;
  }

  /** `~}`. Where no sequence ends it is still one of its ends, so that the parser can object to it. */
  #closeTrimmed(): void {
    const closes = this.#sequences.at(-1) === this.#braces;
    this.#emit(T.CLOSE_SEQUENCE, this.#at + 2);
    this.#braces--;
    if (closes) {
      this.#sequences.pop();
      this.#pop();
    }
  }

  // --------------------------------------------------------------------------------- templates

  /** `${` and `%{`, and the strip marker after them. */
  #openSequence(type: number): void {
    const trims = this.#unit(this.#at + 2) === TILDE;
    this.#emit(type, this.#at + (trims ? 3 : 2));
    this.#braces++;
    this.#sequences.push(this.#braces);
    const heredoc = this.#heredocs.at(-1);
    if (heredoc !== undefined) heredoc.atLineStart = false;
    this.#push(MAIN);
  }

  #quoted() {
    const at = this.#at;
    const first = this.#unit(at);
    if (first === QUOTE) {
      this.#emit(T.CLOSE_QUOTE, at + 1);
      return this.#pop();
    }
    if (first === LF || first === CR) return this.#quotedNewline();
    const end = quotedTextEnd(this.#units, at);
    if (end > at) return this.#emit(T.QUOTED_TEXT, end);
    if (first === BACKSLASH) return this.#invalid(1);
    this.#openSequence(first === DOLLAR ? T.OPEN_INTERPOLATION : T.OPEN_DIRECTIVE);
  }

  /**
   * A line ending in a quoted string: either the closing quote was forgotten, or the string was meant to have
   * several lines. The next line with a quote tells: an odd number of them continues this string, an even
   * number has strings of its own, and then this one ends here, so that the lines below are read as they are.
   * It also ends here when the next line looks like an argument, a block or a closing brace.
   */
  #quotedNewline() {
    let end = this.#at;
    for (let code = this.#unit(end); code === LF || code === CR; code = this.#unit(end)) end++;
    this.#complaints.multiLineString(this.#at, end);
    if (this.#stringGoesOn(end)) return this.#emit(T.QUOTED_NEWLINE, end);
    const at = this.#at;
    this.#emit(T.QUOTED_NEWLINE, at);
    this.#closeAbandonedStrings();
    this.#at = at;
  }

  #stringGoesOn(from: number): boolean {
    const text = this.#text;
    if (from <= this.#continuesUntil) return true;
    itemLine.lastIndex = from;
    if (itemLine.test(text)) return false;
    const quote = text.indexOf('"', from);
    if (quote < 0) return false;
    let odd = false;
    for (let at = quote; at < text.length; at++) {
      const code = this.#unit(at);
      if (code === LF) break;
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) odd = !odd;
    }
    if (odd) this.#continuesUntil = quote;
    return odd;
  }

  /** Closes this string and what it is nested in, with empty tokens, up to the file or a heredoc. */
  #closeAbandonedStrings(): void {
    for (;;) {
      this.#tokens.push(T.CLOSE_QUOTE, this.#at, this.#at);
      this.#pop();
      const inSequence = this.#state === MAIN && this.#states.at(-1) === QUOTED;
      if (!inSequence) return;
      this.#tokens.push(T.CLOSE_SEQUENCE, this.#at, this.#at);
      this.#braces = (this.#sequences.pop() ?? 1) - 1;
      this.#pop();
    }
  }

  #openHeredoc(): boolean {
    const text = this.#text;
    let at = this.#at + 2;
    if (this.#unit(at) === 0x2d) at++;
    const point = text.codePointAt(at) ?? 0;
    if (!isNameStart(point)) return false;
    const end = nameEnd(this.#text, this.#units, at + (point > 0xffff ? 2 : 1));
    const lineEnd = this.#unit(end) === CR ? end + 1 : end;
    if (this.#unit(lineEnd) !== LF) return false;
    this.#heredocs.push({ marker: text.slice(at, end), atLineStart: true });
    this.#emit(T.OPEN_HEREDOC, lineEnd + 1);
    this.#push(HEREDOC);
    return true;
  }

  #heredoc() {
    const text = this.#text;
    const at = this.#at;
    const heredoc = this.#heredocs.at(-1);
    if (heredoc === undefined) return this.#pop();
    const code = this.#unit(at);
    if ((code === DOLLAR || code === PERCENT_SIGN) && this.#unit(at + 1) === OPEN) {
      return this.#openSequence(code === DOLLAR ? T.OPEN_INTERPOLATION : T.OPEN_DIRECTIVE);
    }
    const end = plainTextEnd(this.#units, at);
    if (end === at) return this.#invalid(1); // a CR without LF
    const endsLine = this.#unit(end - 1) === LF;
    if (endsLine && heredoc.atLineStart) {
      const lineEnd = this.#unit(end - 2) === CR && end - 2 >= at ? end - 2 : end - 1;
      if (lineEnd - at >= heredoc.marker.length && trimSpace(text.slice(at, lineEnd)) === heredoc.marker) {
        this.#heredocs.pop();
        this.#emit(T.CLOSE_HEREDOC, lineEnd);
        return this.#pop();
      }
    }
    heredoc.atLineStart = endsLine;
    this.#emit(T.PLAIN_TEXT, end);
  }

  #bare() {
    const at = this.#at;
    const code = this.#unit(at);
    if ((code === DOLLAR || code === PERCENT_SIGN) && this.#unit(at + 1) === OPEN) {
      return this.#openSequence(code === DOLLAR ? T.OPEN_INTERPOLATION : T.OPEN_DIRECTIVE);
    }
    // A CR without LF stops the text of a heredoc; a file that is a template may have one.
    this.#emit(T.PLAIN_TEXT, Math.max(plainTextEnd(this.#units, at), at + 1));
  }
}

import { COMPLAINT_LIMIT, type Complaint } from './complaint.ts';
import type { SourceText } from './source.ts';
import * as T from './token.ts';

/**
 * How deep blocks and expressions may nest: brackets, and chains of operators and steps that make the tree as
 * deep. Every walk over the tree may recurse, and 500 levels fit Node's default stack with room to spare. Real
 * configurations stay under 20. A larger number needs walks that keep a stack of their own.
 */
export const NESTING_LIMIT = 500;

const NAME_SLOTS = 256;

/**
 * Reads tokens one by one, leaving out comments, and newlines where they do not count; collects complaints;
 * finds a place to go on from after one. The layers of the parser are built on top of it.
 */
export abstract class Cursor {
  protected readonly tokens: T.Tokens;
  protected readonly source: SourceText;
  protected readonly text: string;
  readonly complaints: Complaint[] = [];
  /** How many complaints were made, kept or not. */
  protected errors = 0;
  /** In the middle of something that went wrong: what follows is likely to be a consequence of it. */
  protected recovering = false;
  /** Whether newlines are tokens here: they are in bodies and objects, not in `()`, `[]` and `${}`. */
  protected newlines = true;
  /** How many brackets and blocks are open around the next token. */
  protected depth = 0;
  /** How deep the tree of the expression parsed last is; a leaf has 0. */
  protected height = 0;
  /** After the token read last. */
  #next = 0;
  /** The token that {@link peek} has found; -1 when it has to look again. */
  #peeked = -1;
  #peekedWithNewlines = true;
  /** Names that were cut out of the text, each in the slot of its first and last character and its length. */
  readonly #names: (string | undefined)[] = new Array<string | undefined>(NAME_SLOTS).fill(undefined);

  constructor(tokens: T.Tokens, source: SourceText) {
    this.tokens = tokens;
    this.source = source;
    this.text = source.text;
  }

  // ------------------------------------------------------------------------------------ reading

  /** The index of the next token. */
  protected peekIndex(): number {
    if (this.#peeked >= 0 && this.#peekedWithNewlines === this.newlines) return this.#peeked;
    const types = this.tokens.types;
    const last = this.tokens.count - 1;
    let index = this.#next;
    for (; index < last; index++) {
      const type = types[index];
      if (type === T.COMMENT) continue;
      if ((type === T.NEWLINE || type === T.LINE_COMMENT) && !this.newlines) continue;
      break;
    }
    if (index > last) index = last;
    this.#peeked = index;
    this.#peekedWithNewlines = this.newlines;
    return index;
  }

  /** The type of the next token; NEWLINE for a comment that ends its line. */
  protected peek(): number {
    const type = this.tokens.type(this.peekIndex());
    return type === T.LINE_COMMENT ? T.NEWLINE : type;
  }

  /** Takes the next token and gives its index. At the end it gives EOF again and again. */
  protected read(): number {
    const index = this.peekIndex();
    this.#next = index + 1;
    this.#peeked = -1;
    return index;
  }

  /** The end of the token read last. */
  protected previousEnd(): number {
    return this.#next === 0 ? 0 : this.tokens.end(Math.min(this.#next, this.tokens.count) - 1);
  }

  protected typeOf(index: number): number {
    const type = this.tokens.type(index);
    return type === T.LINE_COMMENT ? T.NEWLINE : type;
  }

  protected textOf(index: number): string {
    return this.text.slice(this.tokens.start(index), this.tokens.end(index));
  }

  /**
   * The text of a name. A file repeats a few of them over and over; they become one string, which is found without
   * cutting it out again and compared in a glance.
   */
  protected nameAt(index: number): string {
    const { text } = this;
    const start = this.tokens.start(index);
    const end = this.tokens.end(index);
    const slot = (text.charCodeAt(start) * 31 + text.charCodeAt(end - 1) * 7 + end - start) % NAME_SLOTS;
    const known = this.#names[slot];
    if (known !== undefined && known.length === end - start && text.startsWith(known, start)) return known;
    const name = text.slice(start, end);
    this.#names[slot] = name;
    return name;
  }

  /** Whether the next token is the name `word`. */
  protected peekWord(word: string): boolean {
    const index = this.peekIndex();
    if (this.tokens.type(index) !== T.IDENT) return false;
    const start = this.tokens.start(index);
    return this.tokens.end(index) - start === word.length && this.text.startsWith(word, start);
  }

  // --------------------------------------------------------------------------------- complaining

  protected complain(
    code: string,
    summary: string,
    detail: string,
    start: number,
    end: number,
    more: { readonly contextStart?: number; readonly hint?: string } = {},
  ): void {
    this.errors++;
    if (this.complaints.length < COMPLAINT_LIMIT) {
      this.complaints.push({ code, summary, detail, start, end, ...more });
    }
  }

  /** A complaint about token `index`. */
  protected complainAt(
    index: number,
    code: string,
    summary: string,
    detail: string,
    more: { readonly contextStart?: number; readonly hint?: string } = {},
  ): void {
    this.complain(code, summary, detail, this.tokens.start(index), this.tokens.end(index), more);
  }

  /** `file:3,5-9`, as HashiCorp writes a range inside of a sentence. */
  protected rangeText(start: number, end: number): string {
    const from = this.source.position(start);
    const to = this.source.position(end);
    const where = `${this.source.file}:${from.line},${from.column}-`;
    return from.line === to.line ? `${where}${to.column}` : `${where}${to.line},${to.column}`;
  }

  /** Whether something failed since `before` (a copy of {@link errors}) and has left us in a strange place. */
  protected failedSince(before: number): boolean {
    return this.recovering && this.errors > before;
  }

  /** Enters one level of nesting. False, with a complaint, when that would be one too many. */
  protected enter(start: number, end: number): boolean {
    if (++this.depth <= NESTING_LIMIT) return true;
    this.complainTooDeep(start, end);
    return false;
  }

  protected leave(): void {
    this.depth--;
  }

  /** Notes how deep the tree of the expression just made is. False, with a complaint, when that is too much. */
  protected setHeight(height: number, start: number, end: number): boolean {
    this.height = height;
    if (height + this.depth <= NESTING_LIMIT) return true;
    this.complainTooDeep(start, end);
    this.height = 0;
    return false;
  }

  protected complainTooDeep(start: number, end: number): void {
    if (!this.recovering) {
      this.complain(
        'hcl-nesting-too-deep',
        'Nesting too deep',
        `Expressions and blocks may be nested, and operators chained, up to ${NESTING_LIMIT} levels; this is beyond that.`,
        start,
        end,
        { hint: 'Give parts of it names of their own, as local values.' },
      );
    }
    this.errors++;
    this.recovering = true;
  }

  // ----------------------------------------------------------------------------------- recovering

  /**
   * Reads up to and including the `end` that closes the bracket at hand, and gives its index. Gives the index
   * of a token that it has not read where the bracket is more likely to have been forgotten: at the end of the
   * file; for a brace, at a block at the start of a line; for all others, at a brace that closes something
   * further out, or at a line that begins like an item of a body. `mayHoldBlocks`: the brace is that of a block.
   */
  protected recover(end: number, mayHoldBlocks = false): number {
    const start = T.opposite(end);
    this.recovering = true;
    let nested = 0;
    let braces = 0;
    for (;;) {
      const index = this.peekIndex();
      let type = this.tokens.type(index);
      if (type === T.EOF) return index;
      if (end !== T.CLOSE_BRACE) {
        if (braces === 0 && (type === T.CLOSE_BRACE || this.beginsItem(index))) return index;
        if (type === T.OPEN_BRACE) braces++;
        else if (type === T.CLOSE_BRACE) braces--;
      } else if (!mayHoldBlocks && this.beginsBlock(index)) {
        return index;
      }
      this.read();
      if (end === T.CLOSE_SEQUENCE && type === T.OPEN_DIRECTIVE) type = T.OPEN_INTERPOLATION;
      if (type === end) {
        if (nested === 0) return index;
        nested--;
      } else if (type === start) {
        nested++;
      }
    }
  }

  /** `name "` or `name {` in the first column, which is no item of an object, and no block inside of another. */
  protected beginsBlock(index: number): boolean {
    const { tokens } = this;
    const start = tokens.start(index);
    if (tokens.type(index) !== T.IDENT || start === 0 || this.text.charCodeAt(start - 1) !== 0x0a)
      return false;
    const after = tokens.type(index + 1);
    return after === T.OPEN_QUOTE || after === T.OPEN_BRACE;
  }

  /** `name =`, `name "` or `name {` at the start of a line, which no expression has. */
  protected beginsItem(index: number): boolean {
    const { tokens } = this;
    if (tokens.type(index) !== T.IDENT || index === 0) return false;
    const before = tokens.type(index - 1);
    if (before !== T.NEWLINE && before !== T.LINE_COMMENT) return false;
    const after = tokens.type(index + 1);
    return after === T.EQUAL || after === T.OPEN_QUOTE || after === T.OPEN_BRACE;
  }

  /**
   * Reads to the end of the line on which all brackets opened since are closed again, and goes on from there as
   * if nothing had happened. HashiCorp's parser stays silent from here on; a line that begins like an item is a
   * better sign that the trouble is over than it is given credit for, and people want all errors at once.
   */
  protected recoverAfterItem(): void {
    this.recovering = true;
    if (this.beginsBlock(this.peekIndex())) {
      this.recovering = false;
      return;
    }
    const open: number[] = [];
    for (;;) {
      const type = this.typeOf(this.read());
      if (type === T.EOF) return;
      if (type === T.NEWLINE) {
        if (open.length === 0) break;
      } else if (opens(type)) {
        open.push(type);
      } else if (closes(type)) {
        const opener = T.opposite(type);
        while (open.length > 0 && !sameBracket(open.at(-1) ?? T.EOF, opener)) open.pop();
        open.pop();
      }
    }
    const next = this.peek();
    if (next === T.IDENT || next === T.CLOSE_BRACE || next === T.EOF || next === T.NEWLINE)
      this.recovering = false;
  }
}

function opens(type: number): boolean {
  switch (type) {
    case T.OPEN_BRACE:
    case T.OPEN_BRACKET:
    case T.OPEN_PAREN:
    case T.OPEN_QUOTE:
    case T.OPEN_HEREDOC:
    case T.OPEN_INTERPOLATION:
    case T.OPEN_DIRECTIVE:
      return true;
    default:
      return false;
  }
}

function closes(type: number): boolean {
  switch (type) {
    case T.CLOSE_BRACE:
    case T.CLOSE_BRACKET:
    case T.CLOSE_PAREN:
    case T.CLOSE_QUOTE:
    case T.CLOSE_HEREDOC:
    case T.CLOSE_SEQUENCE:
      return true;
    default:
      return false;
  }
}

function sameBracket(open: number, opener: number): boolean {
  return open === opener || (opener === T.OPEN_INTERPOLATION && open === T.OPEN_DIRECTIVE);
}

import type { CodeUnits } from './code-units.ts';
import { COMPLAINT_LIMIT, type Complaint } from './complaint.ts';
import { Names } from './names.ts';
import type { SourceText } from './source.ts';
import * as T from './token.ts';

/**
 * How deep blocks and expressions may nest: brackets, and chains of operators and steps that make the tree as
 * deep. Every walk over the tree may recurse, and 500 levels fit Node's default stack with room to spare. Real
 * configurations stay under 20. A larger number needs walks that keep a stack of their own.
 */
export const NESTING_LIMIT = 500;

/**
 * Reads tokens one by one, leaving out comments, and newlines where they do not count; collects complaints;
 * finds a place to go on from after one. The layers of the parser are built on top of it.
 */
export abstract class Cursor {
  protected readonly tokens: T.Tokens;
  protected readonly source: SourceText;
  protected readonly text: string;
  protected readonly units: CodeUnits;
  readonly complaints: Complaint[] = [];
  /** How many complaints were made, kept or not. */
  protected errors = 0;
  /** In the middle of something that went wrong: what follows is likely to be a consequence of it. */
  protected recovering = false;
  /** How many brackets and blocks are open around the next token. */
  protected depth = 0;
  /** How deep the tree of the expression parsed last is; a leaf has 0. */
  protected height = 0;
  /** After the token read last. */
  #after = 0;
  /** The next token that counts. It is looked for once, when the one before it is read: it is asked for many times. */
  #next = 0;
  #nextType = T.EOF;
  #newlines = true;
  readonly #names: Names;

  constructor(tokens: T.Tokens, source: SourceText, units: CodeUnits) {
    this.tokens = tokens;
    this.source = source;
    this.text = source.text;
    this.units = units;
    this.#names = new Names(source.text, units);
    this.#findNext();
  }

  // ------------------------------------------------------------------------------------ reading

  /** Whether newlines are tokens here: they are in bodies and objects, not in `()`, `[]` and `${}`. */
  protected get newlines(): boolean {
    return this.#newlines;
  }

  protected set newlines(count: boolean) {
    if (count === this.#newlines) return;
    this.#newlines = count;
    this.#findNext();
  }

  /** The index of the next token. */
  protected peekIndex(): number {
    return this.#next;
  }

  /** The type of the next token; NEWLINE for a comment that ends its line. */
  protected peek(): number {
    return this.#nextType;
  }

  /** Takes the next token and gives its index. At the end it gives EOF again and again. */
  protected read(): number {
    const index = this.#next;
    this.#after = index + 1;
    this.#findNext();
    return index;
  }

  /** The last token is EOF, which ends the search. */
  #findNext(): void {
    const { types } = this.tokens;
    let index = Math.min(this.#after, this.tokens.count - 1);
    let type = types[index] ?? T.EOF;
    while (type === T.COMMENT || (!this.#newlines && (type === T.NEWLINE || type === T.LINE_COMMENT))) {
      type = types[++index] ?? T.EOF;
    }
    this.#next = index;
    this.#nextType = type === T.LINE_COMMENT ? T.NEWLINE : type;
  }

  /** The end of the token read last. */
  protected previousEnd(): number {
    return this.#after === 0 ? 0 : this.tokens.end(Math.min(this.#after, this.tokens.count) - 1);
  }

  protected typeOf(index: number): number {
    const type = this.tokens.type(index);
    return type === T.LINE_COMMENT ? T.NEWLINE : type;
  }

  protected textOf(index: number): string {
    return this.text.slice(this.tokens.start(index), this.tokens.end(index));
  }

  /** The text of a name or a number, which a file may repeat over and over: one string for all of them. */
  protected nameAt(index: number): string {
    return this.#names.at(this.tokens.start(index), this.tokens.end(index));
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

/**
 * The kinds of tokens, as numbers: a file of 10 MB has millions of them, so that they are kept in typed arrays.
 * One constant for each, because those are folded into the code that compares them.
 */

export const EOF = 0;
export const IDENT = 1;
export const NUMBER = 2;
/** LF or CR LF. */
export const NEWLINE = 3;
/** Inside of a line, or at the end of a file that does not end with a line ending. */
export const COMMENT = 4;
/** `#` or `//` with the line ending that closes it: stands for a newline where newlines count. */
export const LINE_COMMENT = 5;

export const OPEN_BRACE = 10;
export const CLOSE_BRACE = 11;
export const OPEN_BRACKET = 12;
export const CLOSE_BRACKET = 13;
export const OPEN_PAREN = 14;
export const CLOSE_PAREN = 15;
export const OPEN_QUOTE = 16;
export const CLOSE_QUOTE = 17;
/** `<<EOT` or `<<-EOT` with its line ending. */
export const OPEN_HEREDOC = 18;
/** The whole last line of a heredoc, without its line ending. */
export const CLOSE_HEREDOC = 19;
/** `${` or `${~`. */
export const OPEN_INTERPOLATION = 20;
/** `%{` or `%{~`. */
export const OPEN_DIRECTIVE = 21;
/** `}` or `~}` that ends either of them. */
export const CLOSE_SEQUENCE = 22;

/** A stretch of a quoted string, with its escapes as written. */
export const QUOTED_TEXT = 25;
/** A stretch of a heredoc or of a bare template: at most one line, its ending included. */
export const PLAIN_TEXT = 26;
/** A line ending inside a quoted string. Always an error, which the lexer has reported. */
export const QUOTED_NEWLINE = 27;
/** A character the language does not use. The lexer has reported it. */
export const INVALID = 28;

export const DOT = 30;
export const COMMA = 31;
export const ELLIPSIS = 32;
export const FAT_ARROW = 33;
export const QUESTION = 34;
export const COLON = 35;
export const DOUBLE_COLON = 36;
export const EQUAL = 37;
export const BANG = 38;

export const PLUS = 40;
export const MINUS = 41;
export const STAR = 42;
export const SLASH = 43;
export const PERCENT = 44;
export const EQUAL_EQUAL = 45;
export const NOT_EQUAL = 46;
export const LESS = 47;
export const LESS_EQUAL = 48;
export const GREATER = 49;
export const GREATER_EQUAL = 50;
export const AND = 51;
export const OR = 52;

/** The token that closes what `type` opens, or the other way round; EOF when it is no bracket. */
export function opposite(type: number): number {
  switch (type) {
    case OPEN_BRACE:
      return CLOSE_BRACE;
    case CLOSE_BRACE:
      return OPEN_BRACE;
    case OPEN_BRACKET:
      return CLOSE_BRACKET;
    case CLOSE_BRACKET:
      return OPEN_BRACKET;
    case OPEN_PAREN:
      return CLOSE_PAREN;
    case CLOSE_PAREN:
      return OPEN_PAREN;
    case OPEN_QUOTE:
      return CLOSE_QUOTE;
    case CLOSE_QUOTE:
      return OPEN_QUOTE;
    case OPEN_HEREDOC:
      return CLOSE_HEREDOC;
    case CLOSE_HEREDOC:
      return OPEN_HEREDOC;
    case OPEN_INTERPOLATION:
    case OPEN_DIRECTIVE:
      return CLOSE_SEQUENCE;
    case CLOSE_SEQUENCE:
      return OPEN_INTERPOLATION;
    default:
      return EOF;
  }
}

/** The tokens of one text, in order. The last one is always EOF. Tokens do not overlap; blanks are in none. */
export class Tokens {
  types: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
  count = 0;

  /** `expected` is how many there will probably be. */
  constructor(expected = 256) {
    this.types = new Uint8Array(expected);
    this.starts = new Int32Array(expected);
    this.ends = new Int32Array(expected);
  }

  push(type: number, start: number, end: number): void {
    const index = this.count;
    if (index === this.types.length) this.#grow();
    this.types[index] = type;
    this.starts[index] = start;
    this.ends[index] = end;
    this.count = index + 1;
  }

  type(index: number): number {
    return this.types[index] ?? EOF;
  }

  start(index: number): number {
    return this.starts[index] ?? 0;
  }

  end(index: number): number {
    return this.ends[index] ?? 0;
  }

  #grow(): void {
    const size = this.types.length * 2;
    const types = new Uint8Array(size);
    types.set(this.types);
    this.types = types;
    const starts = new Int32Array(size);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Int32Array(size);
    ends.set(this.ends);
    this.ends = ends;
  }
}

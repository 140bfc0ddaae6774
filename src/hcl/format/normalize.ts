import type { Attribute, Block, Body } from '../syntax/ast.ts';
import { lex } from '../syntax/lexer.ts';
import * as T from '../syntax/token.ts';
import { addPiece, addTokens, noPieces, type Pieces } from './pieces.ts';

export interface Normalized {
  readonly pieces: Pieces;
  /** Whether a value was unwrapped, so that there may be more to unwrap in it. */
  readonly rewritten: boolean;
}

/**
 * The tokens of a valid file after the rewrites that `terraform fmt` does on top of HCL's formatter:
 *
 * - `name = "${x}"` becomes `name = x`, with parentheses when `x` has several lines;
 * - labels get quotes and the shortest escapes, and comments between them go away;
 * - in a `variable` at the top, `type = "string"` becomes `string`, `"list"` and `"map"` become `list(string)`
 *   and `map(string)`, and a bare `list`, `map` or `set` gets `(any)`.
 */
export function normalize(text: string, body: Body): Normalized {
  return new Normalizer(text).run(body);
}

class Normalizer {
  readonly #text: string;
  readonly #tokens: T.Tokens;
  readonly #out = noPieces();
  /** The next token that is not in `#out` yet. */
  #next = 0;
  #rewritten = false;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = lex(text, 'configuration').tokens;
  }

  run(body: Body): Normalized {
    this.#body(body, 0, false);
    this.#copyUntil(this.#tokens.count);
    return { pieces: this.#out, rewritten: this.#rewritten };
  }

  #body(body: Body, depth: number, isVariable: boolean): void {
    const { attributes, blocks } = body;
    let a = 0;
    let b = 0;
    for (;;) {
      const attribute = attributes[a];
      const block = blocks[b];
      if (attribute !== undefined && (block === undefined || attribute.start < block.start)) {
        this.#attribute(attribute, depth === 1 && isVariable && attribute.name === 'type');
        a++;
      } else if (block !== undefined) {
        this.#block(block, depth);
        b++;
      } else {
        return;
      }
    }
  }

  // -------------------------------------------------------------------------------------- labels

  #block(block: Block, depth: number): void {
    if (block.labels.length > 0) {
      this.#copyUntil(this.#indexAt(block.start) + 1);
      for (const label of block.labels) {
        addPiece(this.#out, T.OPEN_QUOTE, '"', 1);
        const text = quotedText(label.text);
        if (text !== '') addPiece(this.#out, T.QUOTED_TEXT, text, 0);
        addPiece(this.#out, T.CLOSE_QUOTE, '"', 0);
      }
      this.#next = this.#indexAt(block.headerEnd);
    }
    this.#body(block.body, depth + 1, depth === 0 && block.type === 'variable');
  }

  // -------------------------------------------------------------------------------------- values

  #attribute(attribute: Attribute, isType: boolean): void {
    const from = this.#indexAt(attribute.value.start);
    const to = this.#indexAt(attribute.value.end);
    this.#copyUntil(from);
    if (isType) this.#type(from, to);
    else this.#value(from, to);
    this.#copyUntil(to);
  }

  #value(from: number, to: number): void {
    const { tokens } = this;
    if (to - from < 5 || !this.#isWrapped(from, to)) return;
    let start = from + 2;
    let end = to - 2;
    while (start < end && tokens.type(start) === T.NEWLINE) start++;
    while (end > start && tokens.type(end - 1) === T.NEWLINE) end--;
    const parentheses = this.#needsParentheses(start, end);
    if (parentheses) addPiece(this.#out, T.OPEN_PAREN, '(', 1);
    addTokens(this.#out, tokens, this.#text, start, end);
    if (parentheses) addPiece(this.#out, T.CLOSE_PAREN, ')', 0);
    this.#next = to;
    this.#rewritten = true;
  }

  /** Whether the tokens are `"${`, one expression, `}"`, as far as can be told without looking at the tree. */
  #isWrapped(from: number, to: number): boolean {
    const { tokens } = this;
    if (tokens.type(from) !== T.OPEN_QUOTE || tokens.type(from + 1) !== T.OPEN_INTERPOLATION) return false;
    if (tokens.type(to - 2) !== T.CLOSE_SEQUENCE || tokens.type(to - 1) !== T.CLOSE_QUOTE) return false;
    let quotes = 0;
    for (let index = from + 2; index < to - 2; index++) {
      const type = tokens.type(index);
      if (type === T.OPEN_QUOTE) quotes++;
      else if (type === T.CLOSE_QUOTE) quotes--;
      else if (quotes > 0) continue;
      else if (type === T.OPEN_INTERPOLATION || type === T.CLOSE_SEQUENCE || type === T.QUOTED_TEXT)
        return false;
    }
    return true;
  }

  #needsParentheses(start: number, end: number): boolean {
    const { tokens } = this;
    if (tokens.type(start) === T.OPEN_PAREN && tokens.type(end - 1) === T.CLOSE_PAREN) return false;
    for (let index = start; index < end; index++) if (tokens.type(index) === T.NEWLINE) return true;
    return false;
  }

  // --------------------------------------------------------------------------------------- types

  #type(from: number, to: number): void {
    const { tokens } = this;
    const out = this.#out;
    if (to - from === 1 && tokens.type(from) === T.IDENT) {
      const name = this.#textOf(from);
      if (name !== 'list' && name !== 'map' && name !== 'set') return;
      this.#copyUntil(to);
      addElementType(out, 'any');
    } else if (
      to - from === 3 &&
      tokens.type(from) === T.OPEN_QUOTE &&
      tokens.type(from + 1) === T.QUOTED_TEXT
    ) {
      const name = this.#textOf(from + 1);
      if (name !== 'string' && name !== 'list' && name !== 'map') return;
      addPiece(out, T.IDENT, name, 1);
      if (name !== 'string') addElementType(out, 'string');
      this.#next = to;
    }
  }

  // -------------------------------------------------------------------------------------- tokens

  get tokens(): T.Tokens {
    return this.#tokens;
  }

  #textOf(index: number): string {
    return this.#text.slice(this.#tokens.start(index), this.#tokens.end(index));
  }

  /** Copies tokens as they are, up to `index`. */
  #copyUntil(index: number): void {
    addTokens(this.#out, this.#tokens, this.#text, this.#next, index);
    this.#next = Math.max(this.#next, index);
  }

  /** The first token, not before the next one, that starts at or after `offset`. */
  #indexAt(offset: number): number {
    const { starts, count } = this.#tokens;
    let low = this.#next;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function addElementType(out: Pieces, name: string): void {
  addPiece(out, T.OPEN_PAREN, '(', 0);
  addPiece(out, T.IDENT, name, 0);
  addPiece(out, T.CLOSE_PAREN, ')', 0);
}

/** What Go's `unicode.IsPrint` takes for printable. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A string between quotes, escaped as HCL's writer does. Strings are NFC, as all of Terraform's. */
function quotedText(value: string): string {
  let text = '';
  const normal = value.normalize('NFC');
  for (let at = 0; at < normal.length; ) {
    const point = normal.codePointAt(at) ?? 0;
    const character = String.fromCodePoint(point);
    at += character.length;
    switch (character) {
      case '\n':
        text += '\\n';
        break;
      case '\r':
        text += '\\r';
        break;
      case '\t':
        text += '\\t';
        break;
      case '"':
      case '\\':
        text += `\\${character}`;
        break;
      case '$':
      case '%':
        text += normal[at] === '{' ? character + character : character;
        break;
      default:
        text += printable.test(character) ? character : escaped(point);
    }
  }
  return text;
}

function escaped(point: number): string {
  const hex = point.toString(16);
  return point < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

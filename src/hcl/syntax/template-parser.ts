import type { Expression } from './ast.ts';
import { trimSpaceEnd, trimSpaceStart } from './characters.ts';
import { Cursor } from './cursor.ts';
import { Gathering } from './gathering.ts';
import { StringNode, TemplateNode } from './nodes.ts';
import { decodePlain, decodeQuoted } from './string-literal.ts';
import {
  isTextOrValue,
  joinTexts,
  stripIndentation,
  type TemplatePart,
  type TextPart,
  ValuePart,
} from './template-parts.ts';
import { buildTemplate, type TemplateTree } from './template-tree.ts';
import * as T from './token.ts';

const DOLLAR = 0x24;
const PERCENT_SIGN = 0x25;
const BACKSLASH = 0x5c;

/** Reads templates: quoted strings, heredocs, and files that are a template. */
export abstract class TemplateParser extends Cursor {
  /** Lists of arguments, items and parts of templates that are being read. */
  protected readonly expressions = new Gathering<Expression>();
  readonly #parts = new Gathering<TemplatePart>();

  protected abstract parseExpression(): Expression;

  /** The expression that starts with the OPEN_QUOTE or OPEN_HEREDOC that comes next. */
  protected parseQuoteOrHeredoc(): Expression {
    const open = this.read();
    const start = this.tokens.start(open);
    if (this.tokens.type(open) === T.OPEN_HEREDOC) {
      const indented = this.text.charCodeAt(start + 2) === 0x2d;
      return this.parseTemplateUntil(T.CLOSE_HEREDOC, start, true, indented);
    }
    const { types, starts, ends } = this.tokens;
    if (types[open + 1] === T.QUOTED_TEXT && types[open + 2] === T.CLOSE_QUOTE) {
      // Most strings are this, and it saves them the lists of parts.
      const text = this.read();
      const close = this.read();
      this.height = 0;
      const value = this.decode(text);
      return new StringNode(start, ends[close] ?? starts[close] ?? start, value, false);
    }
    return this.parseTemplateUntil(T.CLOSE_QUOTE, start, false, false);
  }

  /** What comes next is a template, up to the token `end`. `start` is where its opening marker starts. */
  protected parseTemplateUntil(end: number, start: number, heredoc: boolean, indented: boolean): Expression {
    const before = this.errors;
    const contentStart = this.previousEnd();
    const first = this.#parts.mark();
    const contentEnd = this.#readParts(end, start, heredoc);
    const read = this.#parts.cut(first);
    if (indented) stripIndentation(read);
    // A quoted string is one stretch of text up to the next sequence.
    const parts = end === T.CLOSE_QUOTE ? read : joinTexts(read);
    const nodeEnd = this.previousEnd();
    const [only] = parts;
    if (only === undefined || (parts.length === 1 && only.kind === 'string')) {
      this.height = 0;
      return new StringNode(start, nodeEnd, only?.value ?? '', heredoc);
    }
    if (parts.length === 1 && only.kind === 'value') {
      this.setHeight(only.height + 1, start, nodeEnd);
      return { kind: 'templateWrap', start, end: nodeEnd, inner: only.value, heredoc };
    }
    const tree = parts.every(isTextOrValue)
      ? this.#withoutDirectives(parts)
      : this.#withDirectives(parts, heredoc, contentStart, contentEnd, this.errors > before);
    this.setHeight(tree.height + 1, start, nodeEnd);
    return new TemplateNode(start, nodeEnd, tree.parts, heredoc);
  }

  #withoutDirectives(parts: readonly (TextPart | ValuePart)[]): TemplateTree {
    const first = this.expressions.mark();
    let height = 0;
    for (const part of parts) {
      if (part.kind === 'value') height = Math.max(height, part.height);
      this.expressions.add(part.kind === 'value' ? part.value : part);
    }
    return { parts: this.expressions.cut(first), height };
  }

  #withDirectives(
    parts: readonly TemplatePart[],
    heredoc: boolean,
    contentStart: number,
    contentEnd: number,
    failed: boolean,
  ): TemplateTree {
    return buildTemplate(parts, {
      heredoc,
      contentStart,
      contentEnd,
      depth: this.depth,
      complain: (...complaint) => {
        // A directive may be missing because it could not be read.
        if (!failed) this.complain(...complaint);
      },
      complainTooDeep: (from, to) => this.complainTooDeep(from, to),
      rangeText: (from, to) => this.rangeText(from, to),
    });
  }

  /** The value of the text token `index`. */
  protected decode(index: number): string {
    const text = this.textOf(index);
    if (this.tokens.type(index) === T.PLAIN_TEXT) return decodePlain(text);
    return this.#hasEscapes(index) ? this.#decodeEscapes(text, index) : text;
  }

  /** Whether a stretch between quotes may stand for anything else than itself. */
  #hasEscapes(index: number): boolean {
    const { units } = this;
    const end = this.tokens.end(index);
    for (let at = this.tokens.start(index); at < end; at++) {
      const code = units[at];
      if (code === BACKSLASH || code === DOLLAR || code === PERCENT_SIGN) return true;
    }
    return false;
  }

  #decodeEscapes(text: string, index: number): string {
    return decodeQuoted(text, ({ detail, start, end }) => {
      const offset = this.tokens.start(index);
      this.complain('hcl-invalid-escape', 'Invalid escape sequence', detail, offset + start, offset + end, {
        hint: 'The escapes are \\n, \\r, \\t, \\", \\\\, \\uNNNN and \\UNNNNNNNN. For a backslash itself, write \\\\.',
      });
    });
  }

  /** Adds what stands before the token `end`, and gives the place where it ends. */
  #readParts(end: number, start: number, heredoc: boolean): number {
    const parts = this.#parts;
    let trimNext = false;
    /** The text just before, while a strip marker may still trim it. */
    let previous: TextPart | undefined;
    for (;;) {
      const index = this.read();
      const type = this.tokens.type(index);
      if (type === end) return this.tokens.start(index);
      const trimStart = trimNext;
      const trimmable = previous;
      trimNext = false;
      previous = undefined;
      switch (type) {
        case T.QUOTED_TEXT:
        case T.PLAIN_TEXT: {
          const value = this.decode(index);
          previous = new StringNode(
            this.tokens.start(index),
            this.tokens.end(index),
            trimStart ? trimSpaceStart(value) : value,
            heredoc,
          );
          parts.add(previous);
          break;
        }
        case T.OPEN_INTERPOLATION:
        case T.OPEN_DIRECTIVE: {
          if (trimmable !== undefined && this.tokens.end(index) - this.tokens.start(index) === 3) {
            trimmable.value = trimSpaceEnd(trimmable.value);
          }
          const newlines = this.newlines;
          this.newlines = false;
          trimNext =
            type === T.OPEN_INTERPOLATION
              ? this.#readInterpolation(index, end, start)
              : this.#readDirective(index);
          this.newlines = newlines;
          break;
        }
        default:
          this.#unterminated(index, end, start);
          return this.tokens.start(index);
      }
    }
  }

  #unterminated(index: number, end: number, start: number): void {
    if (!this.recovering) {
      const heredoc = end === T.CLOSE_HEREDOC;
      this.complainAt(
        index,
        'hcl-unterminated-string',
        'Unterminated template string',
        'No closing marker was found for the string.',
        {
          contextStart: start,
          ...(heredoc ? { hint: this.#heredocHint(start) } : {}),
        },
      );
    }
    this.recovering = true;
    if (this.tokens.type(index) !== T.EOF) this.recover(end);
  }

  #heredocHint(start: number): string {
    const lineEnd = this.text.indexOf('\n', start);
    const marker = this.text.slice(start, lineEnd).replace(/^<<-?/, '').trimEnd();
    return `The heredoc ends at a line that has nothing but ${marker} on it, and a line ending after that.`;
  }

  /** After `${`. Says whether `~}` closed it. */
  #readInterpolation(open: number, end: number, start: number): boolean {
    const value = this.parseExpression();
    const height = this.height;
    const close = this.peekIndex();
    const type = this.tokens.type(close);
    let trims = false;
    if (type === T.CLOSE_SEQUENCE) {
      this.read();
      trims = this.tokens.end(close) - this.tokens.start(close) === 2;
    } else {
      if (!this.recovering) this.#complainOpenInterpolation(close, type, open, end, start);
      this.recover(T.CLOSE_SEQUENCE);
    }
    this.#parts.add(new ValuePart(value, height, this.tokens.start(open), this.tokens.end(close)));
    return trims;
  }

  #complainOpenInterpolation(close: number, type: number, open: number, end: number, start: number): void {
    const unclosed = 'Unclosed template interpolation sequence';
    const extra = 'Extra characters after interpolation expression';
    const from = this.tokens.start(open);
    const to = this.tokens.end(open);
    const quote = type === T.CLOSE_QUOTE || type === T.OPEN_QUOTE;
    if (type === T.EOF) {
      this.complain(
        'hcl-unclosed-interpolation',
        unclosed,
        'There is no closing brace for this interpolation sequence before the end of the file. This might be caused by incorrect nesting inside the given expression.',
        from,
        to,
      );
    } else if (quote && end === T.CLOSE_QUOTE) {
      this.complain(
        'hcl-unclosed-interpolation',
        unclosed,
        'There is no closing brace for this interpolation sequence before the end of the quoted template. This might be caused by incorrect nesting inside the given expression.',
        from,
        to,
        { contextStart: start },
      );
    } else if (type === T.COLON) {
      this.complainAt(
        close,
        'hcl-extra-characters',
        extra,
        'Template interpolation doesn\'t expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can escape it by starting with "$${" instead of just "${".',
        { contextStart: from },
      );
    } else {
      this.complainAt(
        close,
        'hcl-extra-characters',
        extra,
        'Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, escape it by starting with "$${" instead of just "${".',
        { contextStart: from },
      );
    }
  }

  /** After `%{`. Says whether `~}` closed it. */
  #readDirective(open: number): boolean {
    const start = this.tokens.start(open);
    const keyword = this.peekIndex();
    const word = this.tokens.type(keyword) === T.IDENT ? this.textOf(keyword) : undefined;
    if (word === undefined) {
      return this.#badDirective(
        keyword,
        'Invalid template directive',
        'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{ sequence.',
        start,
      );
    }
    this.read();
    switch (word) {
      case 'if': {
        const condition = this.parseExpression();
        this.#parts.add({ kind: 'if', condition, height: this.height, start, end: this.#sequenceEnd() });
        break;
      }
      case 'for':
        if (!this.#readForMark(start)) return false;
        break;
      case 'else':
      case 'endif':
      case 'endfor':
        this.#parts.add({ kind: word, start, end: this.#sequenceEnd() });
        break;
      default:
        return this.#badDirective(
          keyword,
          'Invalid template control keyword',
          `${JSON.stringify(word)} is not a valid template control keyword.${suggestKeyword(word)}`,
          start,
        );
    }
    const close = this.peekIndex();
    if (this.tokens.type(close) === T.CLOSE_SEQUENCE) {
      this.read();
      return this.tokens.end(close) - this.tokens.start(close) === 2;
    }
    if (!this.recovering) {
      this.complainAt(
        close,
        'hcl-extra-characters',
        `Extra characters in ${word} marker`,
        'Expected a closing brace to end the sequence, but found extra characters.',
        { contextStart: start },
      );
    }
    this.recover(T.CLOSE_SEQUENCE);
    return false;
  }

  #sequenceEnd(): number {
    return this.tokens.end(this.peekIndex());
  }

  #readForMark(start: number): boolean {
    const summary = "Invalid 'for' directive";
    if (this.peek() !== T.IDENT) {
      return this.#badDirective(
        this.peekIndex(),
        summary,
        "For directive requires variable name after 'for'.",
        start,
      );
    }
    let keyName: string | undefined;
    let valueName = this.textOf(this.read());
    if (this.peek() === T.COMMA) {
      this.read();
      if (this.peek() !== T.IDENT) {
        return this.#badDirective(
          this.peekIndex(),
          summary,
          'For directive requires value variable name after comma.',
          start,
        );
      }
      keyName = valueName;
      valueName = this.textOf(this.read());
    }
    if (!this.peekWord('in')) {
      return this.#badDirective(
        this.peekIndex(),
        summary,
        "For directive requires 'in' keyword after names.",
        start,
      );
    }
    this.read();
    const collection = this.parseExpression();
    this.#parts.add({
      kind: 'for',
      keyName,
      valueName,
      collection,
      height: this.height,
      start,
      end: this.#sequenceEnd(),
    });
    return true;
  }

  #badDirective(index: number, summary: string, detail: string, contextStart: number): false {
    if (!this.recovering) this.complainAt(index, 'hcl-invalid-directive', summary, detail, { contextStart });
    this.recover(T.CLOSE_SEQUENCE);
    return false;
  }
}

/** HashiCorp's rule: the first keyword less than three edits away. */
function suggestKeyword(word: string): string {
  const near = ['if', 'for', 'else', 'endif', 'endfor'].find((keyword) => editDistance(word, keyword) < 3);
  return near === undefined ? '' : ` Did you mean "${near}"?`;
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 3;
}

import type { Attribute, Block, Body, Expression, Label } from './ast.ts';
import { Gathering } from './gathering.ts';
import { ItemsBeingRead } from './items-being-read.ts';
import { LabelParser } from './label-parser.ts';
import { AttributeNode, BlockNode, BodyNode, LabelNode } from './nodes.ts';
import * as T from './token.ts';

/** Where the block of a file's own items would start. */
const NO_BLOCK = -1;

const itemRequired = 'Argument or block definition required';
const invalidBlock = 'Invalid block definition';

/** Reads bodies: arguments and blocks. The top layer of the parser. */
export class BodyParser extends LabelParser {
  readonly #attributes = new Gathering<Attribute>();
  readonly #blocks = new Gathering<Block>();
  readonly #labels = new Gathering<Label>();

  /** The whole text as a body. */
  parseFile(): Body {
    return this.#parseItems(NO_BLOCK, 0);
  }

  /** The whole text as one expression, with newlines where they please. */
  parseWholeExpression(): Expression {
    this.newlines = false;
    const expression = this.parseExpression();
    const next = this.peekIndex();
    if (this.tokens.type(next) !== T.EOF && !this.recovering) {
      this.complainAt(
        next,
        'hcl-extra-characters',
        'Extra characters after expression',
        'An expression was successfully parsed, but extra characters were found after it.',
      );
    }
    return expression;
  }

  /** The whole text as a template. */
  parseWholeTemplate(): Expression {
    return this.parseTemplateUntil(T.EOF, 0, false, false);
  }

  // -------------------------------------------------------------------------------------- bodies

  /** Items up to and including the brace that closes the block that starts at `start`, or to the end of the file. */
  #parseItems(start: number, open: number): Body {
    const items = new ItemsBeingRead(this.#attributes, this.#blocks);
    const end = start === NO_BLOCK ? T.EOF : T.CLOSE_BRACE;
    for (;;) {
      const next = this.peek();
      if (next === end) {
        this.read();
        return items.end(open, this.previousEnd());
      }
      if (next === T.NEWLINE) {
        this.read();
      } else if (next === T.IDENT) {
        this.#parseItem(items);
      } else {
        const bad = this.read();
        if (next === T.EOF) {
          const body = items.end(open, this.previousEnd());
          if (!this.recovering && start !== NO_BLOCK) this.#complainUnclosedBlock(start, open, body.blocks);
          this.recovering = true;
          return body;
        }
        if (!this.recovering) this.#complainBadItem(bad, next);
        this.errors++;
        this.#skipLine(next, end);
      }
    }
  }

  /**
   * After a token that begins no item: goes on with the next line. HashiCorp's parser gives up the whole body
   * here, and with it every error below.
   */
  #skipLine(type: number, end: number): void {
    if (type === T.OPEN_QUOTE) this.recover(T.CLOSE_QUOTE);
    this.recovering = true;
    const next = this.peek();
    if (next !== T.NEWLINE && next !== end) this.recoverAfterItem();
    else this.recovering = false;
  }

  #complainBadItem(bad: number, type: number): void {
    if (type === T.OPEN_QUOTE) {
      this.complainAt(
        bad,
        'hcl-quoted-argument-name',
        'Invalid argument name',
        'Argument names must not be quoted.',
        { hint: 'Write the name without its quotes.' },
      );
    } else if (type === T.CLOSE_BRACE) {
      this.complainAt(
        bad,
        'hcl-item-required',
        itemRequired,
        'An argument or block definition is required here.',
        { hint: 'This brace closes nothing: there is one too many, or an opening one is missing above.' },
      );
    } else {
      this.complainAt(
        bad,
        'hcl-item-required',
        itemRequired,
        'An argument or block definition is required here.',
      );
    }
  }

  #complainUnclosedBlock(start: number, open: number, inside: readonly Block[]): void {
    const hint = this.#suspectedEnd(start, inside);
    this.complain(
      'hcl-unclosed-block',
      'Unclosed configuration block',
      'There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.',
      open,
      open + 1,
      { contextStart: start, ...(hint === undefined ? {} : { hint }) },
    );
  }

  /** The first block that is not indented more than the block it is in: the brace is probably missing above it. */
  #suspectedEnd(outerStart: number, blocks: readonly Block[]): string | undefined {
    const outer = this.source.position(outerStart);
    for (const block of blocks) {
      const { line, column } = this.source.position(block.start);
      if (line !== outer.line && column <= outer.column) {
        return `The brace is probably missing before line ${line}, where ${JSON.stringify(block.type)} begins at the level of the block on line ${outer.line}.`;
      }
      const inside = this.#suspectedEnd(block.start, block.body.blocks);
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  /** The argument or block that starts with the name that comes next. */
  #parseItem(items: ItemsBeingRead): void {
    const name = this.read();
    switch (this.peek()) {
      case T.EQUAL: {
        const attribute = this.#parseAttribute(name, false);
        const existing = items.addAttribute(attribute);
        if (existing !== undefined) this.#complainRedefined(attribute, existing);
        return;
      }
      case T.OPEN_QUOTE:
      case T.OPEN_BRACE:
      case T.IDENT:
        this.#blocks.add(this.#parseBlock(name));
        return;
      default:
        this.#complainLoneName(name);
        this.recoverAfterItem();
    }
  }

  #complainRedefined(attribute: Attribute, existing: Attribute): void {
    const where = this.rangeText(existing.start, existing.nameEnd);
    this.complain(
      'hcl-attribute-redefined',
      'Attribute redefined',
      `The argument ${JSON.stringify(attribute.name)} was already set at ${where}. Each argument may be set only once.`,
      attribute.start,
      attribute.nameEnd,
    );
  }

  #complainLoneName(name: number): void {
    if (this.recovering) return;
    const colon = this.peek() === T.COLON;
    this.complainAt(
      name,
      'hcl-item-required',
      itemRequired,
      'An argument or block definition is required here. To set an argument, use the equals sign "=" to introduce the argument value.',
      colon ? { hint: `Write ${this.textOf(name)} = instead of ${this.textOf(name)}:` } : {},
    );
  }

  // ---------------------------------------------------------------------------------- attributes

  /** What comes next is `=`, after the name `name`. */
  #parseAttribute(name: number, singleLine: boolean): Attribute {
    this.read();
    const start = this.tokens.start(name);
    const nameEnd = this.tokens.end(name);
    const before = this.errors;
    const value = this.parseExpression();
    const end = this.previousEnd();
    if (!singleLine) this.#endAttribute(start, before);
    return new AttributeNode(start, end, this.nameAt(name), nameEnd, value);
  }

  #endAttribute(start: number, before: number) {
    if (this.failedSince(before)) return this.recoverAfterItem();
    const next = this.peekIndex();
    const type = this.typeOf(next);
    if (type === T.NEWLINE || type === T.EOF) {
      this.read();
      return;
    }
    if (!this.recovering) {
      const comma = type === T.COMMA;
      const detail = 'An argument definition must end with a newline.';
      this.complainAt(
        next,
        comma ? 'hcl-unexpected-comma' : 'hcl-missing-newline',
        comma ? 'Unexpected comma after argument' : 'Missing newline after argument',
        comma ? `Argument definitions must be separated by newlines, not commas. ${detail}` : detail,
        { contextStart: start },
      );
    }
    this.errors++;
    this.recoverAfterItem();
  }

  // -------------------------------------------------------------------------------------- blocks

  /** What comes next is a label or the opening brace, after the type `name`. */
  #parseBlock(name: number): Block {
    const start = this.tokens.start(name);
    const typeEnd = this.tokens.end(name);
    const type = this.nameAt(name);
    const firstLabel = this.#labels.mark();
    for (;;) {
      const next = this.peek();
      if (next === T.OPEN_BRACE) break;
      if (next === T.OPEN_QUOTE) {
        this.#labels.add(this.parseQuotedLabel());
      } else if (next === T.IDENT) {
        const label = this.read();
        const [from, to] = [this.tokens.start(label), this.tokens.end(label)];
        this.#labels.add(new LabelNode(from, to, this.textOf(label), false));
      } else {
        this.#complainHeader(start);
        if (this.#skipToBrace(next)) break;
        this.recoverAfterItem();
        const labels = this.#labels.cut(firstLabel);
        const end = labels.at(-1)?.end ?? typeEnd;
        return new BlockNode(start, end, type, typeEnd, labels, end, new BodyNode(end, end, [], []));
      }
    }
    const labels = this.#labels.cut(firstLabel);
    const headerEnd = labels.at(-1)?.end ?? typeEnd;
    const open = this.tokens.start(this.read());
    this.newlines = true;
    const body = this.#parseBlockBody(start, open);
    return new BlockNode(start, body.end, type, typeEnd, labels, headerEnd, body);
  }

  /** After an equals sign, or newlines, that should not be there: whether the opening brace follows. */
  #skipToBrace(type: number): boolean {
    if (type !== T.EQUAL && type !== T.NEWLINE) return false;
    const newlines = this.newlines;
    if (type === T.EQUAL) this.read();
    this.newlines = type !== T.NEWLINE;
    const follows = this.peek() === T.OPEN_BRACE;
    if (follows) this.recovering = false;
    // Peeking has read nothing: where no brace follows, the newline is still there.
    if (!follows || type === T.EQUAL) this.newlines = newlines;
    return follows;
  }

  #complainHeader(contextStart: number): void {
    const next = this.peekIndex();
    const type = this.typeOf(next);
    const code = 'hcl-invalid-block';
    if (type === T.EQUAL) {
      const detail =
        'The equals sign "=" indicates an argument definition, and must not be used when defining a block.';
      this.complainAt(next, code, invalidBlock, detail, { contextStart });
    } else if (type === T.NEWLINE) {
      const detail =
        'A block definition must have block content delimited by "{" and "}", starting on the same line as the block header.';
      this.complainAt(next, code, invalidBlock, detail, { contextStart });
    } else if (!this.recovering) {
      const detail = 'Either a quoted string block label or an opening brace ("{") is expected here.';
      this.complainAt(next, code, invalidBlock, detail, { contextStart });
    }
    this.errors++;
  }

  /** After the opening brace at `open`. */
  #parseBlockBody(start: number, open: number): Body {
    if (!this.enter(open, open + 1)) {
      this.recover(T.CLOSE_BRACE, true);
      this.leave();
      this.recoverAfterItem();
      return new BodyNode(open, this.previousEnd(), [], []);
    }
    const next = this.peek();
    const severalLines = next === T.NEWLINE || next === T.EOF || next === T.CLOSE_BRACE;
    const body = severalLines ? this.#parseItems(start, open) : this.#parseSingle(start, open);
    this.leave();
    const after = this.peekIndex();
    const type = this.typeOf(after);
    if (type === T.NEWLINE || type === T.EOF) {
      this.read();
    } else {
      if (!this.recovering) {
        this.complainAt(
          after,
          'hcl-missing-newline',
          'Missing newline after block definition',
          'A block definition must end with a newline.',
          { contextStart: start },
        );
      }
      this.errors++;
      this.recoverAfterItem();
    }
    return body;
  }

  /** `{ name = value }`: one argument, on the line of the header. */
  #parseSingle(start: number, open: number): Body {
    let attributes: readonly Attribute[] = [];
    const before = this.errors;
    const name = this.read();
    const next = this.peekIndex();
    const type = this.typeOf(next);
    if (this.typeOf(name) !== T.IDENT) {
      if (!this.recovering) {
        this.complainAt(
          name,
          'hcl-item-required',
          itemRequired,
          'An argument or block definition is required here.',
        );
      }
      this.recovering = true;
    } else if (type === T.EQUAL) {
      attributes = [this.#parseAttribute(name, true)];
    } else if (type === T.OPEN_QUOTE || type === T.OPEN_BRACE || type === T.IDENT) {
      if (!this.recovering) {
        this.complain(
          'hcl-single-line-block',
          'Argument definition required',
          `A single-line block definition can contain only a single argument. If you meant to define argument ${JSON.stringify(this.textOf(name))}, use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block.`,
          this.tokens.start(name),
          this.tokens.end(next),
          { contextStart: start },
        );
      }
      this.recovering = true;
    } else {
      this.#complainLoneName(name);
      this.recovering = true;
    }
    if (this.errors > before && this.recovering) {
      this.recover(T.CLOSE_BRACE);
    } else {
      this.#endSingle(start, open);
    }
    return new BodyNode(open, this.previousEnd(), attributes, []);
  }

  #endSingle(start: number, open: number): void {
    const next = this.peekIndex();
    const type = this.typeOf(next);
    if (type === T.CLOSE_BRACE) {
      this.read();
      return;
    }
    const summary = 'Invalid single-argument block definition';
    const code = 'hcl-single-line-block';
    if (this.recovering) {
      this.recover(T.CLOSE_BRACE);
      return;
    }
    switch (type) {
      case T.COMMA:
        this.complainAt(
          next,
          code,
          summary,
          'Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.',
          { contextStart: start },
        );
        break;
      case T.NEWLINE:
        this.complainAt(
          next,
          code,
          summary,
          "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
          { contextStart: start },
        );
        break;
      case T.EOF:
        this.#complainUnclosedBlock(start, open, []);
        break;
      default:
        this.complainAt(
          next,
          code,
          summary,
          'A single-line block definition must end with a closing brace immediately after its single argument definition.',
          { contextStart: start },
        );
    }
    this.recover(T.CLOSE_BRACE);
  }
}

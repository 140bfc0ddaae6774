import type { Expression, ObjectItem } from './ast.ts';
import { Gathering } from './gathering.ts';
import { ObjectItemNode, ObjectNode, TupleNode } from './nodes.ts';
import { TemplateParser } from './template-parser.ts';
import * as T from './token.ts';

/** Reads `[...]` and `{...}`: tuples, objects, and `for` in both. */
export abstract class CollectionParser extends TemplateParser {
  readonly #objectItems = new Gathering<ObjectItem>();

  /** The expression that starts with the OPEN_BRACKET that comes next. */
  protected parseTuple(): Expression {
    const open = this.read();
    const start = this.tokens.start(open);
    if (!this.enter(start, this.tokens.end(open))) return this.abandon(start, T.CLOSE_BRACKET);
    const newlines = this.newlines;
    this.newlines = false;
    const node = this.peekWord('for') ? this.#parseFor(start, false) : this.#parseItems(start);
    this.newlines = newlines;
    this.leave();
    return node;
  }

  /** The expression that starts with the OPEN_BRACE that comes next. */
  protected parseObject(): Expression {
    const open = this.read();
    const start = this.tokens.start(open);
    if (!this.enter(start, this.tokens.end(open))) return this.abandon(start, T.CLOSE_BRACE);
    const newlines = this.newlines;
    this.newlines = false;
    const isFor = this.peekWord('for');
    this.newlines = !isFor;
    const node = isFor ? this.#parseFor(start, true) : this.#parseObjectItems(start);
    this.newlines = newlines;
    this.leave();
    return node;
  }

  /** Gives up on the bracket that was opened at `start`, after a complaint. */
  protected abandon(start: number, close: number): Expression {
    this.recover(close);
    this.leave();
    this.height = 0;
    return { kind: 'invalid', start, end: this.previousEnd() };
  }

  // ------------------------------------------------------------------------------------- tuples

  #parseItems(start: number): Expression {
    const first = this.expressions.mark();
    let height = 0;
    for (;;) {
      const next = this.peek();
      if (next === T.CLOSE_BRACKET) {
        this.read();
        break;
      }
      if (next === T.EOF) {
        this.#complainTupleSeparator(this.peekIndex(), next, start);
        this.errors++;
        this.recovering = true;
        break;
      }
      const before = this.errors;
      this.expressions.add(this.parseExpression());
      height = Math.max(height, this.height);
      if (this.failedSince(before)) {
        this.recover(T.CLOSE_BRACKET);
        break;
      }
      const separator = this.peekIndex();
      const type = this.typeOf(separator);
      if (type === T.COMMA) {
        this.read();
      } else if (type === T.CLOSE_BRACKET) {
        this.read();
        break;
      } else {
        this.#complainTupleSeparator(separator, type, start);
        this.recover(T.CLOSE_BRACKET);
        break;
      }
    }
    this.height = height + 1;
    return new TupleNode(start, this.previousEnd(), this.expressions.cut(first));
  }

  #complainTupleSeparator(separator: number, type: number, start: number): void {
    if (this.recovering) return;
    if (type === T.EOF || this.beginsItem(separator)) {
      this.complain(
        'hcl-unclosed-bracket',
        'Unterminated tuple constructor expression',
        `There is no corresponding closing bracket before ${this.#where(type)}. This may be caused by incorrect bracket nesting elsewhere in this file.`,
        start,
        start + 1,
      );
    } else {
      this.complainAt(
        separator,
        'hcl-missing-separator',
        'Missing item separator',
        'Expected a comma to mark the beginning of the next item.',
        { contextStart: start },
      );
    }
  }

  #where(type: number): string {
    return type === T.EOF ? 'the end of the file' : 'the next argument';
  }

  // ------------------------------------------------------------------------------------ objects

  #parseObjectItems(start: number): Expression {
    const first = this.#objectItems.mark();
    let height = 0;
    for (;;) {
      const next = this.peek();
      if (next === T.NEWLINE) {
        this.read();
        continue;
      }
      if (next === T.CLOSE_BRACE) {
        this.read();
        break;
      }
      if (next === T.EOF || this.beginsBlock(this.peekIndex())) {
        if (!this.recovering) this.#complainUnclosedObject(next, start);
        this.errors++;
        this.recovering = true;
        break;
      }
      const before = this.errors;
      const key = this.parseExpression();
      height = Math.max(height, this.height);
      if (this.failedSince(before)) {
        this.recover(T.CLOSE_BRACE);
        break;
      }
      const separator = this.peekIndex();
      const separatorType = this.typeOf(separator);
      if (separatorType !== T.EQUAL && separatorType !== T.COLON) {
        this.#complainKeySeparator(separator, separatorType, start);
        this.recover(T.CLOSE_BRACE);
        break;
      }
      this.read();
      const value = this.parseExpression();
      height = Math.max(height, this.height);
      this.#objectItems.add(new ObjectItemNode(key, bareKey(key), value));
      if (this.failedSince(before)) {
        this.recover(T.CLOSE_BRACE);
        break;
      }
      const end = this.peekIndex();
      const endType = this.typeOf(end);
      if (endType === T.COMMA || endType === T.NEWLINE) {
        this.read();
      } else if (endType === T.CLOSE_BRACE) {
        this.read();
        break;
      } else {
        this.#complainItemSeparator(end, endType, start);
        this.recover(T.CLOSE_BRACE);
        break;
      }
    }
    this.height = height + 1;
    return new ObjectNode(start, this.previousEnd(), this.#objectItems.cut(first));
  }

  #complainKeySeparator(index: number, type: number, start: number) {
    if (this.recovering) return;
    const introduces = 'Expected an equals sign ("=") to mark the beginning of the attribute value.';
    switch (type) {
      case T.NEWLINE:
      case T.COMMA:
        this.complainAt(
          index,
          'hcl-missing-value',
          'Missing attribute value',
          'Expected an attribute value, introduced by an equals sign ("=").',
          { contextStart: start },
        );
        return;
      case T.IDENT:
        this.complainAt(
          index,
          'hcl-missing-separator',
          'Missing key/value separator',
          `${introduces} If you intended to given an attribute name containing periods or spaces, write the name in quotes to create a string literal.`,
          { contextStart: start },
        );
        return;
      case T.EOF:
        return this.#complainUnclosedObject(type, start);
      default:
        this.complainAt(index, 'hcl-missing-separator', 'Missing key/value separator', introduces, {
          contextStart: start,
        });
    }
  }

  #complainItemSeparator(index: number, type: number, start: number) {
    if (this.recovering) return;
    if (type === T.EOF) return this.#complainUnclosedObject(type, start);
    this.complainAt(
      index,
      'hcl-missing-separator',
      'Missing attribute separator',
      'Expected a newline or comma to mark the beginning of the next attribute.',
      { contextStart: start },
    );
  }

  #complainUnclosedObject(type: number, start: number): void {
    this.complain(
      'hcl-unclosed-bracket',
      'Unterminated object constructor expression',
      `There is no corresponding closing brace before ${type === T.EOF ? 'the end of the file' : 'the next block'}. This may be caused by incorrect brace nesting elsewhere in this file.`,
      start,
      start + 1,
    );
  }

  // ---------------------------------------------------------------------------------------- for

  /** What comes next is the word `for`, after the bracket at `start`. */
  #parseFor(start: number, object: boolean): Expression {
    this.read();
    const before = this.errors;
    const node = this.#parseForClauses(start, object);
    if (node !== undefined) return node;
    // `before` tells whether the reason has been given: it always has, unless we came here in recovery.
    if (this.errors === before) this.errors++;
    this.recover(object ? T.CLOSE_BRACE : T.CLOSE_BRACKET);
    this.height = 0;
    return { kind: 'invalid', start, end: this.previousEnd() };
  }

  #parseForClauses(start: number, object: boolean): Expression | undefined {
    const before = this.errors;
    if (this.peek() !== T.IDENT)
      return this.#badFor("For expression requires variable name after 'for'.", start);
    let keyName: string | undefined;
    let valueName = this.textOf(this.read());
    if (this.peek() === T.COMMA) {
      this.read();
      if (this.peek() !== T.IDENT) {
        return this.#badFor('For expression requires value variable name after comma.', start);
      }
      keyName = valueName;
      valueName = this.textOf(this.read());
    }
    if (!this.peekWord('in')) {
      return this.#badFor("For expression requires the 'in' keyword after its name declarations.", start);
    }
    this.read();
    const collection = this.parseExpression();
    let height = this.height;
    if (this.failedSince(before)) return undefined;
    if (this.peek() !== T.COLON) {
      return this.#badFor('For expression requires a colon after the collection expression.', start);
    }
    this.read();
    let key: Expression | undefined;
    let value = this.parseExpression();
    height = Math.max(height, this.height);
    if (this.peek() === T.FAT_ARROW) {
      this.read();
      key = value;
      value = this.parseExpression();
      height = Math.max(height, this.height);
    }
    if (this.failedSince(before)) return undefined;
    let ellipsis = -1;
    if (this.peek() === T.ELLIPSIS) ellipsis = this.read();
    let condition: Expression | undefined;
    if (this.peekWord('if')) {
      this.read();
      condition = this.parseExpression();
      height = Math.max(height, this.height);
      if (this.failedSince(before)) return undefined;
    }
    if (this.peek() !== (object ? T.CLOSE_BRACE : T.CLOSE_BRACKET)) {
      return this.#badFor("Extra characters after the end of the 'for' expression.", start);
    }
    this.read();
    const end = this.previousEnd();
    this.height = height + 1;
    this.#checkForKind(object, key, value, ellipsis, start);
    const group = ellipsis >= 0;
    return { kind: 'for', start, end, keyName, valueName, collection, key, value, condition, group };
  }

  #checkForKind(
    object: boolean,
    key: Expression | undefined,
    value: Expression,
    ellipsis: number,
    contextStart: number,
  ): void {
    const summary = "Invalid 'for' expression";
    const code = 'hcl-invalid-for';
    if (object && key === undefined) {
      this.complain(
        code,
        summary,
        'Key expression is required when building an object.',
        value.start,
        value.end,
        {
          contextStart,
          hint: 'Write { for ... : key => value }, or use [ ] to build a tuple.',
        },
      );
    }
    if (!object && key !== undefined) {
      this.complain(code, summary, 'Key expression is not valid when building a tuple.', key.start, key.end, {
        contextStart,
        hint: 'Use { } instead of [ ] to build an object.',
      });
    }
    if (!object && ellipsis >= 0) {
      const detail = 'Grouping ellipsis (...) cannot be used when building a tuple.';
      this.complainAt(ellipsis, code, summary, detail, { contextStart });
    }
  }

  #badFor(detail: string, contextStart: number): undefined {
    if (!this.recovering) {
      this.complainAt(this.peekIndex(), 'hcl-invalid-for', "Invalid 'for' expression", detail, {
        contextStart,
      });
    }
    this.recovering = true;
    return undefined;
  }
}

/** The key as text when it is a bare word. `(a)` is not, it is an expression. */
function bareKey(key: Expression): string | undefined {
  switch (key.kind) {
    case 'traversal':
      return key.steps.length === 0 ? key.root : undefined;
    case 'boolean':
      return String(key.value);
    case 'null':
      return 'null';
    default:
      return undefined;
  }
}

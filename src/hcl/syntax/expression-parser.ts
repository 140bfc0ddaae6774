import type { BinaryOperator, Expression, Step } from './ast.ts';
import { CallNode, TraversalNode } from './nodes.ts';
import { StepParser } from './step-parser.ts';
import * as T from './token.ts';

/** Reads expressions: operators by precedence, then terms with the steps that follow them. */
export abstract class ExpressionParser extends StepParser {
  protected override parseExpression(): Expression {
    const start = this.tokens.start(this.peekIndex());
    const before = this.errors;
    const condition = this.#parseBinary(1);
    if (this.peek() !== T.QUESTION || this.failedSince(before)) return condition;
    return this.#parseConditional(condition, start);
  }

  // ---------------------------------------------------------------------------------- operators

  #parseConditional(condition: Expression, start: number): Expression {
    let height = this.height;
    const question = this.read();
    if (!this.enter(this.tokens.start(question), this.tokens.end(question))) {
      this.leave();
      return condition;
    }
    const before = this.errors;
    const whenTrue = this.parseExpression();
    height = Math.max(height, this.height);
    const colon = this.peekIndex();
    if (this.failedSince(before)) {
      this.leave();
      return condition;
    }
    if (this.typeOf(colon) !== T.COLON) {
      this.complainAt(
        colon,
        'hcl-missing-false-expression',
        'Missing false expression in conditional',
        'The conditional operator (...?...:...) requires a false expression, delimited by a colon.',
        { contextStart: start },
      );
      this.recovering = true;
      this.leave();
      return condition;
    }
    this.read();
    const whenFalse = this.parseExpression();
    this.leave();
    if (this.failedSince(before)) return condition;
    if (!this.setHeight(Math.max(height, this.height) + 1, start, whenFalse.end)) return condition;
    return { kind: 'conditional', start, end: whenFalse.end, condition, whenTrue, whenFalse };
  }

  /** Operators that bind at least as tightly as `level`; those of one level associate to the left. */
  #parseBinary(level: number): Expression {
    const before = this.errors;
    let left = this.#parseWithSteps();
    for (;;) {
      const token = this.peek();
      const binds = precedence(token);
      if (binds < level || this.failedSince(before)) return left;
      let height = this.height;
      this.read();
      const right = this.#parseBinary(binds + 1);
      if (this.failedSince(before)) return left;
      height = Math.max(height, this.height) + 1;
      if (!this.setHeight(height, left.start, right.end)) return left;
      left = { kind: 'binary', start: left.start, end: right.end, operator: operator(token), left, right };
    }
  }

  // --------------------------------------------------------------------------------------- terms

  #parseWithSteps(): Expression {
    return this.parseSteps(this.#parseTerm());
  }

  #parseTerm(): Expression {
    const index = this.peekIndex();
    switch (this.tokens.type(index)) {
      case T.IDENT:
        return this.#parseName();
      case T.OPEN_QUOTE:
      case T.OPEN_HEREDOC:
        return this.#parseString(index);
      case T.NUMBER:
        this.read();
        this.height = 0;
        return this.parseNumber(index);
      case T.OPEN_BRACKET:
        return this.parseTuple();
      case T.OPEN_BRACE:
        return this.parseObject();
      case T.OPEN_PAREN:
        return this.#parseParentheses();
      case T.MINUS:
      case T.BANG:
        return this.#parseUnary();
      default:
        return this.#missingTerm(index);
    }
  }

  /** Strings nest by what is inside of `${}`; it is counted when there is one. */
  #parseString(index: number): Expression {
    const type = this.tokens.type(index + 1);
    if (type === T.QUOTED_TEXT && this.tokens.type(index + 2) === T.CLOSE_QUOTE)
      return this.parseQuoteOrHeredoc();
    const start = this.tokens.start(index);
    if (!this.enter(start, this.tokens.end(index))) {
      const close = T.opposite(this.tokens.type(index));
      this.read();
      return this.abandon(start, close);
    }
    const node = this.parseQuoteOrHeredoc();
    this.leave();
    return node;
  }

  #parseName(): Expression {
    const index = this.read();
    const start = this.tokens.start(index);
    const end = this.tokens.end(index);
    const next = this.peek();
    if (next === T.OPEN_PAREN || next === T.DOUBLE_COLON) return this.#parseCall(start);
    this.height = 0;
    const name = this.nameAt(index);
    switch (name) {
      case 'true':
        return { kind: 'boolean', start, end, value: true };
      case 'false':
        return { kind: 'boolean', start, end, value: false };
      case 'null':
        return { kind: 'null', start, end };
      default:
        return new TraversalNode(start, end, name, end, noSteps);
    }
  }

  #parseParentheses(): Expression {
    const open = this.read();
    const start = this.tokens.start(open);
    if (!this.enter(start, this.tokens.end(open))) return this.abandon(start, T.CLOSE_PAREN);
    const newlines = this.newlines;
    this.newlines = false;
    const before = this.errors;
    const inner = this.parseExpression();
    const height = this.height;
    const close = this.peekIndex();
    if (this.failedSince(before)) {
      this.recover(T.CLOSE_PAREN);
    } else if (this.tokens.type(close) === T.CLOSE_PAREN) {
      this.read();
    } else {
      this.complainAt(
        close,
        'hcl-unclosed-bracket',
        'Unbalanced parentheses',
        'Expected a closing parenthesis to terminate the expression.',
        { contextStart: start },
      );
      this.recover(T.CLOSE_PAREN);
    }
    this.newlines = newlines;
    this.leave();
    this.height = height + 1;
    return { kind: 'parentheses', start, end: this.previousEnd(), inner };
  }

  /** A sign takes the next term with its steps, and no operator: `-1 + 2` is `(-1) + 2`. */
  #parseUnary(): Expression {
    const sign = this.read();
    const start = this.tokens.start(sign);
    if (!this.enter(start, this.tokens.end(sign))) {
      this.leave();
      return { kind: 'invalid', start, end: this.previousEnd() };
    }
    const operand = this.#parseWithSteps();
    this.leave();
    this.height++;
    const operatorText = this.tokens.type(sign) === T.MINUS ? '-' : '!';
    return { kind: 'unary', start, end: operand.end, operator: operatorText, operand };
  }

  #missingTerm(index: number): Expression {
    this.height = 0;
    const start = this.tokens.start(index);
    const end = this.tokens.end(index);
    if (!this.recovering) {
      if (this.tokens.type(index) === T.EOF) {
        this.complainAt(
          index,
          'hcl-missing-expression',
          'Missing expression',
          'Expected the start of an expression, but found the end of the file.',
        );
      } else {
        this.complainAt(
          index,
          'hcl-invalid-expression',
          'Invalid expression',
          'Expected the start of an expression, but found an invalid expression token.',
        );
      }
    } else {
      this.errors++;
    }
    this.recovering = true;
    return { kind: 'invalid', start, end };
  }

  // --------------------------------------------------------------------------------------- calls

  /**
   * What comes next is `(` or `::`, after a name that starts at `start`. That there are no functions in namespaces such
   * as `provider::name` here is found when one is called.
   */
  #parseCall(start: number): Expression {
    let name = this.text.slice(start, this.previousEnd());
    while (this.peek() === T.DOUBLE_COLON) {
      this.read();
      const part = this.peekIndex();
      if (this.tokens.type(part) !== T.IDENT)
        return this.#refuseNamespace(part, start, 'Missing function name', NO_FUNCTION_NAME);
      this.read();
      name = `${name}::${this.nameAt(part)}`;
    }
    const nameEnd = this.previousEnd();
    const open = this.peekIndex();
    if (this.tokens.type(open) !== T.OPEN_PAREN)
      return this.#refuseNamespace(open, start, 'Missing open parenthesis', NO_PARENTHESIS);
    this.read();
    if (!this.enter(this.tokens.start(open), this.tokens.end(open)))
      return this.abandon(start, T.CLOSE_PAREN);
    const newlines = this.newlines;
    this.newlines = false;
    const first = this.expressions.mark();
    const { expand, height } = this.#parseArguments(start, open);
    const args = this.expressions.cut(first);
    this.newlines = newlines;
    this.leave();
    this.height = height + 1;
    const f = name.startsWith('core::') ? name.replace(OWN_NAMESPACE, '') : name;
    return new CallNode(start, this.previousEnd(), f, nameEnd, args, expand);
  }

  #parseArguments(start: number, open: number): { expand: boolean; height: number } {
    let height = 0;
    for (;;) {
      if (this.peek() === T.CLOSE_PAREN) {
        this.read();
        return { expand: false, height };
      }
      const before = this.errors;
      this.expressions.add(this.parseExpression());
      height = Math.max(height, this.height);
      if (this.failedSince(before)) {
        this.recover(T.CLOSE_PAREN);
        return { expand: false, height };
      }
      const separator = this.peekIndex();
      switch (this.tokens.type(separator)) {
        case T.COMMA:
          this.read();
          break;
        case T.CLOSE_PAREN:
          this.read();
          return { expand: false, height };
        case T.ELLIPSIS:
          this.read();
          if (this.peek() === T.CLOSE_PAREN) {
            this.read();
          } else {
            if (!this.recovering) this.#complainEllipsis(separator, start);
            this.recover(T.CLOSE_PAREN);
          }
          return { expand: true, height };
        default:
          this.#complainArgument(separator, start, open);
          this.recover(T.CLOSE_PAREN);
          return { expand: false, height };
      }
    }
  }

  #complainEllipsis(index: number, contextStart: number): void {
    this.complainAt(
      index,
      'hcl-unclosed-bracket',
      'Missing closing parenthesis',
      'An expanded function argument (with ...) must be immediately followed by closing parentheses.',
      { contextStart },
    );
  }

  #complainArgument(separator: number, start: number, open: number): void {
    if (this.recovering) return;
    const atEnd = this.tokens.type(separator) === T.EOF;
    if (atEnd || this.beginsItem(separator)) {
      this.complain(
        'hcl-unclosed-bracket',
        'Unterminated function call',
        `There is no closing parenthesis for this function call before ${atEnd ? 'the end of the file' : 'the next argument'}. This may be caused by incorrect parenthesis nesting elsewhere in this file.`,
        start,
        this.tokens.end(open),
      );
    } else {
      this.complainAt(
        separator,
        'hcl-missing-separator',
        'Missing argument separator',
        'A comma is required to separate each function argument from the next.',
        { contextStart: start },
      );
    }
  }

  /** What stands in place of a function's name behind `::`, or of the parenthesis behind that. */
  #refuseNamespace(index: number, start: number, summary: string, detail: string): Expression {
    if (!this.recovering)
      this.complainAt(index, 'hcl-namespaced-function', summary, detail, { contextStart: start });
    this.errors++;
    this.recovering = true;
    if (this.peek() === T.OPEN_PAREN) {
      this.read();
      this.recover(T.CLOSE_PAREN);
    }
    this.height = 0;
    return { kind: 'invalid', start, end: this.previousEnd() };
  }
}

const NO_FUNCTION_NAME =
  'Function scope resolution symbol :: must be followed by a function name in this scope.';
const NO_PARENTHESIS =
  'Function selector must be followed by an open parenthesis to begin the function call.';

/** Terraform's own functions may be called by their whole name, `core::upper`. */
const OWN_NAMESPACE = /^core::(?!.*::)/;

const noSteps: readonly Step[] = [];

/** 1 binds least; 0 is no operator. */
function precedence(token: number): number {
  switch (token) {
    case T.OR:
      return 1;
    case T.AND:
      return 2;
    case T.EQUAL_EQUAL:
    case T.NOT_EQUAL:
      return 3;
    case T.LESS:
    case T.LESS_EQUAL:
    case T.GREATER:
    case T.GREATER_EQUAL:
      return 4;
    case T.PLUS:
    case T.MINUS:
      return 5;
    case T.STAR:
    case T.SLASH:
    case T.PERCENT:
      return 6;
    default:
      return 0;
  }
}

function operator(token: number): BinaryOperator {
  switch (token) {
    case T.OR:
      return '||';
    case T.AND:
      return '&&';
    case T.EQUAL_EQUAL:
      return '==';
    case T.NOT_EQUAL:
      return '!=';
    case T.LESS:
      return '<';
    case T.LESS_EQUAL:
      return '<=';
    case T.GREATER:
      return '>';
    case T.GREATER_EQUAL:
      return '>=';
    case T.PLUS:
      return '+';
    case T.MINUS:
      return '-';
    case T.STAR:
      return '*';
    case T.SLASH:
      return '/';
    default:
      return '%';
  }
}

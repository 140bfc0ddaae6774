import type { Expression, IndexStep, NumberLiteral, Splat, SplatItem, Step } from './ast.ts';
import { isDigit } from './characters.ts';
import { CollectionParser } from './collection-parser.ts';
import { AttributeStepNode, IndexStepNode, NumberNode } from './nodes.ts';
import * as T from './token.ts';

/** Reads what may follow a term: `.name`, `.0`, `.*`, `[key]` and `[*]`. */
export abstract class StepParser extends CollectionParser {
  /** The steps after a term: `.name`, `.0`, `.*`, `[key]`, `[*]`. */
  protected parseSteps(from: Expression): Expression {
    let node = from;
    for (;;) {
      const type = this.peek();
      if (type !== T.DOT && type !== T.OPEN_BRACKET) return node;
      const before = this.errors;
      const mark = this.read();
      const start = this.tokens.start(mark);
      let height = this.height;
      if (type === T.DOT) {
        const step = this.peek();
        if (step === T.STAR) node = this.#parseAttributeSplat(node, start);
        else node = this.#parseDotStep(node, start, from.start);
      } else if (this.peek() === T.STAR) {
        node = this.#parseFullSplat(node, start);
      } else {
        node = this.#parseIndex(node, start);
      }
      if (this.failedSince(before)) {
        this.height = height;
        return node;
      }
      // Names with steps are one node, however many there are.
      if (node.kind === 'traversal' || (node.kind === 'relative' && node.steps.length > 1)) continue;
      height = Math.max(height, this.height) + 1;
      if (!this.setHeight(height, from.start, node.end)) return node;
    }
  }

  #parseDotStep(node: Expression, start: number, from: number): Expression {
    const next = this.peekIndex();
    switch (this.tokens.type(next)) {
      case T.IDENT: {
        this.read();
        const end = this.tokens.end(next);
        return withStep(node, new AttributeStepNode(start, end, this.nameAt(next)));
      }
      case T.NUMBER:
        this.read();
        return withStep(node, this.#legacyIndex(next, start, false));
      default:
        if (!this.recovering) this.#complainAttributeName(next);
        this.errors++;
        this.recovering = true;
        return { kind: 'invalid', start: from, end: start + 1 };
    }
  }

  #complainAttributeName(index: number): void {
    this.complainAt(
      index,
      'hcl-invalid-attribute-name',
      'Invalid attribute name',
      'An attribute name is required after a dot.',
    );
  }

  /** `.0`, which Terraform keeps from its first language. `.0.1` would be a number, and is refused. */
  #legacyIndex(index: number, start: number, inSplat: boolean): IndexStep {
    const text = this.textOf(index);
    const dot = text.indexOf('.');
    const end = this.tokens.end(index);
    if (dot >= 0) {
      const keyStart = this.tokens.start(index);
      const indexes = `[${text.slice(0, dot)}][${text.slice(dot + 1)}]`;
      const instead = inSplat
        ? 'Use the proper index syntax with a full splat expression [*] instead'
        : 'Use the proper index syntax instead';
      this.complain(
        'hcl-legacy-index',
        'Invalid legacy index syntax',
        `When using the legacy index syntax, chaining two indexes together is not permitted. ${instead}, like ${indexes}.`,
        keyStart,
        end,
      );
      return new IndexStepNode(start, end, { kind: 'invalid', start: keyStart, end }, true);
    }
    return new IndexStepNode(start, end, this.parseNumber(index), true);
  }

  #parseIndex(node: Expression, open: number): Expression {
    if (!this.enter(open, open + 1)) return this.abandon(node.start, T.CLOSE_BRACKET);
    const newlines = this.newlines;
    this.newlines = false;
    const before = this.errors;
    const key = this.parseExpression();
    const close = this.peekIndex();
    if (this.failedSince(before)) {
      this.recover(T.CLOSE_BRACKET);
    } else if (this.tokens.type(close) === T.CLOSE_BRACKET) {
      this.read();
    } else {
      if (!this.recovering) {
        this.complainAt(
          close,
          'hcl-unclosed-bracket',
          'Missing close bracket on index',
          'The index operator must end with a closing bracket ("]").',
          { contextStart: node.start },
        );
      }
      this.recover(T.CLOSE_BRACKET);
    }
    this.newlines = newlines;
    this.leave();
    const end = this.previousEnd();
    switch (key.kind) {
      case 'number':
      case 'boolean':
      case 'null':
      case 'string':
        return withStep(node, new IndexStepNode(open, end, key, false));
      default:
        return { kind: 'index', start: node.start, end, collection: node, key, open };
    }
  }

  // -------------------------------------------------------------------------------------- splats

  /** `[*]`: the steps that follow are evaluated for each item. What comes next is the star. */
  #parseFullSplat(source: Expression, open: number): Expression {
    this.read();
    const close = this.peekIndex();
    if (this.tokens.type(close) === T.CLOSE_BRACKET) {
      this.read();
    } else {
      if (!this.recovering) {
        this.complainAt(
          close,
          'hcl-unclosed-bracket',
          'Missing close bracket on splat index',
          'The star for a full splat operator must be immediately followed by a closing bracket ("]").',
        );
      }
      this.recover(T.CLOSE_BRACKET);
    }
    const markerEnd = this.previousEnd();
    const item: SplatItem = { kind: 'splatItem', start: open, end: markerEnd };
    const sourceHeight = this.height;
    let each: Expression = item;
    this.height = 0;
    if (this.enter(open, markerEnd)) each = this.parseSteps(item);
    this.leave();
    this.height = Math.max(sourceHeight, this.height);
    return splat(source, each, true, open, markerEnd);
  }

  /** `.*`: only attributes and legacy indexes that follow belong to it. What comes next is the star. */
  #parseAttributeSplat(source: Expression, dot: number): Expression {
    const star = this.read();
    const markerEnd = this.tokens.end(star);
    const item: SplatItem = { kind: 'splatItem', start: dot, end: markerEnd };
    const steps: Step[] = [];
    while (this.peek() === T.DOT) {
      const start = this.tokens.start(this.read());
      const next = this.peekIndex();
      const type = this.tokens.type(next);
      if (type === T.NUMBER) {
        this.read();
        steps.push(this.#legacyIndex(next, start, true));
      } else if (type === T.IDENT) {
        this.read();
        steps.push(new AttributeStepNode(start, this.tokens.end(next), this.nameAt(next)));
      } else {
        if (!this.recovering) this.#complainSplatStep(next, type);
        this.errors++;
        this.recovering = true;
        break;
      }
    }
    const last = steps.at(-1);
    const each: Expression =
      last === undefined ? item : { kind: 'relative', start: dot, end: last.end, source: item, steps };
    if (last !== undefined) this.height = Math.max(this.height, 1);
    return splat(source, each, false, dot, markerEnd);
  }

  #complainSplatStep(index: number, type: number) {
    if (type !== T.STAR) return this.#complainAttributeName(index);
    this.complainAt(
      index,
      'hcl-nested-splat',
      'Nested splat expression not allowed',
      'A splat expression (*) cannot be used inside another attribute-only splat expression.',
    );
  }

  /** The number token `index`. */
  protected parseNumber(index: number): NumberLiteral {
    const text = this.nameAt(index);
    if (!isDigits(text) && !validNumber.test(text)) {
      this.complainAt(
        index,
        'hcl-invalid-number',
        'Invalid number literal',
        'Failed to recognize the value of this number literal.',
      );
    }
    return new NumberNode(this.tokens.start(index), this.tokens.end(index), text);
  }
}

/** The usual number, told without a regular expression. */
function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return text !== '';
}

/** What HashiCorp's scanner takes for a number and its parser can read. */
const validNumber = /^\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;

function splat(
  source: Expression,
  each: Expression,
  full: boolean,
  markerStart: number,
  markerEnd: number,
): Splat {
  return { kind: 'splat', start: source.start, end: each.end, source, each, full, markerStart, markerEnd };
}

/** Up to here a list of steps is made anew for each, exactly as long as it is; beyond, that would be quadratic. */
const SHORT = 8;

/** The expression with one more constant step. Lists of steps are only shared while they are empty. */
function withStep(node: Expression, step: Step): Expression {
  if (node.kind === 'traversal' || node.kind === 'relative') {
    const growing: { end: number; steps: readonly Step[] } = node;
    const [first] = node.steps;
    if (first === undefined) growing.steps = [step];
    else if (node.steps.length === 1) growing.steps = [first, step];
    else if (node.steps.length < SHORT) growing.steps = node.steps.concat(step);
    else (node.steps as Step[]).push(step);
    growing.end = step.end;
    return node;
  }
  return { kind: 'relative', start: node.start, end: step.end, source: node, steps: [step] };
}

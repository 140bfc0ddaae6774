import type { Expression } from './ast.ts';
import { NESTING_LIMIT } from './cursor.ts';
import { StringNode, TemplateNode } from './nodes.ts';
import type { EndMark, ForMark, IfMark, TemplatePart } from './template-parts.ts';

/** What the matching of directives needs from the parser around it. */
export interface TemplateContext {
  readonly heredoc: boolean;
  /** Where the template's content starts and ends, without quotes or heredoc markers. */
  readonly contentStart: number;
  readonly contentEnd: number;
  /** How many levels are open around the template. */
  readonly depth: number;
  complain(code: string, summary: string, detail: string, start: number, end: number): void;
  complainTooDeep(start: number, end: number): void;
  rangeText(start: number, end: number): string;
}

export interface TemplateTree {
  readonly parts: readonly Expression[];
  /** How deep the tree of the deepest part is. */
  readonly height: number;
}

/** Matches `if`, `else`, `endif`, `for` and `endfor`, and makes expressions of everything. */
export function buildTemplate(parts: readonly TemplatePart[], context: TemplateContext): TemplateTree {
  return new TemplateBuilder(parts, context).run();
}

interface Branch {
  readonly nodes: Expression[];
  height: number;
}

class TemplateBuilder {
  readonly #parts: readonly TemplatePart[];
  readonly #context: TemplateContext;
  #at = 0;
  /** Too deep: that the rest is missing is no news. */
  #abandoned = false;
  #depth: number;

  constructor(parts: readonly TemplatePart[], context: TemplateContext) {
    this.#parts = parts;
    this.#context = context;
    this.#depth = context.depth;
  }

  run(): TemplateTree {
    const root: Branch = { nodes: [], height: 0 };
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      this.#add(root, part);
    }
    return { parts: root.nodes, height: root.height };
  }

  #next(): TemplatePart | undefined {
    return this.#parts[this.#at++];
  }

  #add(branch: Branch, part: TemplatePart) {
    switch (part.kind) {
      case 'string':
        branch.nodes.push(part);
        return;
      case 'value':
        branch.nodes.push(part.value);
        branch.height = Math.max(branch.height, part.height);
        return;
      case 'if':
      case 'for':
        return this.#addDirective(branch, part);
      default:
        this.#unbalanced(part);
        branch.nodes.push({ kind: 'invalid', start: part.start, end: part.end });
    }
  }

  #addDirective(branch: Branch, mark: IfMark | ForMark): void {
    if (this.#depth >= NESTING_LIMIT) {
      this.#context.complainTooDeep(mark.start, mark.end);
      this.#at = this.#parts.length;
      this.#abandoned = true;
      return;
    }
    this.#depth++;
    const inner = mark.kind === 'if' ? this.#if(mark) : this.#for(mark);
    this.#depth--;
    branch.nodes.push(inner.node);
    branch.height = Math.max(branch.height, inner.height + 1);
  }

  #if(open: IfMark): { node: Expression; height: number } {
    const whenTrue: Branch = { nodes: [], height: 0 };
    const whenFalse: Branch = { nodes: [], height: 0 };
    let branch = whenTrue;
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      if (part.kind === 'else' && branch === whenTrue) {
        branch = whenFalse;
      } else if (part.kind === 'endif') {
        return {
          height: Math.max(open.height, whenTrue.height, whenFalse.height),
          node: {
            kind: 'templateIf',
            start: open.start,
            end: part.end,
            condition: open.condition,
            whenTrue: this.#branch(whenTrue, open.end),
            whenFalse: this.#branch(whenFalse, part.start),
          },
        };
      } else if (part.kind === 'else') {
        const where = this.#context.rangeText(open.start, open.end);
        return this.#unexpected(part, `Already in the else clause for the if started at ${where}.`);
      } else if (part.kind === 'endfor') {
        const where = this.#context.rangeText(open.start, open.end);
        return this.#unexpected(part, `Expecting an endif directive for the if started at ${where}.`);
      } else {
        this.#add(branch, part);
      }
    }
    return this.#missingEnd(open, 'endif');
  }

  #for(open: ForMark): { node: Expression; height: number } {
    const body: Branch = { nodes: [], height: 0 };
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      if (part.kind === 'endfor') {
        return {
          height: Math.max(open.height, body.height),
          node: {
            kind: 'templateFor',
            start: open.start,
            end: part.end,
            keyName: open.keyName,
            valueName: open.valueName,
            collection: open.collection,
            body: this.#branch(body, open.end),
          },
        };
      }
      if (part.kind === 'else') {
        return this.#unexpected(part, 'An else clause is not expected for a for directive.');
      }
      if (part.kind === 'endif') {
        const where = this.#context.rangeText(open.start, open.end);
        return this.#unexpected(
          part,
          `Expecting an endfor directive corresponding to the for directive at ${where}.`,
        );
      }
      this.#add(body, part);
    }
    return this.#missingEnd(open, 'endfor');
  }

  /** A branch as one expression; an empty one stands at `emptyAt`. */
  #branch(branch: Branch, emptyAt: number): Expression {
    const { heredoc } = this.#context;
    const [first] = branch.nodes;
    const last = branch.nodes.at(-1);
    if (first === undefined || last === undefined) {
      return new StringNode(emptyAt, emptyAt, '', heredoc);
    }
    if (first === last && first.kind === 'string') return first;
    return new TemplateNode(first.start, last.end, branch.nodes, heredoc);
  }

  #unexpected(mark: EndMark, detail: string): { node: Expression; height: number } {
    this.#context.complain(
      'hcl-unbalanced-directive',
      `Unexpected ${mark.kind} directive`,
      detail,
      mark.start,
      mark.end,
    );
    return { node: { kind: 'invalid', start: mark.start, end: mark.end }, height: 0 };
  }

  #unbalanced(mark: EndMark): void {
    this.#unexpected(mark, 'The control directives within this template are unbalanced.');
  }

  #missingEnd(open: IfMark | ForMark, end: 'endif' | 'endfor'): { node: Expression; height: number } {
    const { contentEnd } = this.#context;
    const missing: Expression = { kind: 'invalid', start: contentEnd, end: contentEnd };
    if (this.#abandoned) return { node: missing, height: 0 };
    const where = this.#context.rangeText(open.start, open.end);
    this.#context.complain(
      'hcl-unbalanced-directive',
      'Unexpected end of template',
      `The ${open.kind} directive at ${where} is missing its corresponding ${end} directive.`,
      contentEnd,
      contentEnd,
    );
    return { node: missing, height: 0 };
  }
}

import type { Expression, Step, Traversal } from '../syntax/ast.ts';

/**
 * Every reference in an expression, in source order: what it needs from outside. Names that a `for` in it binds are
 * its own and left out; bare keys of objects are not references.
 */
export function references(expression: Expression): Traversal[] {
  const found: Traversal[] = [];
  forEachReference(expression, (reference) => found.push(reference), undefined);
  return found;
}

/** The same for those who only look at each. `context` is handed on, so that one function serves for many expressions. */
export const forEachReference = <C>(expression: Expression, visit: Visit<C>, context: C): void =>
  collect(expression, NO_NAMES, visit, context);

type Visit<C> = (reference: Traversal, context: C) => void;

const NO_NAMES: readonly string[] = [];

function collect<C>(node: Expression, bound: readonly string[], visit: Visit<C>, context: C): void {
  switch (node.kind) {
    // What most expressions are.
    case 'string':
    case 'number':
      return;
    case 'traversal':
      if (!bound.includes(node.root)) visit(node, context);
      return;
    case 'for': {
      collect(node.collection, bound, visit, context);
      const inner = [...bound, node.valueName, ...(node.keyName === undefined ? [] : [node.keyName])];
      if (node.key !== undefined) collect(node.key, inner, visit, context);
      collect(node.value, inner, visit, context);
      if (node.condition !== undefined) collect(node.condition, inner, visit, context);
      return;
    }
    case 'templateFor':
      collect(node.collection, bound, visit, context);
      collect(
        node.body,
        [...bound, node.valueName, ...(node.keyName === undefined ? [] : [node.keyName])],
        visit,
        context,
      );
      return;
    case 'object':
      for (const item of node.items) {
        if (item.bareKey === undefined) collect(item.key, bound, visit, context);
        collect(item.value, bound, visit, context);
      }
      return;
    default:
      for (const child of childrenOf(node)) collect(child, bound, visit, context);
  }
}

function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'template':
      return node.parts;
    case 'templateWrap':
    case 'parentheses':
      return [node.inner];
    case 'templateIf':
    case 'conditional':
      return [node.condition, node.whenTrue, node.whenFalse];
    case 'relative':
      return [node.source];
    case 'index':
      return [node.collection, node.key];
    case 'splat':
      return [node.source, node.each];
    case 'call':
      return node.args;
    case 'unary':
      return [node.operand];
    case 'binary':
      return [node.left, node.right];
    case 'tuple':
      return node.items;
    default:
      return NO_CHILDREN;
  }
}

const NO_CHILDREN: readonly Expression[] = [];

/** A reference as one would write it: `host.web["web-1"].address`. */
export const referenceText = (reference: Traversal): string =>
  reference.root + reference.steps.map(stepText).join('');

function stepText(step: Step): string {
  if (step.kind === 'attributeStep') return `.${step.name}`;
  switch (step.key.kind) {
    case 'string':
      return `[${JSON.stringify(step.key.value)}]`;
    case 'number':
      return `[${step.key.text}]`;
    case 'boolean':
      return `[${step.key.value}]`;
    default:
      return '[null]';
  }
}

import type { Body, Expression, Node } from '../../src/hcl/syntax/ast.ts';

/** The nodes directly below an expression, in source order. */
export function childrenOf(node: Expression): readonly Node[] {
  switch (node.kind) {
    case 'template':
      return node.parts;
    case 'templateWrap':
    case 'parentheses':
      return [node.inner];
    case 'templateIf':
    case 'conditional':
      return [node.condition, node.whenTrue, node.whenFalse];
    case 'templateFor':
      return [node.collection, node.body];
    case 'traversal':
      return node.steps;
    case 'relative':
      return [node.source, ...node.steps];
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
    case 'object':
      return node.items.flatMap(({ key, value }) => [key, value]);
    case 'for':
      return [node.collection, node.key, node.value, node.condition].filter((child) => child !== undefined);
    default:
      return [];
  }
}

const kinds = (node: Node): node is Expression =>
  'kind' in node && node.kind !== 'attributeStep' && node.kind !== 'indexStep';

/**
 * Why the offsets of a tree are wrong, or undefined: each node lies inside of its parent and after its sibling
 * before it, and names are where the text has them.
 */
export function misplaced(body: Body, text: string): string | undefined {
  for (const attribute of body.attributes) {
    if (text.slice(attribute.start, attribute.nameEnd) !== attribute.name)
      return `the name of ${attribute.name}`;
    const wrong = outside(attribute, [attribute.value]) ?? expression(attribute.value, text);
    if (wrong !== undefined) return wrong;
  }
  for (const block of body.blocks) {
    if (text.slice(block.start, block.typeEnd) !== block.type) return `the type of ${block.type}`;
    const wrong = outside(block, [...block.labels, block.body]) ?? misplaced(block.body, text);
    if (wrong !== undefined) return wrong;
  }
  return outside(
    body,
    [...body.attributes, ...body.blocks].toSorted((a, b) => a.start - b.start),
  );
}

function expression(node: Expression, text: string): string | undefined {
  if (node.kind === 'invalid') return 'a part was not read, and there is no error';
  if (node.kind === 'traversal' && text.slice(node.start, node.rootEnd) !== node.root)
    return `the root of ${node.root}`;
  if (node.kind === 'call' && text.slice(node.start, node.nameEnd) !== node.name)
    return `the name of ${node.name}`;
  const children = childrenOf(node);
  const wrong = outside(node, children);
  if (wrong !== undefined) return `${wrong} in a ${node.kind}`;
  for (const child of children) {
    const inside = kinds(child) ? expression(child, text) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function outside(parent: Node, children: readonly Node[]): string | undefined {
  let from = parent.start;
  for (const child of children) {
    if (child.start < from || child.end < child.start)
      return `a node starts at ${child.start} before ${from}`;
    from = child.end;
  }
  return from > parent.end ? `a node ends at ${from}, after ${parent.end}` : undefined;
}

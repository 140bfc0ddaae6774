import type { Body, Expression, Step } from '../../../src/hcl/syntax/ast.ts';
import { parseExpression, parseFile } from '../../../src/hcl/syntax/parser.ts';

/**
 * A tree as text, so that a test can say in one line what was understood: operators get brackets, strings get
 * quotes, `splat[*](source | each)`. Its own notation on purpose: not HCL, so that nothing passes by being echoed.
 */
export function show(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return node.text;
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
    case 'string':
      return JSON.stringify(node.value);
    case 'template':
      return `template(${node.parts.map(show).join(' ')})`;
    case 'templateWrap':
      return `wrap(${show(node.inner)})`;
    case 'templateIf':
      return `if(${show(node.condition)} ? ${show(node.whenTrue)} : ${show(node.whenFalse)})`;
    case 'templateFor':
      return `each(${names(node)} in ${show(node.collection)} : ${show(node.body)})`;
    case 'traversal':
      return node.root + node.steps.map(showStep).join('');
    case 'relative':
      return `(${show(node.source)})${node.steps.map(showStep).join('')}`;
    case 'index':
      return `index(${show(node.collection)} ${show(node.key)})`;
    case 'splat':
      return `splat${node.full ? '[*]' : '.*'}(${show(node.source)} | ${show(node.each)})`;
    case 'splatItem':
      return '@';
    case 'call':
      return `${node.name}(${node.args.map(show).join(', ')}${node.expand ? '...' : ''})`;
    case 'unary':
      return `[${node.operator}${show(node.operand)}]`;
    case 'binary':
      return `[${show(node.left)} ${node.operator} ${show(node.right)}]`;
    case 'conditional':
      return `[${show(node.condition)} ? ${show(node.whenTrue)} : ${show(node.whenFalse)}]`;
    case 'parentheses':
      return `paren(${show(node.inner)})`;
    case 'tuple':
      return `tuple(${node.items.map(show).join(', ')})`;
    case 'object':
      return `object(${node.items.map(({ key, bareKey, value }) => `${bareKey ?? `<${show(key)}>`}: ${show(value)}`).join(', ')})`;
    case 'for': {
      const key = node.key === undefined ? '' : `${show(node.key)} => `;
      const condition = node.condition === undefined ? '' : ` if ${show(node.condition)}`;
      return `for(${names(node)} in ${show(node.collection)} : ${key}${show(node.value)}${node.group ? '...' : ''}${condition})`;
    }
    case 'invalid':
      return 'INVALID';
  }
}

function names(node: { readonly keyName: string | undefined; readonly valueName: string }): string {
  return node.keyName === undefined ? node.valueName : `${node.keyName}, ${node.valueName}`;
}

function showStep(step: Step): string {
  if (step.kind === 'attributeStep') return `.${step.name}`;
  return step.legacy ? `.<${show(step.key)}>` : `[${show(step.key)}]`;
}

/** A body on one line: `name = value; type "label" bare { ... }`, in source order. */
export function showBody(body: Body): string {
  const items = [
    ...body.attributes.map((attribute) => ({
      at: attribute.start,
      text: `${attribute.name} = ${show(attribute.value)}`,
    })),
    ...body.blocks.map((block) => ({
      at: block.start,
      text: [
        block.type,
        ...block.labels.map(({ text, quoted }) => (quoted ? JSON.stringify(text) : text)),
        `{ ${showBody(block.body)} }`,
      ].join(' '),
    })),
  ];
  return items
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => text)
    .join('; ');
}

/** What an expression is understood as; throws when it is not. */
export function understood(text: string): string {
  const { expression, diagnostics } = parseExpression(text, 'test.hcl');
  if (diagnostics.length > 0) throw new Error(`${diagnostics[0]?.summary}: ${diagnostics[0]?.detail}`);
  return show(expression);
}

/** The errors of a file, as `line:column-line:column Summary`, shortened to `line:column-column` on one line. */
export function errorsOf(text: string | Uint8Array): string[] {
  return parseFile(text, 'test.hcl').diagnostics.map(({ subject, summary }) => {
    if (subject === undefined) return summary;
    const { start, end } = subject;
    const to = start.line === end.line ? `${end.column}` : `${end.line}:${end.column}`;
    return `${start.line}:${start.column}-${to} ${summary}`;
  });
}

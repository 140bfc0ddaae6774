/**
 * Writes docs/language.md, the reference of the configuration language, from the schema that decoding is driven by
 * and from the table of functions. A test fails when the file differs from what this gives.
 *
 *   node tools/docs-language.ts          writes the file
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { balancerShape } from '../src/config/schema/balancers.ts';
import { topLevelShapes } from '../src/config/schema/language.ts';
import type {
  Argument,
  ArgumentType,
  BlockShape,
  Contents,
  NestedBlock,
  NestedBlocks,
} from '../src/config/schema/shape.ts';
import { hasVariants } from '../src/config/schema/shape.ts';
import type { Family, FunctionDefinition, Parameter } from '../src/hcl/eval/functions/definition.ts';
import { FUNCTIONS } from '../src/hcl/eval/functions/index.ts';
import { typeText } from '../src/hcl/eval/type-text.ts';
import { balancerKinds } from '../src/providers/registry.ts';

export const languageReferencePath = join(import.meta.dirname, '../docs/language.md');

/** In the order in which a reader needs them. */
const order = [
  'deployctl',
  'variable',
  'locals',
  'output',
  'secret',
  'ssh',
  'host',
  'load_balancer',
  'dns_zone',
  'release',
  'service',
  'policy',
  'hook',
  'module',
  'check',
  'moved',
] as const;

const shapes: Readonly<Record<string, BlockShape>> = {
  ...topLevelShapes,
  load_balancer: balancerShape(balancerKinds),
};

const introduction = `# The configuration language

This reference is written from the program's own schema by \`node tools/docs-language.ts\`: do not edit it.

An environment is a folder, \`environments/<name>/\`. Every \`*.hcl\` file in it belongs to one configuration; their order
and the order of the blocks in them mean nothing. The language is HCL's native syntax with Terraform's conventions:
expressions, functions, \`for\`, splats, templates, heredocs, \`count\` and \`for_each\`, \`dynamic\` blocks, preconditions.
An unknown block or argument is an error. Parts marked *not yet* are understood and checked, and then refused: this
version cannot act on them.

## Values

| written | means |
|---|---|
| \`"1h30m"\`, \`"250ms"\` | a duration: numbers with the units \`ms\`, \`s\`, \`m\`, \`h\`; at most 576h |
| \`"75%"\` | a whole percent |
| \`"2026-12-24T00:00:00Z"\` | a moment, with its offset |
| \`["bin/serve", "--port=80"]\` | a command: the program, then its arguments; no shell is involved |
| \`release.shop\` | a reference to a block, without quotes |
| \`null\` | as if the argument were not there |

## References

References go by type and name, without a provider's label.

| reference | is |
|---|---|
| \`var.x\`, \`local.x\` | the value of a variable, of a local value |
| \`host.lb-1\` | an object: \`name\`, \`address\`, \`network_address\`, \`labels\`, \`connection\` |
| \`host.web["web-1"]\`, \`host.web[0]\` | one of the hosts of a block with \`for_each\`, with \`count\` |
| \`load_balancer.edge\` | an object: \`name\`, \`type\`, \`hosts\` |
| \`release.shop\` | an object: \`name\`, \`version\`, \`artifact\`, \`sha256\`, \`notes\` |
| \`service.api\` | an object: \`name\`, \`release\`, \`slots\` (each with \`name\`, \`port\`, \`hosts\`) |
| \`secret.tsig\` | a secret, to be passed on whole |
| \`module.web.x\` | the output \`x\` of a module |
| \`each.key\`, \`each.value\`, \`count.index\` | which one it is, in a block with \`for_each\`, with \`count\` |
| \`path.root\`, \`path.module\`, \`path.cwd\` | the environment's folder and the module's, from where paths in the configuration begin: \`file("\${path.module}/x")\`; the project's folder |

In \`process\`, \`health\` and \`hook\` blocks of a service, which are evaluated for each host of each slot, there are also
\`slot.name\`, \`slot.port\`, \`host.name\`, \`host.address\`, \`host.labels\`, \`release.version\` and \`release.path\`.
Where the install root begins with \`~\`, so does \`release.path\`; on each host these blocks get the folder as it is there. A
hook with \`on = "operator"\` runs here and gets it as it is written.

Everything that is declared has an address, which plans, flags and the state use: \`service.shop\`,
\`service.shop.slot["green"].host["web-1"]\`, \`load_balancer.edge.route["shop"]\`, \`module.eu.host.web["web-1"]\`.

## Repetition

\`count = 3\` makes three of a block, \`for_each\` one for each element of a map or of a set of strings. A host made by
\`for_each\` is called by its key, one made by \`count\` by its label and index: \`web-0\`. Anything else is called by its
label and its key: \`shop-eu\`. Names of things in a module with \`for_each\` or \`count\` end in the module's key.

\`dynamic "hook" { for_each = ..., labels = [...], content { ... } }\` makes nested blocks. In its content the element is
\`hook.key\` and \`hook.value\`, or what \`iterator\` names.
`;

export function renderLanguageReference(): string {
  const parts = [introduction, '## Blocks\n', contentsList()];
  for (const type of order) parts.push(topLevelBlock(type, shapeOf(type)));
  parts.push(functionReference());
  return `${parts.join('\n').trimEnd()}\n`;
}

function shapeOf(type: string): BlockShape {
  const shape = shapes[type];
  if (shape === undefined) throw new Error(`no block ${type}`);
  return shape;
}

const contentsList = (): string =>
  `${order.map((type) => `[${type}](#${type})`).join(' · ')} · [functions](#functions)\n`;

// ── blocks ─────────────────────────────────────────────────────────────────────────────────────────

function topLevelBlock(type: string, shape: BlockShape): string {
  const lines = [
    `### ${type}\n`,
    `\`\`\`hcl\n${header(type, shape)}\n\`\`\`\n`,
    `${notYet(shape)}${shape.description}`,
  ];
  if (shape.repeatable) lines.push('\nTakes `count` and `for_each`.');
  lines.push(...blockBody(type, shape, []));
  if (shape.example !== undefined) lines.push('', '```hcl', shape.example, '```');
  return `${lines.join('\n')}\n`;
}

const notYet = (of: { readonly later?: boolean }): string => (of.later ? '*Not yet.* ' : '');

function header(type: string, shape: BlockShape): string {
  const labels = [...(hasVariants(shape) ? [shape.kindLabel] : []), ...shape.labels.map(({ name }) => name)];
  return `${type} ${labels.map((label) => `"${label}" `).join('')}{ ... }`;
}

/** `path`: the blocks around it, for the headings of nested blocks. */
function blockBody(type: string, shape: BlockShape, path: readonly string[]): string[] {
  const here = [...path, type];
  if (!hasVariants(shape)) return contentsOf(shape, here);
  const lines: string[] = [];
  for (const [kind, variant] of Object.entries(shape.variants)) {
    lines.push('', `**\`${here.join(' / ')} "${kind}"\`** ${notYet(variant)}${variant.description}`);
    lines.push(...contentsOf(variant, [...path, `${type} "${kind}"`]));
  }
  return lines;
}

function contentsOf(contents: Contents, here: readonly string[]): string[] {
  const lines: string[] = [];
  const names = Object.entries(contents.arguments);
  if (names.length > 0) {
    lines.push('', '| argument | type | default | |', '|---|---|---|---|');
    for (const [name, argument] of names) lines.push(argumentRow(name, argument));
  }
  if (contents.freeArguments !== undefined) lines.push('', contents.freeArguments);
  for (const nested of [contents.blocks, contents.perInstance]) lines.push(...nestedBlocks(nested, here));
  return lines;
}

function argumentRow(name: string, argument: Argument<unknown>): string {
  const fallback = argument.presence === 'required' ? '**required**' : (argument.otherwise ?? '');
  const shown = argument.presence === 'default' ? `\`${fallback}\`` : fallback;
  const cells = [`\`${name}\``, typeCell(argument.type), shown, argument.description];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const typeCell = ({ name }: ArgumentType<unknown>): string =>
  name.startsWith('"') ? name.replaceAll(/"[^"]+"/g, (word) => `\`${word}\``) : name;

function nestedBlocks(nested: NestedBlocks | undefined, here: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [type, block] of Object.entries(nested ?? {})) {
    lines.push(
      '',
      `**\`${[...here, header(type, block.shape).replace(' { ... }', '')].join(' / ')}\`**, ${often(block)}. ${notYet(block.shape)}${block.shape.description}`,
    );
    lines.push(...blockBody(type, block.shape, here));
  }
  return lines;
}

function often({ min, max, unique }: NestedBlock): string {
  const names = unique ? ', each name once' : '';
  if (max === 1) return min === 1 ? 'once' : 'at most once';
  return `${min === 0 ? 'any number of times' : 'at least once'}${names}`;
}

// ── functions ──────────────────────────────────────────────────────────────────────────────────────

const families: Readonly<Record<Family, string>> = {
  numeric: 'Numbers',
  string: 'Strings',
  collection: 'Collections',
  encoding: 'Encoding',
  filesystem: "Files of the environment's folder",
  date: 'Date and time',
  hash: 'Hashes and cryptography',
  network: 'IP networks',
  conversion: 'Types',
};

function functionReference(): string {
  const lines = ['## Functions', '', "Terraform's functions, with Terraform's results."];
  for (const [family, title] of Object.entries(families)) {
    const members = [...FUNCTIONS.values()].filter((each) => each.family === family);
    if (members.length === 0) continue;
    lines.push('', `### ${title}`, '', '| function | |', '|---|---|');
    for (const each of members)
      lines.push(`| \`${signature(each)}\` | ${each.summary.replaceAll('|', '\\|')} |`);
  }
  return lines.join('\n');
}

function signature({ name, parameters, variadic, returns }: FunctionDefinition): string {
  const one = (parameter: Parameter): string => `${parameter.name}: ${typeText(parameter.type)}`;
  const all = [...parameters.map(one), ...(variadic === undefined ? [] : [`${one(variadic)}...`])];
  const result = typeof returns === 'function' ? '' : ` -> ${typeText(returns)}`;
  return `${name}(${all.join(', ')})${result}`;
}

if (import.meta.main) writeFileSync(languageReferencePath, renderLanguageReference());

/** What the files of one module declare, before anything is evaluated: each thing under the name it is referred to by. */

import type { Span } from '../hcl/eval/problem.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import type { Attribute, Block, Body } from '../hcl/syntax/ast.ts';
import { isName } from '../hcl/syntax/characters.ts';
import type { ParsedFile } from '../hcl/syntax/parser.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import { own } from './own.ts';
import { type Problems, placeOf } from './problems.ts';
import { type BlockShape, hasVariants, type LabelShape } from './schema/shape.ts';

/**
 * One declared thing. `key` is how references and messages call it: `host.web`, `local.web`, `var.version`. Things
 * that cannot be referred to have a key with their place in it. `index` counts the things of a module from 0.
 */
export type Item = BlockItem | LocalItem;

/** A class for the same reason as the nodes of the tree: there are thousands, and each holds a part of the tree. */
export class BlockItem {
  readonly kind = 'block';
  readonly index: number;
  readonly type: string;
  readonly name: string;
  readonly key: string;
  readonly block: Block;
  readonly source: SourceText;

  constructor(index: number, name: string, key: string, block: Block, source: SourceText) {
    this.index = index;
    this.type = block.type;
    this.name = name;
    this.key = key;
    this.block = block;
    this.source = source;
  }
}

export interface LocalItem {
  readonly kind: 'local';
  readonly index: number;
  readonly type: 'local';
  readonly name: string;
  readonly key: string;
  readonly attribute: Attribute;
  readonly source: SourceText;
}

/** Top-level blocks that can be referred to, and the word that a reference begins with. */
export const referable: ReadonlyMap<string, string> = new Map([
  ['variable', 'var'],
  ['output', 'output'],
  ['module', 'module'],
  ['secret', 'secret'],
  ['ssh', 'ssh'],
  ['host', 'host'],
  ['load_balancer', 'load_balancer'],
  ['dns_zone', 'dns_zone'],
  ['release', 'release'],
  ['service', 'service'],
]);

/** Names that would hide what process, health and hook blocks know of their instance. */
const reservedNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['host', new Set(['name', 'address', 'labels'])],
  ['release', new Set(['version', 'path'])],
]);

/** Reads the top level of all files of a module. Wrong labels, unknown blocks and duplicates are reported. */
export function collectItems(
  files: readonly ParsedFile[],
  shapes: Readonly<Record<string, BlockShape>>,
  problems: Problems,
): ReadonlyMap<string, Item> {
  const items = new Map<string, Item>();
  const add = (item: Item, called: string): void => {
    const other = items.get(item.key);
    if (other === undefined) {
      items.set(item.key, item);
      return;
    }
    const at = other.source.rangeOf(nameSpan(other));
    problems.error(placeOf(item.source, nameSpan(item)), {
      code: 'duplicate-declaration',
      summary: `Duplicate ${called} declaration`,
      detail: `${aOrAn(called)} named "${item.name}" was already declared at ${at.file}:${at.start.line},${at.start.column}. The name of each ${called} must be unique in a folder.`,
    });
  };
  for (const { body, source } of files) {
    reportStrayArguments(body, source, shapes, problems);
    for (const block of body.blocks) {
      const shape = own(shapes, block.type);
      if (shape === undefined) {
        reportUnknownBlock(typeOnly(block), source, Object.keys(shapes), 'here', problems);
        continue;
      }
      // One with a wrong label is still known by its name, so that what refers to it is not wrong as well.
      if (!checkLabels(block, shape, source, problems) && block.labels.length !== labelCount(shape)) continue;
      if (block.type === 'locals') {
        for (const attribute of block.body.attributes) {
          const { name } = attribute;
          const index = items.size;
          add(
            { kind: 'local', index, type: 'local', name, key: `local.${name}`, attribute, source },
            'local value',
          );
        }
        for (const inner of block.body.blocks)
          reportUnknownBlock(typeOnly(inner), source, [], 'in locals', problems);
        continue;
      }
      const name = block.labels.at(-1)?.text ?? '';
      const root = referable.get(block.type);
      const key = root === undefined ? `${block.type}@${source.file}:${block.start}` : `${root}.${name}`;
      if (reservedNames.get(block.type)?.has(name)) {
        problems.error(placeOf(source, block.labels.at(-1) ?? block), {
          code: 'reserved-name',
          summary: 'Reserved name',
          detail: `A ${block.type} cannot be named "${name}": in process, health and hook blocks ${block.type}.${name} is the ${name} of the ${block.type} at hand.`,
        });
      }
      add(new BlockItem(items.size, name, key, block, source), block.type);
    }
  }
  return items;
}

/** What stands for an item in an error: the header of its block, or the name of the local value. */
export const nameSpan = (item: Item): { start: number; end: number } =>
  item.kind === 'block'
    ? headerSpan(item.block)
    : { start: item.attribute.start, end: item.attribute.nameEnd };

export const headerSpan = (block: Pick<Block, 'start' | 'headerEnd'>): { start: number; end: number } => ({
  start: block.start,
  end: block.headerEnd,
});

const typeOnly = (block: Block) => ({ type: block.type, header: { start: block.start, end: block.typeEnd } });

export const aOrAn = (noun: string): string => `${/^([aeiou]|ssh)/.test(noun) ? 'An' : 'A'} ${noun}`;

function reportStrayArguments(
  body: Body,
  source: SourceText,
  shapes: Readonly<Record<string, BlockShape>>,
  problems: Problems,
): void {
  for (const attribute of body.attributes) {
    const isBlock = Object.hasOwn(shapes, attribute.name);
    problems.error(placeOf(source, { start: attribute.start, end: attribute.nameEnd }), {
      code: 'unsupported-argument',
      summary: 'Unsupported argument',
      detail: `An argument named "${attribute.name}" is not expected here.${
        isBlock ? ` Did you mean to define a block of type "${attribute.name}"?` : ''
      }`,
      hint: isBlock
        ? 'Blocks are written without an equals sign.'
        : 'At the top of a file there are only blocks. Values that are used in several places belong into a locals block.',
    });
  }
}

/** Words of other tools, and what deployctl calls the thing. */
const otherWords: ReadonlyMap<string, string> = new Map([
  [
    'resource',
    'There are no resources in deployctl: write host, load_balancer, release or service blocks directly.',
  ],
  [
    'data',
    'There are no data sources in deployctl. Use a variable, or a file function such as yamldecode(file("...")).',
  ],
  [
    'provider',
    'There are no provider blocks in deployctl: how machines are reached is set in ssh and load_balancer blocks.',
  ],
  ['terraform', 'Settings of the program are in a deployctl block.'],
  ['backend', 'Where state is kept is set by a state block in the deployctl block.'],
  ['lifecycle', 'Write precondition blocks directly in the block they are about.'],
  ['local', 'Local values are declared in a locals block.'],
  ['variables', 'Each variable has a block of its own: variable "name" {}.'],
  [
    'import',
    'What is already there is adopted by the next plan; see also:  deployctl state import ENV ADDRESS',
  ],
  ['server', 'Machines are declared with host blocks.'],
  ['group', 'Groups are made by labels on hosts and a for expression in a locals block.'],
]);

export function reportUnknownBlock(
  block: { readonly type: string; readonly header: Span },
  source: SourceText,
  candidates: readonly string[],
  where: string,
  problems: Problems,
): void {
  const meant = didYouMean(block.type, candidates);
  const hint = meant === undefined ? otherWords.get(block.type) : undefined;
  problems.error(placeOf(source, block.header), {
    code: 'unsupported-block-type',
    summary: 'Unsupported block type',
    detail: `Blocks of type "${block.type}" are not expected ${where}.${meant === undefined ? '' : ` ${meant}`}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What stands before the brace of a block. */
export interface Header {
  readonly type: string;
  readonly labels: readonly { readonly text: string; readonly start: number; readonly end: number }[];
  readonly start: number;
  readonly headerEnd: number;
}

export const labelCount = (shape: BlockShape): number => shape.labels.length + (hasVariants(shape) ? 1 : 0);

/** Safe in the names of files, units and pools. */
export function isWord(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(text);
}

const labelForms: Readonly<Record<LabelShape['form'], (text: string) => boolean>> = {
  identifier: isName,
  word: isWord,
};

/** Whether the labels are as many and as written as the shape says; what is wrong is reported. */
export function checkLabels(
  block: Header,
  shape: BlockShape,
  source: SourceText,
  problems: Problems,
): boolean {
  if (block.labels.length === 1 && !hasVariants(shape) && shape.labels.length === 1) {
    // The usual block, of which there may be thousands.
    const given = block.labels[0];
    const label = shape.labels[0];
    if (given !== undefined && label !== undefined && labelForms[label.form](given.text)) return true;
  }
  const kinds = hasVariants(shape) ? Object.keys(shape.variants) : [];
  const expected = [
    ...(hasVariants(shape) ? [shape.kindLabel] : []),
    ...shape.labels.map((label) => label.name),
  ];
  const missing = expected[block.labels.length];
  if (missing !== undefined) {
    const kindHint = block.labels.length === 0 && kinds.length > 0;
    problems.error(placeOf(source, headerSpan(block)), {
      code: 'missing-label',
      summary: `Missing ${missing} for ${block.type}`,
      detail: `All ${block.type} blocks must have ${expected.length} ${expected.length === 1 ? 'label' : 'labels'} (${expected.join(', ')}).`,
      hint: kindHint ? `Write ${kinds.map((kind) => `${block.type} "${kind}"`).join(' or ')}.` : undefined,
    });
    return false;
  }
  const extra = block.labels[expected.length];
  if (extra !== undefined) {
    problems.error(placeOf(source, extra), {
      code: 'extraneous-label',
      summary: `Extraneous label for ${block.type}`,
      detail:
        expected.length === 0
          ? `No labels are expected for ${block.type} blocks.`
          : `Only ${expected.length} ${expected.length === 1 ? 'label is' : 'labels are'} expected for ${block.type} blocks (${expected.join(', ')}).`,
    });
    return false;
  }
  let sound = true;
  if (hasVariants(shape)) {
    const kind = block.labels[0];
    if (kind !== undefined && !Object.hasOwn(shape.variants, kind.text)) {
      const meant = didYouMean(kind.text, kinds);
      problems.error(placeOf(source, kind), {
        code: 'unknown-kind',
        summary: `Unknown ${shape.kindLabel} of ${block.type}`,
        detail: `"${kind.text}" is no ${shape.kindLabel} of ${block.type}; there ${kinds.length === 1 ? 'is' : 'are'} ${listed(kinds)}.${meant === undefined ? '' : ` ${meant}`}`,
        hint: own(shape.otherKinds, kind.text),
      });
      sound = false;
    }
  }
  const offset = hasVariants(shape) ? 1 : 0;
  for (const [index, label] of shape.labels.entries()) {
    const given = block.labels[index + offset];
    if (given === undefined || labelForms[label.form](given.text)) continue;
    problems.error(placeOf(source, given), {
      code: 'invalid-name',
      summary: 'Invalid name',
      detail:
        label.form === 'identifier'
          ? `The ${label.name} of ${aOrAn(block.type).toLowerCase()} must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.`
          : `The ${label.name} of ${aOrAn(block.type).toLowerCase()} may contain only letters, digits, dots, underscores, and dashes, and at most 64 of them.`,
    });
    sound = false;
  }
  return sound;
}

export function listed(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}

/** The references in what a module declares, with the names that may be used where they stand. */

import { forEachReference } from '../hcl/eval/references.ts';
import type { Block, Body, Traversal } from '../hcl/syntax/ast.ts';
import { planOf } from './contents-plan.ts';
import type { Item } from './items.ts';
import { own } from './own.ts';
import { type BlockShape, type Contents, hasVariants } from './schema/shape.ts';

/** Which names an expression may use beside those that are declared. */
export interface Context {
  readonly each: boolean;
  readonly count: boolean;
  /** Process, health and hook blocks: `slot`, and more of `host` and `release`. */
  readonly instance: boolean;
  /** Iterators of dynamic blocks. */
  readonly bound: readonly string[];
}

export const outside: Context = { each: false, count: false, instance: false, bound: [] };

/** What the expressions of a top-level block may use beside what is declared. */
function contextOf(body: Body): Context {
  let context = outside;
  for (const { name } of body.attributes) {
    if (name === 'for_each') context = { ...context, each: true };
    else if (name === 'count') context = { ...context, count: true };
  }
  return context;
}

type Visit = (reference: Traversal, context: Context) => void;

/**
 * Every reference of an item in an expression that will be evaluated, in the order of the file. Of a module's block
 * these are its meta-arguments, or the one `argument`: the others are evaluated when the module asks for them.
 */
export function forEachReferenceOf(
  item: Item,
  shapes: Readonly<Record<string, BlockShape>>,
  argument: string | undefined,
  visit: Visit,
): void {
  if (item.kind === 'local') {
    forEachReference(item.attribute.value, visit, outside);
    return;
  }
  const { block } = item;
  const shape = shapes[item.type];
  if (shape === undefined) return;
  const context = contextOf(block.body);
  if (item.type !== 'module') {
    walkBody(block.body, contentsOf(shape, block.labels[0]?.text), context, visit);
    return;
  }
  for (const { name, value } of block.body.attributes) {
    const meta = name === 'for_each' || name === 'count' || name === 'depends_on';
    if (argument === undefined ? meta : name === argument)
      forEachReference(value, visit, meta ? outside : context);
  }
}

/** The contents that a block of this shape and first label has; undefined when there is no such kind. */
export function contentsOf(shape: BlockShape, kind: string | undefined): Contents | undefined {
  if (!hasVariants(shape)) return shape;
  return kind === undefined ? undefined : own(shape.variants, kind);
}

function walkBody(body: Body, contents: Contents | undefined, context: Context, visit: Visit): void {
  const known = contents === undefined ? undefined : planOf(contents).arguments;
  for (const attribute of body.attributes) {
    const argument = known?.get(attribute.name);
    const evaluation = argument?.type.evaluation;
    if (evaluation === 'literal' || evaluation === 'static') continue;
    const meta = attribute.name === 'for_each' || attribute.name === 'count';
    const its = meta && argument === undefined ? { ...context, each: false, count: false } : context;
    forEachReference(attribute.value, visit, its);
  }
  for (const block of body.blocks) {
    if (block.type === 'dynamic') walkDynamic(block, contents, context, visit);
    else walkNested(block.body, block.type, block.labels[0]?.text, contents, context, visit);
  }
}

function walkNested(
  body: Body,
  type: string,
  kind: string | undefined,
  contents: Contents | undefined,
  context: Context,
  visit: Visit,
): void {
  const ofInstance = own(contents?.perInstance, type);
  const nested = own(contents?.blocks, type) ?? ofInstance;
  const inner = ofInstance === undefined ? context : { ...context, instance: true };
  walkBody(body, nested === undefined ? undefined : contentsOf(nested.shape, kind), inner, visit);
}

/** The kind of a dynamic block may be computed; what every kind has in common is all that is known of it here. */
function walkDynamic(block: Block, contents: Contents | undefined, context: Context, visit: Visit): void {
  const type = block.labels[0]?.text ?? '';
  const iterator = iteratorOf(block);
  const inner = { ...context, bound: [...context.bound, iterator] };
  for (const attribute of block.body.attributes) {
    if (attribute.name === 'for_each') forEachReference(attribute.value, visit, context);
    else if (attribute.name === 'labels') forEachReference(attribute.value, visit, inner);
  }
  for (const content of block.body.blocks) {
    if (content.type === 'content') walkNested(content.body, type, undefined, contents, inner, visit);
  }
}

/** The name that a dynamic block's content knows the element by. */
export function iteratorOf(block: Block): string {
  const written = block.body.attributes.find((attribute) => attribute.name === 'iterator')?.value;
  if (written?.kind === 'traversal' && written.steps.length === 0) return written.root;
  return block.labels[0]?.text ?? '';
}

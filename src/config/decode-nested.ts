/** The blocks inside of a block: which may be there, how often, and what is in them. */

import { nearestName } from '../hcl/eval/suggestion.ts';
import { uncapitalized } from './argument-problems.ts';
import type { ContentsPlan, NestedKinds, NestedResult } from './contents-plan.ts';
import type { ExpandedBlock } from './decoded.ts';
import { expandBlocks } from './dynamic.ts';
import type { Reporter } from './evaluation.ts';
import { aOrAn, reportUnknownBlock } from './items.ts';
import { own } from './own.ts';
import { placeOf } from './problems.ts';
import { type BlockShape, type Contents, hasVariants, type NestedBlock } from './schema/shape.ts';

/** Decodes one nested block; undefined when it cannot be used. */
export type DecodeInner = (
  inner: ExpandedBlock,
  shape: BlockShape,
  report: Reporter,
) => { readonly complete: boolean } | undefined;

/** `misnamed`: types of blocks that are there under another name, which was reported. */
export function decodeNested(
  block: ExpandedBlock,
  contents: Contents,
  { kinds, needsBlocks, none }: ContentsPlan,
  misnamed: ReadonlySet<string>,
  decodeInner: DecodeInner,
  report: Reporter,
): NestedResult {
  if (block.body.blocks.length === 0 && !needsBlocks) return none;
  const nested: Record<string, unknown[]> = {};
  const perInstance: Record<string, ExpandedBlock[]> = {};
  for (const type of Object.keys(contents.blocks ?? {})) nested[type] = [];
  for (const type of Object.keys(contents.perInstance ?? {})) perInstance[type] = [];
  const { blocks, sound } = expandBlocks(block, kinds, report);
  let complete = sound;
  const firsts = new Map<string, ExpandedBlock>();
  const counts = new Map<string, number>();
  for (const inner of blocks) {
    const spec = own(kinds, inner.type);
    if (spec === undefined) {
      complete = false;
      unexpectedBlock(inner, contents, kinds, report);
      const meant = nearestName(inner.type, Object.keys(kinds));
      if (meant !== undefined) counts.set(meant, (counts.get(meant) ?? 0) + 1);
      continue;
    }
    if (!inner.checkLabels(spec.shape, report.problems)) {
      complete = false;
      counts.set(inner.type, (counts.get(inner.type) ?? 0) + 1);
      continue;
    }
    const count = (counts.get(inner.type) ?? 0) + 1;
    counts.set(inner.type, count);
    const key = spec.unique
      ? JSON.stringify([inner.type, ...inner.labels.map((label) => label.text)])
      : inner.type;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, inner);
    else if (spec.unique || (spec.max !== undefined && count > spec.max)) {
      complete = false;
      duplicateBlock(inner, first, spec, report);
      continue;
    }
    if (perInstance[inner.type] !== undefined) {
      perInstance[inner.type]?.push(inner);
      continue;
    }
    const decoded = decodeInner(inner, spec.shape, report);
    if (decoded === undefined) complete = false;
    else {
      if (!decoded.complete) complete = false;
      nested[inner.type]?.push(decoded);
    }
  }
  if (sound) {
    for (const [type, spec] of Object.entries(kinds)) {
      if (spec.min === 0 || (counts.get(type) ?? 0) >= spec.min || misnamed.has(type)) continue;
      complete = false;
      report.error(placeOf(block.scope.source, block.header), {
        code: 'missing-block',
        summary: 'Missing required block',
        detail: `${aOrAn(block.type)} block needs ${spec.max === 1 ? quotedWithArticle(type) : `at least one "${type}"`} block, but no definition was found.`,
        hint: `${type}: ${uncapitalized(spec.shape.description)}${
          hasVariants(spec.shape) ? ` Write ${kindsOf(type, spec.shape.variants)}.` : ''
        }`,
      });
    }
  }
  return { blocks: nested, perInstance, complete };
}

const quotedWithArticle = (type: string): string => aOrAn(type).toLowerCase().replace(type, `"${type}"`);

const kindsOf = (type: string, variants: Readonly<Record<string, { readonly later?: boolean }>>): string =>
  Object.entries(variants)
    .filter(([, variant]) => !variant.later)
    .map(([kind]) => `${type} "${kind}"`)
    .join(' or ');

function unexpectedBlock(
  inner: ExpandedBlock,
  contents: Contents,
  kinds: NestedKinds,
  report: Reporter,
): void {
  const { source } = inner.scope;
  if (Object.hasOwn(contents.arguments, inner.type)) {
    report.error(placeOf(source, inner.header), {
      code: 'unsupported-block-type',
      summary: 'Unsupported block type',
      detail: `Blocks of type "${inner.type}" are not expected here. Did you mean to define argument "${inner.type}"? If so, use the equals sign to assign it a value.`,
    });
    return;
  }
  reportUnknownBlock(inner, source, Object.keys(kinds), 'here', report.problems);
}

function duplicateBlock(
  inner: ExpandedBlock,
  first: ExpandedBlock,
  spec: NestedBlock,
  report: Reporter,
): void {
  const at = first.scope.source.rangeOf(first.header);
  const position = `${at.file}:${at.start.line},${at.start.column}`;
  report.error(placeOf(inner.scope.source, inner.header), {
    code: 'duplicate-block',
    summary: `Duplicate ${inner.type} block`,
    detail: spec.unique
      ? `${aOrAn(inner.type)} named "${inner.labels.at(-1)?.text}" was already declared at ${position}.`
      : `Only one ${inner.type} block is allowed. Another was defined at ${position}.`,
  });
}

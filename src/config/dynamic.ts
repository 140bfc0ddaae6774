/** The blocks of a body, with each `dynamic` block replaced by the blocks that it makes. */

import { fromCount } from '../hcl/eval/numbers.ts';
import { bindings, type Scope } from '../hcl/eval/scope.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import {
  MappingValue,
  marksWithin,
  number,
  objectOf,
  SequenceValue,
  string,
  type Value,
} from '../hcl/eval/values.ts';
import type { Attribute, Block, Expression } from '../hcl/syntax/ast.ts';
import { iteratorOf } from './block-references.ts';
import { type BlockLabel, ExpandedBlock } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { headerSpan, labelCount } from './items.ts';
import { placeOf } from './problems.ts';
import type { NestedBlock } from './schema/shape.ts';
import { textOf } from './schema/types/reading.ts';

interface Expansion {
  readonly blocks: readonly ExpandedBlock[];
  /** Every dynamic block could be expanded. */
  readonly sound: boolean;
}

export function expandBlocks(
  parent: ExpandedBlock,
  kinds: Readonly<Record<string, NestedBlock>>,
  report: Reporter,
): Expansion {
  const { scope } = parent;
  const written = parent.body.blocks;
  if (!written.some((block) => block.type === 'dynamic')) {
    return { blocks: written.map((block) => new ExpandedBlock(block, scope)), sound: true };
  }
  const blocks: ExpandedBlock[] = [];
  let sound = true;
  for (const block of written) {
    if (block.type !== 'dynamic') {
      blocks.push(new ExpandedBlock(block, scope));
      continue;
    }
    const made = expandDynamic(block, scope, kinds, report);
    if (made === undefined) sound = false;
    else blocks.push(...made);
  }
  return { blocks, sound };
}

function expandDynamic(
  block: Block,
  scope: Scope,
  kinds: Readonly<Record<string, NestedBlock>>,
  report: Reporter,
): readonly ExpandedBlock[] | undefined {
  const { source } = scope;
  const header = placeOf(source, headerSpan(block));
  const type = block.labels[0];
  if (type === undefined || block.labels.length > 1) {
    report.error(header, {
      code: 'invalid-dynamic-block',
      summary: 'Invalid dynamic block',
      detail: 'A dynamic block has one label: the type of the blocks that it makes.',
    });
    return undefined;
  }
  if (!Object.hasOwn(kinds, type.text)) {
    const meant = didYouMean(type.text, Object.keys(kinds));
    report.error(placeOf(source, type), {
      code: 'unsupported-block-type',
      summary: 'Unsupported block type',
      detail: `Blocks of type "${type.text}" are not expected here.${meant === undefined ? '' : ` ${meant}`}`,
    });
    return undefined;
  }
  const written = new Map<string, Attribute>();
  for (const attribute of block.body.attributes) {
    if (['for_each', 'iterator', 'labels'].includes(attribute.name)) written.set(attribute.name, attribute);
    else {
      const meant = didYouMean(attribute.name, ['for_each', 'iterator', 'labels']);
      report.error(placeOf(source, { start: attribute.start, end: attribute.nameEnd }), {
        code: 'unsupported-argument',
        summary: 'Unsupported argument',
        detail: `An argument named "${attribute.name}" is not expected here.${meant === undefined ? '' : ` ${meant}`}`,
        hint: 'A dynamic block has for_each, iterator and labels; what each block gets belongs into its content block.',
      });
    }
  }
  const [content, extra] = block.body.blocks.filter((inner) => inner.type === 'content');
  const forEach = written.get('for_each');
  if (content === undefined || forEach === undefined || extra !== undefined) {
    report.error(header, {
      code: 'invalid-dynamic-block',
      summary: 'Invalid dynamic block',
      detail:
        forEach === undefined
          ? 'A dynamic block needs the argument "for_each".'
          : content === undefined
            ? 'A dynamic block needs a content block: what each of the blocks gets.'
            : 'A dynamic block has only one content block.',
    });
    return undefined;
  }
  const shape = kinds[type.text]?.shape;
  const iterator = iteratorOf(block);
  if (shape !== undefined && labelCount(shape) > 0 && !written.has('labels')) {
    report.error(header, {
      code: 'missing-label',
      summary: 'Missing labels for dynamic blocks',
      detail: `All ${type.text} blocks must have ${labelCount(shape) === 1 ? '1 label' : `${labelCount(shape)} labels`}, and this dynamic block gives them none.`,
      hint: `Write labels = [${iterator}.key] beside for_each, or whatever they are to be called.`,
    });
    return undefined;
  }
  const elements = elementsOf(forEach.value, scope, report);
  if (elements === undefined) return undefined;
  const labels = written.get('labels')?.value;
  const made: ExpandedBlock[] = [];
  for (const [key, value] of elements) {
    const inner = scope.bind(bindings([iterator, objectOf({ key, value })]));
    const names = labels === undefined ? [] : labelsOf(labels, inner, report);
    if (names === undefined) return undefined;
    const { start, headerEnd, body } = content;
    made.push(new ExpandedBlock({ type: type.text, labels: names, start, headerEnd, body }, inner));
  }
  return made;
}

function elementsOf(
  expression: Expression,
  scope: Scope,
  report: Reporter,
): readonly (readonly [Value, Value])[] | undefined {
  const value = report.evaluate(expression, scope);
  if (value === undefined) return undefined;
  const refuse = (detail: string): undefined => {
    report.evaluation(
      { summary: 'Invalid dynamic for_each value', detail, subject: expression, expression, scope },
      'invalid-dynamic-for-each',
    );
    return undefined;
  };
  if (marksWithin(value).size > 0 && value.marks.size > 0) {
    return refuse(
      'Cannot use a sensitive value in for_each: the number of blocks would show something of it.',
    );
  }
  switch (value.kind) {
    case 'unknown':
      report.unknown(placeOf(scope.source, expression), 'for_each');
      return undefined;
    case 'null':
      return refuse('Cannot use a null value in for_each.');
    case 'set':
      return value.elements.map((element) => [element, element]);
  }
  if (value instanceof SequenceValue) {
    return value.elements.map((element, index) => [number(fromCount(index)), element]);
  }
  if (value instanceof MappingValue)
    return [...value.entries].map(([key, element]) => [string(key), element]);
  return refuse('Cannot use a value of this type in for_each. An iterable collection is required.');
}

function labelsOf(expression: Expression, scope: Scope, report: Reporter): readonly BlockLabel[] | undefined {
  const value = report.evaluate(expression, scope);
  if (value === undefined) return undefined;
  const { start, end } = expression;
  const texts = value instanceof SequenceValue ? value.elements.map(textOf) : [undefined];
  if (texts.every((text) => text !== undefined) && marksWithin(value).size === 0) {
    return texts.map((text) => ({ text, start, end }));
  }
  if (value.kind === 'unknown') report.unknown(placeOf(scope.source, expression), 'labels');
  else {
    report.evaluation(
      {
        summary: 'Invalid dynamic block labels',
        detail: 'The labels must be a list of strings that are not sensitive.',
        subject: expression,
        expression,
        scope,
      },
      'invalid-dynamic-labels',
    );
  }
  return undefined;
}

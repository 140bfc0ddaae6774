/** `count` and `for_each`: how many of a block there are, and what each of them is called. */

import { ConversionFailure, convert } from '../hcl/eval/conversion.ts';
import { toInteger } from '../hcl/eval/numbers.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { friendlyName, NUMBER } from '../hcl/eval/types.ts';
import { MappingValue, marksWithin, number, objectOf, string, type Value } from '../hcl/eval/values.ts';
import type { Block, Expression } from '../hcl/syntax/ast.ts';
import type { Reporter } from './evaluation.ts';
import { placeOf } from './problems.ts';

/** One of the blocks that a block stands for. `key` is undefined without repetition. */
export interface Repetition {
  readonly key: string | number | undefined;
  /** What `each` is, with `for_each`. */
  readonly each?: Value;
  /** What `count` is, with `count`. */
  readonly count?: Value;
}

const once: readonly Repetition[] = [{ key: undefined }];

/** More blocks than this are a mistake, not a fleet. */
const mostRepetitions = 100_000;

export type RepetitionKind = 'single' | 'count' | 'for_each';

export const repetitionKind = (block: Block): RepetitionKind => {
  for (const attribute of block.body.attributes) {
    if (attribute.name === 'count' || attribute.name === 'for_each') return attribute.name;
  }
  return 'single';
};

/** `["a"]`, `[0]`, or nothing. */
export const keyText = (key: string | number | undefined): string =>
  key === undefined ? '' : `[${JSON.stringify(key)}]`;

/** All repetitions of a block; undefined when they cannot be told, which is reported. */
export function repetitionsOf(
  block: Block,
  scope: Scope,
  report: Reporter,
): readonly Repetition[] | undefined {
  let count: Expression | undefined;
  let forEach: Expression | undefined;
  for (const attribute of block.body.attributes) {
    if (attribute.name === 'count') count = attribute.value;
    else if (attribute.name === 'for_each') forEach = attribute.value;
  }
  if (count === undefined && forEach === undefined) return once;
  if (count !== undefined && forEach !== undefined) {
    report.error(placeOf(scope.source, forEach), {
      code: 'count-and-for-each',
      summary: 'Invalid combination of "count" and "for_each"',
      detail:
        'The "count" and "for_each" arguments are mutually exclusive: only one of them can say how many there are.',
    });
    return undefined;
  }
  if (count !== undefined) return counted(count, scope, report);
  return forEach === undefined ? once : each(forEach, scope, report);
}

function counted(expression: Expression, scope: Scope, report: Reporter): readonly Repetition[] | undefined {
  const refuse = (detail: string, hint?: string): undefined => {
    report.evaluation(
      { summary: 'Invalid count argument', detail, hint, subject: expression, expression, scope },
      'invalid-count',
    );
    return undefined;
  };
  const given = report.evaluate(expression, scope);
  if (given === undefined) return undefined;
  if (marksWithin(given).size > 0) {
    return refuse(
      'Sensitive values, or values derived from sensitive values, cannot be used as count arguments. If used, the sensitive value could be disclosed as a key.',
    );
  }
  if (given.kind === 'null')
    return refuse('The given "count" argument value is null. An integer is required.');
  const unsuitable = 'The given "count" argument value is unsuitable:';
  let value: Value;
  try {
    value = convert(given, NUMBER);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    return refuse(
      `${unsuitable} ${failure.message}.`,
      given instanceof MappingValue ? 'For a map or a set, use for_each.' : undefined,
    );
  }
  if (value.kind === 'unknown') {
    report.unknown(placeOf(scope.source, expression), 'count');
    return undefined;
  }
  if (value.kind !== 'number') return refuse(`${unsuitable} a number is required.`);
  const size = toInteger(value.number);
  if (size === undefined) return refuse(`${unsuitable} a whole number is required.`);
  if (size < 0) return refuse(`${unsuitable} must be greater than or equal to zero.`);
  if (size > mostRepetitions)
    return refuse(`${unsuitable} ${size} is more than ${mostRepetitions}, the most there can be.`);
  return Array.from({ length: size }, (_, index) => ({
    key: index,
    count: objectOf({ index: number(index) }),
  }));
}

function each(expression: Expression, scope: Scope, report: Reporter): readonly Repetition[] | undefined {
  const refuse = (detail: string, hint?: string, summary = 'Invalid for_each argument'): undefined => {
    report.evaluation({ summary, detail, hint, subject: expression, expression, scope }, 'invalid-for-each');
    return undefined;
  };
  const value = report.evaluate(expression, scope);
  if (value === undefined) return undefined;
  const keysMarked = value.marks.size > 0 || (value.kind === 'set' && marksWithin(value).size > 0);
  if (keysMarked) {
    return refuse(
      'Sensitive values, or values derived from sensitive values, cannot be used as for_each arguments. If used, the sensitive value could be disclosed as a key.',
    );
  }
  const unsuitable = 'The given "for_each" argument value is unsuitable:';
  if (value.kind === 'null') {
    return refuse(
      `${unsuitable} the given "for_each" argument value is null. A map, or set of strings is allowed.`,
    );
  }
  if (value.kind === 'unknown') {
    report.unknown(placeOf(scope.source, expression), 'for_each');
    return undefined;
  }
  if (value instanceof MappingValue) {
    if (value.entries.size > mostRepetitions)
      return refuse(`${unsuitable} it has more than ${mostRepetitions} elements.`);
    return [...value.entries].map(([key, element]) => ({
      key,
      each: objectOf({ key: string(key), value: element }),
    }));
  }
  if (value.kind !== 'set') {
    const type = friendlyName(value.type);
    return refuse(
      `${unsuitable} the "for_each" argument must be a map, or set of strings, and you have provided a value of type ${type}.`,
      value.kind === 'tuple' || value.kind === 'list'
        ? 'Use toset(...) if the items are strings, or a for expression that gives each item a key: { for h in list : h.name => h }.'
        : undefined,
    );
  }
  const repetitions: Repetition[] = [];
  for (const element of value.elements) {
    if (element.kind === 'unknown') {
      report.unknown(placeOf(scope.source, expression), 'for_each');
      return undefined;
    }
    if (element.kind === 'null') {
      return refuse(
        `${unsuitable} "for_each" sets must not contain null values.`,
        undefined,
        'Invalid for_each set argument',
      );
    }
    if (element.kind !== 'string') {
      return refuse(
        `${unsuitable} "for_each" supports maps and sets of strings, but you have provided a set containing type ${friendlyName(element.type)}.`,
        undefined,
        'Invalid for_each set argument',
      );
    }
    repetitions.push({ key: element.text, each: objectOf({ key: element, value: element }) });
  }
  return repetitions;
}

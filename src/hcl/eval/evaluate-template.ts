import type { Expression, Template, TemplateFor } from '../syntax/ast.ts';
import { ConversionFailure, convert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import { forEachItem, iterable } from './evaluate-for.ts';
import type { Evaluator } from './evaluator.ts';
import { checkLength } from './limits.ts';
import type { Marks } from './marks.ts';
import { joinMarks, NO_MARKS } from './marks.ts';
import type { Problem } from './problem.ts';
import { safePrefix } from './refinements.ts';
import type { Scope } from './scope.ts';
import { STRING } from './types.ts';
import type { Value } from './values.ts';
import { string, unknown, unmark, withMarks } from './values.ts';

/** How much of the beginning of an unknown string is remembered. */
const LONGEST_PREFIX = 128;

/** `"a ${b} c"`: a string, and unknown as soon as one part is. Its beginning may be known all the same. */
export function evaluateTemplate(evaluator: Evaluator, node: Template, scope: Scope): Value {
  const before = evaluator.problems.length;
  let text = '';
  let marks: Marks = NO_MARKS;
  let isKnown = true;
  for (const part of node.parts) {
    const value = evaluator.value(part, scope);
    if (value.kind === 'null') {
      const detail = 'The expression result is null. Cannot include a null value in a string template.';
      evaluator.report(unfit(detail, part, node, scope));
      continue;
    }
    marks = joinMarks(marks, value.marks);
    if (value.kind === 'unknown') {
      isKnown = false;
      continue;
    }
    if (value.kind === 'string') {
      if (isKnown) text = joined(text, value.text);
      continue;
    }
    try {
      const converted = convert(unmark(value), STRING);
      if (converted.kind === 'string' && isKnown) text = joined(text, converted.text);
    } catch (failure) {
      if (!(failure instanceof ConversionFailure)) throw failure;
      const detail = `Cannot include the given value in a string template: ${discreetReason(failure, value, scope)}.`;
      evaluator.report(unfit(detail, part, node, scope));
    }
  }
  if (isKnown) return withMarks(string(text), marks);
  const prefix = evaluator.failedSince(before) ? '' : safePrefix(text.slice(0, LONGEST_PREFIX));
  return withMarks(unknown(STRING, { notNull: true, ...(prefix === '' ? {} : { prefix }) }), marks);
}

/** Throws LimitFailure when it would be too long. */
function joined(text: string, more: string): string {
  checkLength(text.length + more.length);
  return text + more;
}

const unfit = (detail: string, part: Expression, context: Template, scope: Scope): Problem => ({
  summary: 'Invalid template interpolation value',
  detail,
  subject: part,
  context,
  expression: part,
  scope,
});

/** `%{ for }`: the texts of all iterations, one after the other. */
export function evaluateTemplateFor(evaluator: Evaluator, node: TemplateFor, scope: Scope): Value {
  const loop = { ...node, node, condition: undefined };
  const collection = iterable(evaluator, loop, scope);
  if (collection === undefined) return unknown(STRING);
  const gathered = { marks: collection.marks, isKnown: true };
  const texts: Value[] = [];
  forEachItem(evaluator, loop, collection.value, gathered, scope, (inner) => {
    texts.push(evaluator.value(node.body, inner));
  });
  if (!gathered.isKnown) return withMarks(unknown(STRING), gathered.marks);
  let text = '';
  let marks = gathered.marks;
  let isKnown = true;
  for (const value of texts) {
    marks = joinMarks(marks, value.marks);
    if (value.kind !== 'string') isKnown = false;
    else if (isKnown) text = joined(text, value.text);
  }
  return withMarks(isKnown ? string(text) : unknown(STRING), marks);
}

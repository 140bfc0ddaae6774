import type { Splat } from '../syntax/ast.ts';
import type { Evaluator } from './evaluator.ts';
import type { Refinement } from './refinements.ts';
import type { Scope } from './scope.ts';
import type { Type } from './types.ts';
import { DYNAMIC, isSequenceType, listType, tupleType } from './types.ts';
import type { Value } from './values.ts';
import { isNotNull, list, SequenceValue, sharedType, tuple, UNKNOWN, unknown, withMarks } from './values.ts';

/**
 * `a[*].b` and `a.*.b`. A value that is no sequence counts as a tuple of itself, and null as an empty one. Lists
 * and sets give lists, tuples tuples.
 */
export function evaluateSplat(evaluator: Evaluator, node: Splat, scope: Scope): Value {
  const before = evaluator.problems.length;
  const given = evaluator.value(node.source, scope);
  if (evaluator.failedSince(before)) return UNKNOWN;
  const isSequence = isSequenceType(given.type);
  if (given.kind === 'null') {
    if (!isSequence) return withMarks(tuple([]), given.marks);
    return evaluator.report({
      summary: 'Splat of null value',
      detail: 'Splat expressions (with the * symbol) cannot be applied to null sequences.',
      subject: node.source,
      context: { start: node.source.start, end: node.markerEnd },
      expression: node.source,
      scope,
    });
  }
  if (given.type.kind === 'dynamic') return withMarks(UNKNOWN, given.marks);
  // What may still turn out to be null would have no items at all.
  const mayVanish = !isSequence && given.kind === 'unknown' && !isNotNull(given);
  const source = isSequence ? given : withMarks(tuple([given]), given.marks);
  const { marks } = source;

  if (source.kind === 'unknown') {
    const type = resultType(evaluator, node, source.type, scope);
    const { minLength, maxLength } = source.refinement;
    const lengths: Refinement =
      type.kind === 'list'
        ? {
            ...(minLength === undefined ? {} : { minLength }),
            ...(maxLength === undefined ? {} : { maxLength }),
          }
        : {};
    return withMarks(unknown(type, { notNull: true, ...lengths }), marks);
  }

  const items: Value[] = [];
  let isKnown = true;
  for (const element of source instanceof SequenceValue ? source.elements : []) {
    const start = evaluator.problems.length;
    items.push(evaluator.value(node.each, scope.withItem(element, marks.size > 0)));
    if (evaluator.failedSince(start)) isKnown = false;
  }
  if (mayVanish) return withMarks(UNKNOWN, marks);
  if (!isKnown) {
    const start = evaluator.problems.length;
    const type = resultType(evaluator, node, source.type, scope);
    evaluator.takeBack(start);
    return withMarks(unknown(type), marks);
  }
  if (source.kind === 'tuple') return withMarks(tuple(items), marks);
  const shared = items.length === 0 ? undefined : sharedType(items);
  const type = shared === undefined ? resultType(evaluator, node, source.type, scope) : listType(shared);
  return withMarks(list(items, type.kind === 'list' ? type.element : DYNAMIC), marks);
}

/** The type of the result, found with items that are not known. */
function resultType(evaluator: Evaluator, node: Splat, source: Type, scope: Scope): Type {
  const each = (type: Type): Type => evaluator.value(node.each, scope.withItem(unknown(type))).type;
  if (source.kind === 'list' || source.kind === 'set') return listType(each(source.element));
  if (source.kind === 'tuple') return tupleType(source.elements.map(each));
  return DYNAMIC;
}

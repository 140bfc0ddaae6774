import type { Binary, Expression, Unary } from '../syntax/ast.ts';
import { ConversionFailure, convert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import { equals } from './equality.ts';
import type { Evaluator } from './evaluator.ts';
import { NumberFailure } from './numbers.ts';
import { calculate, combine, minus, not, OperandFailure, order } from './operations.ts';
import type { Scope } from './scope.ts';
import type { Type } from './types.ts';
import { BOOL, DYNAMIC, NUMBER } from './types.ts';
import type { Value } from './values.ts';
import { unknown } from './values.ts';

interface Operation {
  readonly operands: Type;
  readonly result: Type;
  readonly apply: (left: Value, right: Value) => Value;
}

const arithmetic = (operator: '+' | '-' | '*' | '/' | '%'): Operation => ({
  operands: NUMBER,
  result: NUMBER,
  apply: (left, right) => calculate(operator, left, right),
});
const logic = (operator: '&&' | '||'): Operation => ({
  operands: BOOL,
  result: BOOL,
  apply: (left, right) => combine(operator, left, right),
});
const comparison = (operator: '<' | '<=' | '>' | '>='): Operation => ({
  operands: NUMBER,
  result: BOOL,
  apply: (left, right) => order(operator, left, right),
});

const OPERATIONS: Readonly<Record<Binary['operator'], Operation>> = {
  '+': arithmetic('+'),
  '-': arithmetic('-'),
  '*': arithmetic('*'),
  '/': arithmetic('/'),
  '%': arithmetic('%'),
  '&&': logic('&&'),
  '||': logic('||'),
  '<': comparison('<'),
  '<=': comparison('<='),
  '>': comparison('>'),
  '>=': comparison('>='),
  '==': { operands: DYNAMIC, result: BOOL, apply: equals },
  '!=': { operands: DYNAMIC, result: BOOL, apply: (left, right) => not(equals(left, right)) },
};

export function evaluateBinary(evaluator: Evaluator, node: Binary, scope: Scope): Value {
  const operation = OPERATIONS[node.operator];
  const before = evaluator.problems.length;
  const givenLeft = evaluator.value(node.left, scope);
  const givenRight = evaluator.value(node.right, scope);
  const left = operand(evaluator, node.left, givenLeft, operation.operands, 'left', node, scope);
  const right = operand(evaluator, node.right, givenRight, operation.operands, 'right', node, scope);
  if (evaluator.failedSince(before) || left === undefined || right === undefined)
    return unknown(operation.result);
  return attempt(evaluator, node, operation.result, scope, () => operation.apply(left, right));
}

export function evaluateUnary(evaluator: Evaluator, node: Unary, scope: Scope): Value {
  const type = node.operator === '-' ? NUMBER : BOOL;
  const before = evaluator.problems.length;
  const given = evaluator.value(node.operand, scope);
  const value = operand(evaluator, node.operand, given, type, 'unary', node, scope);
  if (evaluator.failedSince(before) || value === undefined) return unknown(type);
  return attempt(evaluator, node, type, scope, () => (node.operator === '-' ? minus(value) : not(value)));
}

function operand(
  evaluator: Evaluator,
  expression: Expression,
  value: Value,
  wanted: Type,
  side: string,
  node: Expression,
  scope: Scope,
): Value | undefined {
  if (value.type === wanted) return value;
  try {
    return convert(value, wanted);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    evaluator.report({
      summary: 'Invalid operand',
      detail: `Unsuitable value for ${side} operand: ${discreetReason(failure, value, scope)}.`,
      subject: expression,
      context: node,
      expression,
      scope,
    });
    return undefined;
  }
}

function attempt(
  evaluator: Evaluator,
  node: Expression,
  result: Type,
  scope: Scope,
  apply: () => Value,
): Value {
  try {
    return apply();
  } catch (failure) {
    if (!(failure instanceof OperandFailure || failure instanceof NumberFailure)) throw failure;
    const detail = `Error during operation: ${failure.message}.`;
    evaluator.report({ summary: 'Operation failed', detail, subject: node, expression: node, scope });
    return unknown(result);
  }
}

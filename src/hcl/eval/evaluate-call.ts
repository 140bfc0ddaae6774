import type { Call, Expression } from '../syntax/ast.ts';
import { ConversionFailure, convert } from './conversion.ts';
import { discreetReason } from './discretion.ts';
import type { Evaluator } from './evaluator.ts';
import type { Attempt, CallContext, FunctionDefinition } from './functions/definition.ts';
import { callFunction, FunctionFailure, parameterAt, withheld } from './functions/definition.ts';

import { positionText } from './position-text.ts';
import type { Span } from './problem.ts';
import { quote } from './quote.ts';
import { renderTemplate } from './render-template.ts';
import type { Scope } from './scope.ts';
import { nearestName } from './suggestion.ts';
import { SequenceValue, UNKNOWN, type Value, withMarks } from './values.ts';

/** An argument: an expression, or a value that `...` took out of one. */
interface Argument {
  readonly expression: Expression;
  readonly value?: Value;
}

/** `name(args)`. */
export function evaluateCall(evaluator: Evaluator, node: Call, scope: Scope): Value {
  const f = scope.functions.get(node.name);
  if (f === undefined) {
    if (scope.functions.size === 0) {
      const detail = 'Functions may not be called here.';
      return evaluator.report({ summary: 'Function calls not allowed', detail, subject: node, scope });
    }
    return evaluator.report({
      summary: 'Call to unknown function',
      detail: noSuchFunction(node.name, scope),
      subject: { start: node.start, end: node.nameEnd },
      context: node,
      scope,
    });
  }
  const args = expandArguments(evaluator, node, scope);
  if (args === undefined || !checkCount(evaluator, f, node, args, scope)) return UNKNOWN;
  if (f.attempt !== undefined) return attemptArguments(evaluator, f.attempt, node, args, scope);

  const before = evaluator.problems.length;
  try {
    f.checkWriting?.(args.map(({ expression }) => expression));
    const values: Value[] = [];
    for (const [i, argument] of args.entries()) {
      const value = argument.value ?? evaluator.value(argument.expression, scope);
      values.push(convertArgument(evaluator, f, i, value, argument, node, scope));
    }
    if (evaluator.failedSince(before)) return UNKNOWN;
    return callFunction(f, values, callContext(evaluator, scope));
  } catch (failure) {
    if (!(failure instanceof FunctionFailure)) throw failure;
    const shown = scope.isHidden && !failure.isDiscreet ? withheld(failure.argument) : failure;
    return reportFailure(evaluator, shown, f, node, args, scope);
  }
}

function noSuchFunction(name: string, scope: Scope): string {
  const namespace = /^.*::/s.exec(name);
  if (namespace !== null) return `There are no functions in namespace ${quote(namespace[0])}.`;
  const nearest = nearestName(name, scope.functions.keys());
  return `There is no function named "${name}".${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}`;
}

/** The arguments with the last one taken apart when it ends in `...`; undefined when there will be no call. */
function expandArguments(evaluator: Evaluator, node: Call, scope: Scope): Argument[] | undefined {
  const args: Argument[] = node.args.map((expression) => ({ expression }));
  const last = node.args.at(-1);
  if (!node.expand || last === undefined) return args;
  const before = evaluator.problems.length;
  const value = evaluator.value(last, scope);
  if (evaluator.failedSince(before)) return undefined;
  const refuse = (detail: string): undefined => {
    const about = { subject: last, context: node, expression: last, scope };
    evaluator.report({ summary: 'Invalid expanding argument value', detail, ...about });
  };
  const { kind } = value.type;
  if (kind !== 'dynamic' && kind !== 'tuple' && kind !== 'list' && kind !== 'set') {
    return refuse('The expanding argument (indicated by ...) must be of a tuple, list, or set type.');
  }
  if (value.kind === 'null') return refuse('The expanding argument (indicated by ...) must not be null.');
  if (!(value instanceof SequenceValue)) return undefined;
  args.pop();
  for (const element of value.elements) {
    args.push({ expression: last, value: withMarks(element, value.marks) });
  }
  return args;
}

function checkCount(
  evaluator: Evaluator,
  f: FunctionDefinition,
  node: Call,
  args: readonly Argument[],
  scope: Scope,
): boolean {
  const wanted = f.parameters.length;
  const missing = f.parameters[args.length];
  if (missing !== undefined) {
    const least = f.variadic === undefined ? '' : ' at least';
    evaluator.report({
      summary: 'Not enough function arguments',
      detail: `Function "${f.name}" expects${least} ${wanted} argument(s). Missing value for "${missing.name}".`,
      subject: { start: node.end - 1, end: node.end },
      context: node,
      expression: node,
      scope,
    });
    return false;
  }
  const surplus = f.variadic === undefined ? args[wanted] : undefined;
  if (surplus === undefined) return true;
  evaluator.report({
    summary: 'Too many function arguments',
    detail: `Function "${f.name}" expects only ${wanted} argument(s).`,
    subject: headOf(surplus.expression),
    context: node,
    expression: node,
    scope,
  });
  return false;
}

function convertArgument(
  evaluator: Evaluator,
  f: FunctionDefinition,
  index: number,
  value: Value,
  argument: Argument,
  node: Call,
  scope: Scope,
): Value {
  const parameter = parameterAt(f, index);
  if (parameter === undefined) return value;
  try {
    return convert(value, parameter.type);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    return evaluator.report({
      summary: 'Invalid function argument',
      detail: `Invalid value for "${parameter.name}" parameter: ${discreetReason(failure, value, scope)}.`,
      subject: headOf(argument.expression),
      context: node,
      expression: argument.expression,
      scope,
    });
  }
}

function reportFailure(
  evaluator: Evaluator,
  failure: FunctionFailure,
  f: FunctionDefinition,
  node: Call,
  args: readonly Argument[],
  scope: Scope,
): Value {
  const parameter = failure.argument === undefined ? undefined : parameterAt(f, failure.argument);
  const argument = failure.argument === undefined ? undefined : args[failure.argument];
  if (parameter === undefined) {
    return evaluator.report({
      summary: 'Error in function call',
      detail: `Call to function "${f.name}" failed: ${failure.message}.`,
      subject: headOf(node),
      context: node,
      expression: node,
      scope,
    });
  }
  return evaluator.report({
    summary: 'Invalid function argument',
    detail: `Invalid value for "${parameter.name}" parameter: ${failure.message}.`,
    subject: argument === undefined ? node : headOf(argument.expression),
    context: node,
    expression: argument?.expression ?? node,
    scope,
  });
}

/** For `try` and `can`: each argument is evaluated when it is asked for, and its problems go no further. */
function attemptArguments(
  evaluator: Evaluator,
  attempt: (args: readonly Attempt[]) => Value,
  node: Call,
  args: readonly Argument[],
  scope: Scope,
): Value {
  const attempts = args.map(
    (argument): Attempt =>
      () => {
        const start = evaluator.problems.length;
        const value = argument.value ?? evaluator.value(argument.expression, scope);
        const failures = evaluator.takeBack(start).map(({ summary, detail, subject, scope: where }) => {
          return `${summary} (at ${positionText(where.source, subject)})\n  ${detail}`;
        });
        return { value, failures };
      },
  );
  try {
    return attempt(attempts);
  } catch (failure) {
    if (!(failure instanceof FunctionFailure)) throw failure;
    return evaluator.report({
      summary: 'Error in function call',
      detail: `Call to function "${node.name}" failed: ${failure.message}.`,
      subject: headOf(node),
      context: node,
      expression: node,
      scope,
    });
  }
}

function callContext(evaluator: Evaluator, scope: Scope): CallContext {
  return {
    ports: scope.ports,
    budget: evaluator.budget,
    templateDepth: evaluator.templateDepth,
    renderTemplate: (template, variables) => renderTemplate(evaluator, template, variables, scope),
  };
}

/** Where an expression begins in the way that Terraform marks arguments: the first operand, the opening bracket. */
function headOf(node: Expression): Span {
  switch (node.kind) {
    case 'call':
      return { start: node.start, end: node.nameEnd + 1 };
    case 'parentheses':
      return headOf(node.inner);
    case 'binary':
      return headOf(node.left);
    case 'conditional':
      return headOf(node.condition);
    case 'template':
      return node.parts[0] ?? node;
    case 'string':
      return !node.heredoc && node.end - node.start >= 2
        ? { start: node.start + 1, end: node.end - 1 }
        : node;
    case 'unary':
    case 'tuple':
    case 'object':
    case 'for':
      return { start: node.start, end: node.start + 1 };
    case 'index':
      return { start: node.open, end: node.open + 1 };
    case 'splat':
      return { start: node.markerStart, end: node.markerEnd };
    default:
      return node;
  }
}

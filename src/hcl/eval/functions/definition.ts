import type { Expression } from '../../syntax/ast.ts';
import type { Budget } from '../limits.ts';
import type { Marks } from '../marks.ts';
import { joinMarks, NO_MARKS } from '../marks.ts';
import { NumberFailure } from '../numbers.ts';
import type { Ports } from '../ports.ts';
import { NOT_NULL } from '../refinements.ts';
import type { Type } from '../types.ts';
import { DYNAMIC } from '../types.ts';
import type { Value } from '../values.ts';
import { marksWithin, refineNotNull, sizeOf, unknown, unmarkDeep, withMarks } from '../values.ts';

/** What a function of the language says when it cannot work. `argument` is the index of the one to blame. */
export class FunctionFailure extends Error {
  override readonly name = 'FunctionFailure';
  readonly argument: number | undefined;
  /** Whether the message may be shown also when an argument is sensitive. */
  readonly isDiscreet: boolean;
  constructor(message: string, argument?: number, isDiscreet = false) {
    super(message);
    this.argument = argument;
    this.isDiscreet = isDiscreet;
  }
}

/** A failure whose message does not depend on the values of the arguments, or says only that they are sensitive. */
export const discreet = (message: string, argument?: number): FunctionFailure =>
  new FunctionFailure(message, argument, true);

/** What is said instead of a reason that could show something sensitive. */
export const withheld = (argument?: number): FunctionFailure =>
  discreet('the reason is not shown, because an argument is sensitive', argument);

export type Family =
  | 'numeric'
  | 'string'
  | 'collection'
  | 'encoding'
  | 'filesystem'
  | 'date'
  | 'hash'
  | 'network'
  | 'conversion';

export interface Parameter {
  readonly name: string;
  readonly type: Type;
  /** What the function takes care of itself. Otherwise a null is refused, an unknown argument makes the result
   * unknown, and marks are taken off before the call and put on the result. */
  readonly takesNull?: true;
  readonly takesUnknown?: true;
  readonly takesMarked?: true;
  /** An argument whose type is not known yet. */
  readonly takesDynamic?: true;
}

/** What a function may use besides its arguments. */
export interface CallContext {
  readonly ports: Ports;
  readonly budget: Budget;
  /** Evaluates a template with these variables and the same functions. Throws FunctionFailure. */
  readonly renderTemplate: (
    template: { readonly name: string; readonly text: string },
    variables: Value,
  ) => Value;
  /** How many templates are being rendered around this call. */
  readonly templateDepth: number;
}

export interface FunctionDefinition {
  readonly name: string;
  readonly family: Family;
  /** One sentence for the reference. */
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** Takes any number of further arguments. */
  readonly variadic?: Parameter;
  /** The type of the result. It is asked before the call, also when arguments are unknown, and may refuse them. */
  readonly returns: Type | ((args: readonly Value[], cx: CallContext) => Type);
  /** Left out, a result is never null, which is said of unknown results too. */
  readonly mayBeNull?: true;
  readonly call: (args: readonly Value[], cx: CallContext, returns: Type) => Value;
  /** Refuses arguments for how they are written, before they are evaluated. Throws FunctionFailure. */
  readonly checkWriting?: (args: readonly Expression[]) => void;
  /** For a function that decides itself which of its arguments are evaluated. `call` is not used then. */
  readonly attempt?: (args: readonly Attempt[]) => Value;
}

/** An argument that has not been evaluated yet. */
export type Attempt = () => {
  readonly value: Value;
  /** What went wrong, as lines of text. None: the value is good. */
  readonly failures: readonly string[];
};

export const parameterAt = (f: FunctionDefinition, index: number): Parameter | undefined =>
  f.parameters[index] ?? f.variadic;

/**
 * Calls a function with arguments that are converted to its parameters' types already.
 *
 * @throws FunctionFailure, LimitFailure
 */
export function callFunction(f: FunctionDefinition, args: readonly Value[], cx: CallContext): Value {
  let marks: Marks = NO_MARKS;
  let isUnknown = false;
  let isOpen = false;
  let size = 1;
  const plain: Value[] = [];
  for (const [i, arg] of args.entries()) {
    const parameter = parameterAt(f, i);
    if (parameter === undefined) throw new FunctionFailure('too many arguments');
    // Behind an argument whose type is not known yet nothing is checked, as in Terraform.
    if (arg.kind === 'null' && parameter.takesNull !== true && !isOpen) {
      throw discreet('argument must not be null', i);
    }
    if (arg.type.kind === 'dynamic' && parameter.takesDynamic !== true) isOpen = true;
    if (arg.kind === 'unknown' && parameter.takesUnknown !== true) isUnknown = true;
    size += sizeOf(arg);
    if (parameter.takesMarked === true) plain.push(arg);
    else {
      marks = joinMarks(marks, marksWithin(arg));
      plain.push(unmarkDeep(arg));
    }
  }
  cx.budget.spend(size);
  if (isOpen) return withMarks(unknown(DYNAMIC), allMarks(args));
  try {
    const returns = typeof f.returns === 'function' ? f.returns(plain, cx) : f.returns;
    if (isUnknown) return withMarks(unknown(returns, f.mayBeNull === true ? {} : NOT_NULL), allMarks(args));
    const result = f.call(plain, cx, returns);
    return withMarks(f.mayBeNull === true ? result : refineNotNull(result), marks);
  } catch (failure) {
    if (failure instanceof NumberFailure) throw discreet(failure.message);
    if (failure instanceof FunctionFailure && !failure.isDiscreet && allMarks(args).size > 0) {
      throw withheld(failure.argument);
    }
    throw failure;
  }
}

const allMarks = (args: readonly Value[]): Marks =>
  args.reduce<Marks>((all, arg) => joinMarks(all, marksWithin(arg)), NO_MARKS);

/** Evaluates the blocks that give values: variable, local, output, module. */
import { Scope } from '../hcl/eval/scope.ts';
import { isWhollyKnown, marksWithin, sensitive, UNKNOWN, unknown, type Value } from '../hcl/eval/values.ts';
import { SENSITIVE } from '../hcl/eval/marks.ts';
import { withoutOptional } from '../hcl/eval/types.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import { holds, type Rule } from './assertion.ts';
import { decodeBlock } from './decode.ts';
import { asExpanded } from './dynamic.ts';
import type { Reporter } from './evaluation.ts';
import { type BlockItem, nameSpan } from './items.ts';
import { ItemRoots, ModuleInstance } from './modules.ts';
import { placeOf, type Place } from './problems.ts';
import { repetitionKind, repetitionsOf } from './repetition.ts';
import { checkShape, moduleShape, outputShape, variableShape } from './schema/language.ts';
import { anyType, readType } from './type-expression.ts';
import { fitValue, type GivenValue, readGiven } from './variables.ts';
import type { World } from './world.ts';
import type { Item } from './items.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';

/** What evaluating items needs beside the items. */
export interface EvaluationContext {
  readonly report: Reporter;
  readonly world: World;
  readonly given: ReadonlyMap<string, GivenValue>;
  /** `validate`: a variable without a value is unknown, not missing. */
  readonly allowsMissingValues: boolean;
  /** A scope for the expressions of one item. */
  scope(source: SourceText, roots?: ItemRoots): Scope;
  keepSource(source: SourceText): void;
}

const position = (place: Place): string => {
  const { file, start } = place.source.rangeOf(place.span);
  return `${file}:${start.line},${start.column}`;
};

// ── variables ──────────────────────────────────────────────────────────────────────────────────────

export function evaluateVariable(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const roots = new ItemRoots(instance);
  const scope = cx.scope(item.source, roots);
  const decoded = decodeBlock(asExpanded(item.block, scope), variableShape, report);
  if (decoded === undefined) return;
  const { args } = decoded;
  const declaredAt = placeOf(item.source, nameSpan(item));
  const literal = new Scope({ source: item.source, functions: new Map() });
  const read = args.type === undefined ? anyType : readType(args.type, literal, report);
  const constraint = { ...(read ?? anyType), isDeclared: args.type !== undefined };
  const mark = (value: Value): Value => (args.sensitive ? sensitive(value) : value);
  const keep = (value: Value): void => {
    instance.values.set(item.key, mark(value));
  };
  if (!decoded.sound || read === undefined) return keep(UNKNOWN);

  let fallback: Value | undefined;
  if (args.default !== undefined) {
    const fitted = fitValue(args.default, constraint);
    if ('misfit' in fitted) {
      report.error(decoded.at('default'), {
        code: 'invalid-default',
        summary: 'Invalid default value for variable',
        detail: `This default value is not compatible with the variable's type constraint: ${fitted.misfit}.`,
      });
      return keep(UNKNOWN);
    }
    fallback = fitted;
  }

  const given = givenValue(item, instance, constraint, cx);
  if (given === 'failed') return keep(UNKNOWN);
  let value: Value;
  if (given === undefined) {
    if (fallback === undefined) {
      if (!cx.allowsMissingValues) reportMissing(item, instance, report);
      return keep(unknown(withoutOptional(constraint.type)));
    }
    value = fallback;
  } else {
    const fitted = fitValue(given.value, constraint);
    if ('misfit' in fitted) {
      const isFlag = given.place.source.file.startsWith('<');
      report.error(given.place, {
        code: 'invalid-variable-value',
        summary: 'Invalid value for input variable',
        detail: `The given value is not suitable for var.${item.name} declared at ${position(declaredAt)}: ${fitted.misfit}.`,
        hint:
          isFlag && constraint.type.kind !== 'string'
            ? 'Values of collections are written as in the language: --var \'names=["a", "b"]\'.'
            : undefined,
      });
      return keep(UNKNOWN);
    }
    value = fitted;
  }
  if (value.kind === 'null' && !args.nullable) {
    if (fallback !== undefined && fallback.kind !== 'null') value = fallback;
    else {
      report.error(given?.place ?? declaredAt, {
        code: 'variable-null',
        summary: 'Required variable not set',
        detail: `The given value is not suitable for var.${item.name} declared at ${position(declaredAt)}: required variable may not be set to null.`,
      });
      return keep(UNKNOWN);
    }
  }
  keep(value);
  for (const rule of decoded.blocks.validation) {
    const sound = holds(
      { condition: rule.args.condition, message: rule.args.error_message, scope },
      {
        code: 'variable-validation',
        summary: 'Invalid value for variable',
        severity: 'error',
        detail: (message) => `${message}\n\nThis was checked by the validation rule at ${position(rule.at('condition'))}.`,
      },
      report,
    );
    if (!sound) instance.values.set(item.key, mark(unknown(value.type)));
  }
}

function givenValue(
  item: BlockItem,
  instance: ModuleInstance,
  constraint: { readonly isDeclared: boolean } & ReturnType<typeof readType> & object,
  cx: EvaluationContext,
): { readonly value: Value; readonly place: Place } | 'failed' | undefined {
  const { caller } = instance;
  if (caller === undefined) {
    const given = cx.given.get(item.name);
    if (given === undefined) return undefined;
    return readGiven(given, constraint, cx.scope(item.source), cx.report, cx.keepSource) ?? 'failed';
  }
  const argument = caller.call.block.body.attributes.find((attribute) => attribute.name === item.name);
  if (argument === undefined) return undefined;
  const { source } = caller.call;
  const value = cx.report.evaluate(argument.value, cx.scope(source, new ItemRoots(caller.instance, caller.repetition)));
  return value === undefined ? 'failed' : { value, place: placeOf(source, argument.value) };
}

function reportMissing(item: BlockItem, instance: ModuleInstance, report: Reporter): void {
  const { caller } = instance;
  if (caller === undefined) {
    report.error(placeOf(item.source, nameSpan(item)), {
      code: 'missing-variable-value',
      summary: 'No value for required variable',
      detail: `The input variable "${item.name}" is not set, and has no default value.`,
      hint: `Give it with --var ${item.name}=..., with --var-file, or as DEPLOYCTL_VAR_${item.name}.`,
    });
    return;
  }
  report.error(placeOf(caller.call.source, nameSpan(caller.call)), {
    code: 'missing-argument',
    summary: 'Missing required argument',
    detail: `The argument "${item.name}" is required, but no definition was found.`,
    hint: `It is a variable of the module, declared at ${position(placeOf(item.source, nameSpan(item)))} without a default.`,
  });
}

// ── locals and outputs ─────────────────────────────────────────────────────────────────────────────

export function evaluateLocal(item: Item & { kind: 'local' }, instance: ModuleInstance, cx: EvaluationContext): void {
  const scope = cx.scope(item.source, new ItemRoots(instance));
  instance.values.set(item.key, cx.report.evaluate(item.attribute.value, scope) ?? UNKNOWN);
}

export function evaluateOutput(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const scope = cx.scope(item.source, new ItemRoots(instance));
  const decoded = decodeBlock(asExpanded(item.block, scope), outputShape, report);
  if (decoded === undefined) return;
  if (!checkPreconditions(decoded.blocks.precondition, scope, 'Module output value precondition failed', report)) return;
  const value = report.evaluate(decoded.args.value, scope);
  if (value === undefined) return;
  instance.values.set(item.key, decoded.args.sensitive ? sensitive(value) : value);
  if (instance.caller !== undefined) return;
  const secret = [...marksWithin(value)].find((mark) => mark !== SENSITIVE);
  if (secret !== undefined) {
    report.error(decoded.at('value'), {
      code: 'secret-not-allowed',
      summary: 'Secret in a place that is shown',
      detail: `The output "${item.name}" depends on ${secret}, and outputs are kept in the state.`,
    });
    return;
  }
  if (marksWithin(value).size > 0 && !decoded.args.sensitive) {
    report.error(decoded.at('value'), {
      code: 'sensitive-output',
      summary: 'Output refers to sensitive values',
      detail: `To reduce the risk of accidentally exporting sensitive data that was intended to be only internal, an output that contains sensitive data must be marked as such.`,
      hint: 'If it is to be an output, add: sensitive = true. Its value is then kept in the state and never shown.',
    });
    return;
  }
  if (!isWhollyKnown(value)) {
    report.unknown(decoded.at('value'), 'value');
    return;
  }
  const { description } = decoded.args;
  cx.world.outputs.push({ name: item.name, value, sensitive: decoded.args.sensitive, description });
}

export interface DecodedRule {
  readonly args: { readonly condition: Rule['condition']; readonly error_message: Rule['message'] };
}

/** Whether all hold; each that does not is an error. */
export function checkPreconditions(
  rules: readonly DecodedRule[],
  scope: Scope,
  summary: string,
  report: Reporter,
): boolean {
  let all = true;
  for (const { args } of rules) {
    const rule = { condition: args.condition, message: args.error_message, scope };
    const failed = { code: 'precondition-failed', summary, severity: 'error', detail: (message: string) => message } as const;
    if (!holds(rule, failed, report)) all = false;
  }
  return all;
}

/** `check` blocks warn, and change nothing. */
export function evaluateCheck(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const scope = cx.scope(item.source, new ItemRoots(instance));
  const decoded = decodeBlock(asExpanded(item.block, scope), checkShape, cx.report);
  for (const { args } of decoded?.blocks.assert ?? []) {
    holds(
      { condition: args.condition, message: args.error_message, scope },
      { code: 'check-failed', summary: 'Check block assertion failed', severity: 'warning', detail: (message) => message },
      cx.report,
    );
  }
}

// ── modules ────────────────────────────────────────────────────────────────────────────────────────

/** Makes the instances of a module call. Their items are evaluated when something needs them. */
export function evaluateModuleCall(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const module = instance.module.children.get(item.name);
  const scope = cx.scope(item.source, new ItemRoots(instance));
  if (module === undefined) {
    // Its folder could not be read, which was reported; whether its arguments are right cannot be told.
    cx.world.incomplete = true;
    return;
  }
  decodeBlock(asExpanded(item.block, scope), moduleShape, report);
  const variables = [...module.items.values()].flatMap((inner) => (inner.type === 'variable' ? [inner.name] : []));
  for (const attribute of item.block.body.attributes) {
    if (['source', 'count', 'for_each'].includes(attribute.name) || variables.includes(attribute.name)) continue;
    const meant = didYouMean(attribute.name, variables);
    report.error(placeOf(item.source, { start: attribute.start, end: attribute.nameEnd }), {
      code: 'unsupported-argument',
      summary: 'Unsupported argument',
      detail: `An argument named "${attribute.name}" is not expected here.${meant === undefined ? '' : ` ${meant}`}`,
      hint:
        meant === undefined
          ? variables.length === 0
            ? 'The module declares no variables.'
            : `Variables of the module: ${variables.join(', ')}.`
          : undefined,
    });
  }
  const repetitions = repetitionsOf(item.block, scope, report);
  if (repetitions === undefined) {
    cx.world.incomplete = true;
    return;
  }
  const folders = { root: instance.rootFolder, working: instance.workingFolder };
  const instances = repetitions.map(
    (repetition) => new ModuleInstance(module, folders, { instance, call: item, repetition }),
  );
  instance.calls.set(item.name, { kind: repetitionKind(item.block), instances });
}


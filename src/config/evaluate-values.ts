/** Evaluates the blocks that give values: variable, local, output, module. */

import { SENSITIVE } from '../hcl/eval/marks.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import { ANY, parseTypeConstraint, type TypeConstraint } from '../hcl/eval/type-constraint.ts';
import { isPrimitive, withoutOptional } from '../hcl/eval/types.ts';
import { isWhollyKnown, marksWithin, sensitive, UNKNOWN, unknown, type Value } from '../hcl/eval/values.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Diagnostic } from '../model/index.ts';
import { holds, type Rule } from './assertion.ts';
import { decodeBlock } from './decode.ts';
import { type Decoded, ExpandedBlock } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import type { Item } from './items.ts';
import { type BlockItem, nameSpan } from './items.ts';
import { ItemRoots, ModuleInstance } from './modules.ts';
import { plainJson } from './plain-json.ts';
import { type Place, placeOf } from './problems.ts';
import { repetitionKind, repetitionsOf } from './repetition.ts';
import { checkShape, moduleShape, outputShape, variableShape } from './schema/language.ts';
import { checkVariable, keepsRules, position } from './variable-rules.ts';
import { fitValue, type GivenValue, readGiven } from './variables.ts';
import type { VariableEntry, World } from './world.ts';

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

// ── variables ──────────────────────────────────────────────────────────────────────────────────────

export function evaluateVariable(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const scope = cx.scope(item.source, instance.roots);
  const decoded = decodeBlock(new ExpandedBlock(item.block, scope), variableShape, report);
  if (decoded === undefined) return;
  checkVariable(item, decoded, report);
  const keep = (value: Value): void => {
    instance.values.set(item, decoded.args.sensitive ? sensitive(value) : value);
  };
  const value = valueOfVariable(item, decoded, instance, cx);
  if (instance.caller === undefined) cx.world.variables.push(entryOf(item.name, decoded, value, cx));
  keep(value ?? UNKNOWN);
  if (value === undefined) return;
  if (!keepsRules(decoded, scope, report)) keep(unknown(value.type));
}

function entryOf(
  name: string,
  { args }: Decoded<typeof variableShape>,
  value: Value | undefined,
  cx: EvaluationContext,
): VariableEntry {
  const given = value === undefined || !mayBeRecorded(args) ? undefined : cx.given.get(name);
  return {
    name,
    isSensitive: args.sensitive,
    isRequired: args.default === undefined,
    given: given === undefined || value === undefined ? undefined : plainJson(value),
    isFromRecord: given?.how === 'record',
  };
}

/** A default wins over what was given once, and a sensitive value is never recorded. */
const mayBeRecorded = (args: Decoded<typeof variableShape>['args']): boolean =>
  args.default === undefined && !args.sensitive;

/** undefined when there is no value that fits, which is reported. */
function valueOfVariable(
  item: BlockItem,
  decoded: Decoded<typeof variableShape>,
  instance: ModuleInstance,
  cx: EvaluationContext,
): Value | undefined {
  const { report } = cx;
  const { args } = decoded;
  const declaredAt = placeOf(item.source, nameSpan(item));
  const read = args.type === undefined ? undefined : parseTypeConstraint(args.type, item.source);
  for (const diagnostic of read?.diagnostics ?? []) report.problems.add(withTypeHint(diagnostic));
  if (!decoded.sound || (read?.diagnostics.length ?? 0) > 0) return undefined;
  const constraint = { ...(read?.constraint ?? ANY), isDeclared: read !== undefined };

  const fallback = args.default === undefined ? undefined : fitValue(args.default, constraint);
  if (fallback !== undefined && 'misfit' in fallback) {
    report.error(decoded.at('default'), {
      code: 'invalid-default',
      summary: 'Invalid default value for variable',
      detail: `This default value is not compatible with the variable's type constraint: ${fallback.misfit}.`,
    });
    return undefined;
  }

  if (fallback?.kind === 'null' && !args.nullable) {
    report.error(decoded.at('default'), {
      code: 'invalid-default',
      summary: 'Invalid default value for variable',
      detail: 'A null default value is not valid when nullable = false.',
      hint: 'Leave default out where a value must be given, or leave nullable out.',
    });
    return undefined;
  }

  const given = givenValue(item, args, instance, constraint, cx);
  if (given === 'failed') return undefined;
  const fitted = given === undefined ? undefined : fitValue(given.value, constraint);
  // What was recorded for another type is as good as nothing.
  const isOutdated = fitted !== undefined && 'misfit' in fitted && given?.isFromRecord === true;
  if (given === undefined || fitted === undefined || isOutdated) {
    if (fallback !== undefined) return fallback;
    if (!cx.allowsMissingValues) reportMissing(item, args.sensitive, instance, report);
    return unknown(withoutOptional(constraint.type));
  }
  const unsuitable = (why: string): string =>
    `The given value is not suitable for var.${item.name} declared at ${position(declaredAt)}: ${why}.`;
  if ('misfit' in fitted) {
    const isText = given.place.source.file.startsWith('<');
    report.error(given.place, {
      code: 'invalid-variable-value',
      summary: 'Invalid value for input variable',
      detail: unsuitable(fitted.misfit),
      hint:
        isText && !isPrimitive(constraint.type)
          ? 'Collections are written as in the language: --var \'names=["a", "b"]\'.'
          : undefined,
    });
    return undefined;
  }
  if (fitted.kind !== 'null' || args.nullable) return fitted;
  if (fallback !== undefined && fallback.kind !== 'null') return fallback;
  report.error(given.place, {
    code: 'variable-null',
    summary: 'Required variable not set',
    detail: unsuitable('required variable may not be set to null'),
  });
  return undefined;
}

/** What other languages call the types. */
const otherTypes: ReadonlyMap<string, string> = new Map([
  ['str', 'string'],
  ['text', 'string'],
  ['int', 'number'],
  ['integer', 'number'],
  ['float', 'number'],
  ['boolean', 'bool'],
  ['array', 'list(any)'],
  ['dict', 'map(any)'],
  ['hash', 'map(any)'],
]);

const types = ['string', 'number', 'bool', 'any', 'list', 'set', 'map', 'object', 'tuple'];

/** The type that was probably meant by a word that is none. */
function withTypeHint(diagnostic: Diagnostic): Diagnostic {
  const word = /^The keyword "([^"]+)" is not a valid type specification/.exec(diagnostic.detail)?.[1];
  if (word === undefined || diagnostic.hint !== undefined) return diagnostic;
  const other = otherTypes.get(word.toLowerCase());
  const hint = other === undefined ? didYouMean(word, types) : `Did you mean ${other}?`;
  return hint === undefined ? diagnostic : { ...diagnostic, hint };
}

function givenValue(
  item: BlockItem,
  args: Decoded<typeof variableShape>['args'],
  instance: ModuleInstance,
  constraint: TypeConstraint & { readonly isDeclared: boolean },
  cx: EvaluationContext,
): { readonly value: Value; readonly place: Place; readonly isFromRecord?: boolean } | 'failed' | undefined {
  const { caller } = instance;
  if (caller === undefined) {
    const given = cx.given.get(item.name);
    const isFromRecord = given?.how === 'record';
    if (given === undefined || (isFromRecord && !mayBeRecorded(args))) return undefined;
    const read = readGiven(given, constraint, cx.report, cx.keepSource);
    return read === undefined ? 'failed' : { ...read, isFromRecord };
  }
  const argument = caller.call.block.body.attributes.find((attribute) => attribute.name === item.name);
  if (argument === undefined) return undefined;
  const { source } = caller.call;
  const value = cx.report.evaluate(
    argument.value,
    cx.scope(source, new ItemRoots(caller.instance, caller.repetition)),
  );
  return value === undefined ? 'failed' : { value, place: placeOf(source, argument.value) };
}

function reportMissing(
  item: BlockItem,
  isSensitive: boolean,
  instance: ModuleInstance,
  report: Reporter,
): void {
  const { caller } = instance;
  if (caller === undefined) {
    const recorded = isSensitive ? ' It is sensitive, so what it was in earlier runs is not recorded.' : '';
    report.error(placeOf(item.source, nameSpan(item)), {
      code: 'missing-variable-value',
      summary: 'No value for required variable',
      detail: `The input variable "${item.name}" is not set, and has no default value.${recorded}`,
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

export function evaluateLocal(
  item: Item & { kind: 'local' },
  instance: ModuleInstance,
  cx: EvaluationContext,
): void {
  const scope = cx.scope(item.source, instance.roots);
  instance.values.set(item, cx.report.evaluate(item.attribute.value, scope) ?? UNKNOWN);
}

export function evaluateOutput(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const scope = cx.scope(item.source, instance.roots);
  const decoded = decodeBlock(new ExpandedBlock(item.block, scope), outputShape, report);
  if (decoded === undefined) return;
  if (
    !checkPreconditions(decoded.blocks.precondition, scope, 'Module output value precondition failed', report)
  )
    return;
  const value = report.evaluate(decoded.args.value, scope);
  if (value === undefined) return;
  instance.values.set(item, decoded.args.sensitive ? sensitive(value) : value);
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
      hint: 'If it is to be an output, add: sensitive = true. Its value is then neither shown nor kept.',
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
    const failed = {
      code: 'precondition-failed',
      summary,
      severity: 'error',
      detail: (message: string) => message,
    } as const;
    if (!holds(rule, failed, report)) all = false;
  }
  return all;
}

/** `check` blocks warn, and change nothing. */
export function evaluateCheck(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const scope = cx.scope(item.source, instance.roots);
  const decoded = decodeBlock(new ExpandedBlock(item.block, scope), checkShape, cx.report);
  for (const { args } of decoded?.blocks.assert ?? []) {
    holds(
      { condition: args.condition, message: args.error_message, scope },
      {
        code: 'check-failed',
        summary: 'Check block assertion failed',
        severity: 'warning',
        detail: (message) => message,
      },
      cx.report,
    );
  }
}

// ── modules ────────────────────────────────────────────────────────────────────────────────────────

/** Makes the instances of a module call. Their items are evaluated when something needs them. */
export function evaluateModuleCall(item: BlockItem, instance: ModuleInstance, cx: EvaluationContext): void {
  const { report } = cx;
  const module = instance.module.children.get(item.name);
  const scope = cx.scope(item.source, instance.roots);
  if (module === undefined) {
    // Its folder could not be read, which was reported; whether its arguments are right cannot be told.
    cx.world.lose('module');
    return;
  }
  decodeBlock(new ExpandedBlock(item.block, scope), moduleShape, report);
  const variables = [...module.items.values()].flatMap((inner) =>
    inner.type === 'variable' ? [inner.name] : [],
  );
  for (const attribute of item.block.body.attributes) {
    const meta = ['source', 'depends_on', 'count', 'for_each'].includes(attribute.name);
    if (meta || variables.includes(attribute.name)) continue;
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
    cx.world.lose('module');
    return;
  }
  const folders = { root: instance.rootFolder, working: instance.workingFolder };
  const instances = repetitions.map(
    (repetition) => new ModuleInstance(module, folders, { instance, call: item, repetition }),
  );
  instance.calls.set(item.name, { kind: repetitionKind(item.block), instances });
}

/** Values that are given from outside: files of variables, the environment, and flags. */
import { ConversionFailure } from '../hcl/eval/conversion.ts';
import { decodeJson } from '../hcl/eval/json.ts';
import { nearestName } from '../hcl/eval/suggestion.ts';
import { applyConstraint, type TypeConstraint } from '../hcl/eval/type-constraint.ts';
import { typeText } from '../hcl/eval/type-text.ts';
import { isPrimitive } from '../hcl/eval/types.ts';
import { string, type Value } from '../hcl/eval/values.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import { type ParsedFile, parseExpression, parseFile } from '../hcl/syntax/parser.ts';
import { SourceText } from '../hcl/syntax/source.ts';
import type { Json } from '../model/index.ts';
import type { Reporter } from './evaluation.ts';
import { type Place, placeOf } from './problems.ts';

/** What was given from outside of the configuration. */
export interface VariableInputs {
  /** `DEPLOYCTL_VAR_<name>` of the process's environment, without the prefix. */
  readonly fromEnvironment?: Readonly<Record<string, string>>;
  /** The files named by `--var-file`, in order. `path` as the user typed it. */
  readonly fromFiles?: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  /** `name=value`, as `--var` has it, in order. */
  readonly fromFlags?: readonly string[];
  /** What an earlier run was given: taken where nothing else is known of a variable. */
  readonly fromRecord?: Readonly<Record<string, Json>>;
}

/** A value before its variable's type is known. */
export interface GivenValue {
  readonly name: string;
  readonly how: 'record' | 'auto_file' | 'environment' | 'file' | 'flag';
  /** An expression of a file of variables, a text that is read by the variable's type, or the value as it was recorded. */
  readonly given:
    | { readonly expression: Expression; readonly source: SourceText }
    | { readonly text: string }
    | { readonly json: Json };
  readonly place: Place | undefined;
}

export const isAutoVariableFile = (path: string): boolean => path.endsWith('.auto.vars.hcl');

/** All values given, the one that wins of each name. Files that cannot be read are reported. */
export function collectGivenValues(
  autoFiles: readonly ParsedFile[],
  inputs: VariableInputs,
  report: Reporter,
  keepSource: (source: SourceText) => void,
): ReadonlyMap<string, GivenValue> {
  const values = new Map<string, GivenValue>();
  const takeFile = ({ body, source }: ParsedFile, how: 'auto_file' | 'file'): void => {
    for (const block of body.blocks) {
      report.error(placeOf(source, { start: block.start, end: block.headerEnd }), {
        code: 'unexpected-block',
        summary: 'Unexpected block',
        detail: `Blocks are not allowed here: ${source.file} is a file of variable values.`,
        hint:
          block.type === 'variable' ? 'Variables are declared in the other files of the folder.' : undefined,
      });
    }
    for (const { name, nameEnd, start, value } of body.attributes) {
      const place = placeOf(source, { start, end: nameEnd });
      values.set(name, { name, how, given: { expression: value, source }, place });
    }
  };
  for (const [name, json] of Object.entries(inputs.fromRecord ?? {})) {
    values.set(name, { name, how: 'record', given: { json }, place: undefined });
  }
  for (const file of autoFiles) takeFile(file, 'auto_file');
  for (const [name, text] of Object.entries(inputs.fromEnvironment ?? {})) {
    values.set(name, { name, how: 'environment', given: { text }, place: undefined });
  }
  for (const { path, bytes } of inputs.fromFiles ?? []) {
    const file = parseFile(bytes, path);
    keepSource(file.source);
    for (const diagnostic of file.diagnostics) report.problems.add(diagnostic);
    takeFile(file, 'file');
  }
  for (const flag of inputs.fromFlags ?? []) {
    const at = flag.indexOf('=');
    const name = flag.slice(0, at).trim();
    if (at < 0 || !/^[\p{ID_Start}_][\p{ID_Continue}-]*$/u.test(name)) {
      report.error(undefined, {
        code: 'invalid-var-flag',
        summary: 'Invalid --var option',
        detail: `The given --var option "${flag}" is not correctly specified. It must be a variable name and value separated by an equals sign, like --var key=value.`,
      });
      continue;
    }
    values.set(name, { name, how: 'flag', given: { text: flag.slice(at + 1) }, place: undefined });
  }
  return values;
}

/** Reports values for variables that do not exist. One from a flag is an error; one from a file may be for others. */
export function reportUndeclared(
  values: ReadonlyMap<string, GivenValue>,
  declared: ReadonlySet<string>,
  report: Reporter,
): void {
  for (const { name, how, place } of values.values()) {
    if (declared.has(name) || how === 'record') continue;
    const nearest = nearestName(name, declared);
    if (how === 'environment' && nearest === undefined) continue;
    const where = {
      auto_file: 'in a file of variable values',
      file: 'in a file of variable values',
      environment: `by the environment variable DEPLOYCTL_VAR_${name}`,
      flag: 'on the command line',
    }[how];
    const wording = {
      code: 'undeclared-variable-value',
      summary: 'Value for undeclared variable',
      detail: `A variable named "${name}" was assigned ${where}, but the configuration does not declare a variable of that name.${
        nearest === undefined ? '' : ` Did you mean "${nearest}"?`
      }`,
      hint:
        nearest === undefined
          ? `To use this value, add a variable "${name}" block to the configuration.`
          : undefined,
    };
    if (how === 'flag') report.error(place, wording);
    else report.warning(place, wording);
  }
}

/** A given value as the language has it: text is read as an expression unless the type is a primitive one. */
export function readGiven(
  value: GivenValue,
  constraint: TypeConstraint & { readonly isDeclared: boolean },
  report: Reporter,
  keepSource: (source: SourceText) => void,
): { readonly value: Value; readonly place: Place } | undefined {
  if ('expression' in value.given) {
    const { expression, source } = value.given;
    const read = report.evaluateLiteral(expression, source, 'a file of variable values holds values only.');
    return read === undefined ? undefined : { value: read, place: placeOf(source, expression) };
  }
  const file = `<value for var.${value.name}>`;
  if ('json' in value.given) {
    const text = JSON.stringify(value.given.json);
    const source = new SourceText(file, text);
    keepSource(source);
    return { value: decodeJson(text), place: placeOf(source, { start: 0, end: text.length }) };
  }
  const { text } = value.given;
  const isText = isPrimitive(constraint.type) || !constraint.isDeclared;
  if (isText) {
    const source = new SourceText(file, text);
    keepSource(source);
    return { value: string(text), place: placeOf(source, { start: 0, end: text.length }) };
  }
  const { expression, source, diagnostics } = parseExpression(text, file);
  keepSource(source);
  if (diagnostics.length > 0) {
    for (const diagnostic of diagnostics) report.problems.add(diagnostic);
    return undefined;
  }
  const why = `this is read as an expression, since the type of var.${value.name} is ${typeText(constraint.type)}. Text in it needs quotes: --var '${value.name}=["a", "b"]'.`;
  const read = report.evaluateLiteral(expression, source, why);
  return read === undefined ? undefined : { value: read, place: placeOf(source, expression) };
}

/** The value as the type wants it, or why it cannot be that. */
export function fitValue(value: Value, constraint: TypeConstraint): Value | { readonly misfit: string } {
  try {
    return applyConstraint(value, constraint);
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    const { path, message } = failure;
    return { misfit: path === '' ? message : `attribute ${path.replace(/^\./, '')}: ${message}` };
  }
}

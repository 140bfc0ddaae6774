/** Expressions about an environment's configuration, evaluated where it would evaluate them. */

import { evaluate as evaluateExpression, evaluateText } from '../hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../hcl/eval/functions/index.ts';
import { encodeJson } from '../hcl/eval/json.ts';
import { renderValue } from '../hcl/eval/render.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { typeBlock, typeText } from '../hcl/eval/type-text.ts';
import { isWhollyKnown, type MappingValue, type Value } from '../hcl/eval/values.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import { parseExpression } from '../hcl/syntax/parser.ts';
import { type Diagnostic, isError } from '../model/index.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { AppFailure } from './failure.ts';
import { loadScope } from './load.ts';

/** The name that ranges have for what was typed. */
export const consoleSource = '<console>';

export type Answer =
  | {
      readonly ok: true;
      /** As `terraform console` prints it. */
      readonly text: string;
      /** Exact JSON, numbers with all their digits; undefined where it is sensitive or not wholly known. */
      readonly json: string | undefined;
      readonly type: string;
      readonly isSensitive: boolean;
      readonly isKnown: boolean;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export interface Console {
  evaluate(expression: string): Answer;
  /** Whether the text could still become an expression if more lines follow. */
  isIncomplete(text: string): boolean;
  /** What the last word of the text could become: functions, references, attributes of what stands before the dot. */
  complete(text: string): readonly string[];
}

/** Throws an `AppFailure` where the configuration has errors. Reads no artifact and asks no host. */
export async function openConsole(ask: ConfigurationAsk, cx: AppContext): Promise<Console> {
  const { diagnostics, scope } = await loadScope(ask, FUNCTIONS, cx);
  if (diagnostics.some(isError)) throw new AppFailure(diagnostics);
  return {
    evaluate: (expression) => evaluate(expression, scope),
    isIncomplete,
    complete: (text) => completions(text, scope),
  };
}

function evaluate(text: string, scope: Scope): Answer {
  const { expression, source, diagnostics: objections } = parseExpression(text, consoleSource);
  if (objections.length > 0) return { ok: false, diagnostics: objections };
  const asked = whoseType(expression);
  const { value, diagnostics } = evaluateExpression(asked ?? expression, scope.at(source));
  const errors = diagnostics.filter(isError);
  if (errors.length > 0) return { ok: false, diagnostics: errors };
  if (asked !== undefined) return typeAnswer(typeBlock(value.type));
  const isSensitive = holdsMarks(value);
  const isKnown = isWhollyKnown(value);
  return {
    ok: true,
    text: renderValue(value),
    json: isSensitive || !isKnown ? undefined : encodeJson(value),
    type: typeText(value.type),
    isSensitive,
    isKnown,
  };
}

/** What `type(...)` asks about. As in Terraform it is the console's alone, and the whole of what is typed. */
function whoseType(expression: Expression): Expression | undefined {
  if (expression.kind !== 'call' || expression.name !== 'type' || expression.expand) return undefined;
  const [asked, ...others] = expression.args;
  return others.length === 0 ? asked : undefined;
}

/** In JSON it is a string, since there are no values for types. */
const typeAnswer = (text: string): Answer => ({
  ok: true,
  text,
  json: JSON.stringify(text),
  type: 'string',
  isSensitive: false,
  isKnown: true,
});

const holdsMarks = (value: Value): boolean =>
  'marksWithin' in value ? value.marksWithin.size > 0 : value.marks.size > 0;

/** The parser's first objection is that the text ends. */
function isIncomplete(text: string): boolean {
  const { diagnostics } = parseExpression(text, consoleSource);
  const [first] = diagnostics;
  const end = Buffer.byteLength(text.trimEnd());
  return first?.subject !== undefined && first.subject.end.byte >= end && opensMore(text);
}

/** Only what an open bracket, an open template or a heredoc leaves open can go on in the next line. */
function opensMore(text: string): boolean {
  if (/<<-?[A-Za-z_]\w*\s*\n?/.test(text)) return true;
  const withoutStrings = text.replace(/"(?:[^"\\]|\\.)*"/g, '');
  const count = (pattern: RegExp): number => withoutStrings.match(pattern)?.length ?? 0;
  return count(/[([{]/g) > count(/[)\]}]/g);
}

function completions(text: string, scope: Scope): readonly string[] {
  const word = /[\w.[\]"-]*$/.exec(text)?.[0] ?? '';
  const dot = word.lastIndexOf('.');
  if (dot > 0) {
    const { value } = evaluateText(word.slice(0, dot), scope, consoleSource);
    const before = word.slice(0, dot + 1);
    const names =
      value.kind === 'object' || value.kind === 'map' ? [...(value as MappingValue).entries.keys()] : [];
    return names.map((name) => `${before}${name}`).filter((name) => name.startsWith(word));
  }
  const roots = [...(scope.roots?.names() ?? [])].map((name) => `${name}.`);
  const functions = ['type', ...FUNCTIONS.keys()].map((name) => `${name}(`);
  return [...roots, ...functions].filter((name) => name.startsWith(word)).toSorted();
}

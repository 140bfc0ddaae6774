import { type Evaluation, evaluateText } from '../../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import type { Ports } from '../../../src/hcl/eval/ports.ts';
import { renderValue } from '../../../src/hcl/eval/render.ts';
import { rootsOf, Scope } from '../../../src/hcl/eval/scope.ts';
import type { Value } from '../../../src/hcl/eval/values.ts';
import { SourceText } from '../../../src/hcl/syntax/source.ts';

/** A scope with these root names, all functions and these ports. */
export const scopeWith = (roots: Readonly<Record<string, Value>> = {}, ports: Ports = {}): Scope =>
  new Scope({ source: new SourceText('', ''), functions: FUNCTIONS, roots: rootsOf(roots), ports });

/** Evaluates a text as the file `test.hcl`. */
export const evaluation = (text: string, scope: Scope = scopeWith()): Evaluation =>
  evaluateText(text, scope, 'test.hcl');

/** What it evaluates to, as the console prints it; fails on errors. */
export function shown(text: string, scope?: Scope): string {
  const { value, diagnostics } = evaluation(text, scope);
  const [first] = diagnostics;
  if (first !== undefined) throw new Error(`${first.summary}: ${first.detail}`);
  return renderValue(value);
}

/** Why it has no value: all the errors, `summary: detail`. */
export const errorsOf = (text: string, scope?: Scope): string[] =>
  evaluation(text, scope).diagnostics.map(({ summary, detail }) => `${summary}: ${detail}`);

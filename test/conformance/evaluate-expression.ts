import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { evaluate } from '../../src/hcl/eval/evaluate.ts';
import { FolderFiles } from '../../src/hcl/eval/folder-files.ts';
import { FUNCTIONS } from '../../src/hcl/eval/functions/index.ts';
import { encodeJson } from '../../src/hcl/eval/json.ts';
import { type Resolution, type Roots, Scope } from '../../src/hcl/eval/scope.ts';
import { typeToJson } from '../../src/hcl/eval/type-text.ts';
import { STRING } from '../../src/hcl/eval/types.ts';
import type { Value } from '../../src/hcl/eval/values.ts';
import {
  isWhollyKnown,
  MappingValue,
  marksWithin,
  SequenceValue,
  UNKNOWN,
  unknown,
  unmarkDeep,
} from '../../src/hcl/eval/values.ts';
import { parseFile } from '../../src/hcl/syntax/parser.ts';
import type { Answer } from './terraform-answers.ts';
import { files, locals, unknowns } from './terraform-answers.ts';

/** Puts the files of the answers into a folder of its own, which is removed with `using`. */
export function answerFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'deployctl-conformance-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content, name.endsWith('.bin') ? 'latin1' : 'utf8');
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Local values as Terraform has them: each by its name, nothing else. */
function rootsFor(values: ReadonlyMap<string, Value>): Roots {
  return {
    names: () => ['local'],
    resolve: (name, reference): Resolution | undefined => {
      if (name !== 'local') return undefined;
      const [step] = reference.steps;
      const value = step?.kind === 'attributeStep' ? values.get(step.name) : undefined;
      if (value !== undefined) return { value, stepsTaken: 1 };
      const summary = step === undefined ? 'Invalid reference' : 'Reference to undeclared local value';
      return { value: UNKNOWN, problem: { summary, detail: '' } };
    },
  };
}

/** Evaluates expressions among the shared definitions, and tells the outcome in the words of an Answer. */
export function answerer(folder: string): (expr: string) => Answer {
  const known = new Map<string, Value>(unknowns.map((name) => [name, unknown(STRING, { notNull: true })]));
  const ports = { files: new FolderFiles(folder) };
  const roots = rootsFor(known);
  const answer = (expr: string): Answer & { value?: Value } => {
    const { body, source, diagnostics } = parseFile(`value = ${expr}\n`, 'expression.hcl');
    if (diagnostics.length > 0) return { expr, stage: 'parse', diagnostics };
    const [attribute] = body.attributes;
    if (attribute === undefined) throw new Error(`no expression in ${expr}`);
    const result = evaluate(attribute.value, new Scope({ source, functions: FUNCTIONS, roots, ports }));
    if (result.diagnostics.length > 0) return { expr, stage: 'eval', diagnostics: result.diagnostics };
    return { expr, ...describe(result.value), value: result.value };
  };
  for (const { name, expr } of locals) {
    const { value, diagnostics } = answer(expr);
    if (value === undefined) throw new Error(`local.${name}: ${JSON.stringify(diagnostics)}`);
    known.set(name, value);
  }
  return (expr) => {
    const { value: _, ...rest } = answer(expr);
    return rest;
  };
}

function describe(value: Value): Omit<Answer, 'expr'> {
  const sensitive = { sensitive: value.marks.size > 0, containsSensitive: marksWithin(value).size > 0 };
  if (!isWhollyKnown(value)) return { unknown: whatIsUnknown(value), ...sensitive };
  if (hasInfinity(value)) return { stage: 'serialize', diagnostics: [] };
  return { json: unescapeHtml(encodeJson(unmarkDeep(value))), type: typeToJson(value.type), ...sensitive };
}

/** `terraform show -json` does not escape for HTML, `jsonencode` does. */
const unescapeHtml = (json: string): string =>
  json.replace(/(?<!\\)((?:\\\\)*)\\u(003c|003e|0026|2028|2029)/g, (_, before: string, code: string) => {
    return before + String.fromCharCode(Number.parseInt(code, 16));
  });

const hasInfinity = (value: Value): boolean =>
  value.kind === 'number'
    ? typeof value.number === 'number' && !Number.isFinite(value.number)
    : value instanceof SequenceValue
      ? value.elements.some(hasInfinity)
      : value instanceof MappingValue && value.entries.values().some(hasInfinity);

/** In Terraform's form: sequences have an entry for each element, mappings only those that are not known. */
function whatIsUnknown(value: Value): unknown {
  if (value.kind === 'unknown') return true;
  if (value instanceof SequenceValue) return value.elements.map(whatIsUnknown);
  if (value instanceof MappingValue) {
    const parts = [...value.entries].filter(([, part]) => !isWhollyKnown(part));
    return Object.fromEntries(parts.map(([key, part]) => [key, whatIsUnknown(part)]));
  }
  return false;
}

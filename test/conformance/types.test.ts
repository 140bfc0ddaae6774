import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConversionFailure } from '../../src/hcl/eval/conversion.ts';
import { evaluate } from '../../src/hcl/eval/evaluate.ts';
import { encodeJson } from '../../src/hcl/eval/json.ts';
import { Scope } from '../../src/hcl/eval/scope.ts';
import { applyConstraint, parseTypeConstraint } from '../../src/hcl/eval/type-constraint.ts';
import { typeToJson } from '../../src/hcl/eval/type-text.ts';
import { parseFile } from '../../src/hcl/syntax/parser.ts';

/** What Terraform made of `variable { type = ..., default = ... }`. */
interface Answer {
  readonly type: string;
  readonly value: string;
  readonly json?: string;
  readonly resultType?: unknown;
  readonly diagnostics?: readonly { readonly summary: string; readonly detail: string }[];
}

const golden = new URL('../golden/hcl-types.json', import.meta.url);
const answers = JSON.parse(readFileSync(golden, 'utf8')) as readonly Answer[];

/** What Terraform puts before the reason. */
const NOT_SUITABLE = "This default value is not compatible with the variable's type constraint: ";

function convertDefault({ type, value }: Answer): Omit<Answer, 'type' | 'value'> {
  const { body, source, diagnostics } = parseFile(`type = ${type}\ndefault = ${value}\n`, 'variables.hcl');
  const [typeAttribute, defaultAttribute] = body.attributes;
  if (diagnostics.length > 0 || typeAttribute === undefined || defaultAttribute === undefined) {
    return { diagnostics: diagnostics.slice(0, 1).map(({ summary, detail }) => ({ summary, detail })) };
  }
  const parsed = parseTypeConstraint(typeAttribute.value, source);
  const [first] = parsed.diagnostics;
  if (first !== undefined) return { diagnostics: [{ summary: first.summary, detail: first.detail }] };
  const given = evaluate(defaultAttribute.value, new Scope({ source, functions: new Map() }));
  expect(given.diagnostics).toEqual([]);
  try {
    const result = applyConstraint(given.value, parsed.constraint);
    const json = encodeJson(result);
    return json === 'null' ? { json } : { json, resultType: typeToJson(result.type) };
  } catch (failure) {
    if (!(failure instanceof ConversionFailure)) throw failure;
    const detail = `${NOT_SUITABLE}${failure.whereAndWhy}.`;
    return { diagnostics: [{ summary: 'Invalid default value for variable', detail }] };
  }
}

describe('a value is brought to the type of its variable as Terraform does it', () => {
  test.for(answers.map((answer) => [`${answer.type} <- ${answer.value}`, answer] as const))(
    '%s',
    ([, answer]) => {
      const { type: _, value: __, ...theirs } = answer;
      const ours = convertDefault(answer);
      if (theirs.diagnostics?.[0]?.summary === 'Invalid quoted type constraints') {
        // Terraform's words promise a deprecation; here the form has never been.
        expect(ours.diagnostics?.[0]?.summary).toBe('Invalid quoted type constraints');
      } else expect(ours).toEqual(theirs);
    },
  );
});

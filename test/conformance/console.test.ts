import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluateText } from '../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../src/hcl/eval/functions/index.ts';
import { renderValue } from '../../src/hcl/eval/render.ts';
import { rootsOf, Scope } from '../../src/hcl/eval/scope.ts';
import { typeBlock } from '../../src/hcl/eval/type-text.ts';
import { SourceText } from '../../src/hcl/syntax/source.ts';

/** What `terraform console` printed; `type(...)` is the console's own. */
const golden = new URL('../golden/hcl-console.json', import.meta.url);
const printed = JSON.parse(readFileSync(golden, 'utf8')) as Readonly<Record<string, string>>;
const scope = new Scope({ source: new SourceText('', ''), functions: FUNCTIONS, roots: rootsOf({}) });

describe('a value is printed as terraform console prints it', () => {
  test.for(Object.entries(printed))('%s', ([expr, terraform]) => {
    const typeOf = /^type\((.*)\)$/s.exec(expr)?.[1];
    const { value, diagnostics } = evaluateText(typeOf ?? expr, scope);
    expect(diagnostics).toEqual([]);
    expect(typeOf === undefined ? renderValue(value) : typeBlock(value.type)).toBe(terraform);
  });
});

import { describe, expect, test } from 'vitest';
import { Budget } from '../../../src/hcl/eval/limits.ts';
import { Scope } from '../../../src/hcl/eval/scope.ts';
import type { Value } from '../../../src/hcl/eval/values.ts';
import { workMsOf } from '../../rig/work-time.ts';
import { evaluation, scopeWith } from './evaluating.ts';

/** Evaluates definitions one after the other, each with those before it as `local.<name>`. */
function last(definitions: Readonly<Record<string, string>>): { errors: string[]; ms: number } {
  const known: Record<string, Value> = {};
  const errors: string[] = [];
  const ms = workMsOf(() => {
    for (const [name, text] of Object.entries(definitions)) {
      const { value, diagnostics } = evaluation(text, scopeWith(known));
      errors.push(...diagnostics.map(({ summary, detail }) => `${summary}: ${detail}`));
      if (diagnostics.length > 0) break;
      known[name] = value;
    }
  });
  return { errors, ms };
}

/** `a0 = ...`, then `a1 = f("a0")` and so on. */
const chain = (length: number, first: string, next: (previous: string) => string): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [`a${i}`, i === 0 ? first : next(`a${i - 1}`)] as const),
  );

const tenA = '"aaaaaaaaaa"';

describe('what would take too much memory or time is an ordinary error', () => {
  test.for([
    ['templates that double', chain(64, tenA, (p) => `"\${${p}}\${${p}}"`)],
    ['tuples that double', chain(64, '[1]', (p) => `[${p}, ${p}]`)],
    ['objects that double', chain(64, '{ x = 1 }', (p) => `{ l = ${p}, r = ${p} }`)],
    ['concat that doubles', chain(64, '[1, 2]', (p) => `concat(${p}, ${p})`)],
    ['join that doubles', chain(64, tenA, (p) => `join("", [${p}, ${p}])`)],
    ['replace that multiplies', chain(16, tenA, (p) => `replace(${p}, "a", "aaaaaaaaaaaaaaaa")`)],
    ['format that doubles', chain(64, tenA, (p) => `format("%s%s", ${p}, ${p})`)],
    ['a width of a billion', { x: 'format("%1000000000d", 1)' }],
    ['a precision of a billion', { x: 'format("%.1000000000f", 1)' }],
    ['an indentation of a billion', { x: 'indent(1000000000, "a\\nb")' }],
    ['products of products', chain(8, 'range(200)', (p) => `setproduct(${p}, ${p})`)],
    [
      'loops in loops in loops',
      {
        r: 'range(1024)',
        x: 'length([for a in r : length([for b in r : length([for c in r : c])])])',
      },
    ],
    [
      'a template that loops',
      {
        r: 'range(1024)',
        x: `"%{ for a in r }%{ for b in r }%{ for c in r }x%{ endfor }%{ endfor }%{ endfor }"`,
      },
    ],
    ['JSON of what shares its parts', { ...chain(22, '["aaaaaaaaaaaaaaaa"]', (p) => `[${p}, ${p}]`) }],
    ['nested JSON', { x: `jsondecode("${'['.repeat(100_000)}")` }],
    ['nested YAML', { x: `yamldecode("${'['.repeat(100_000)}")` }],
    ['nested YAML in blocks', { x: `yamldecode("${'- '.repeat(50_000)}")` }],
    [
      'YAML that refers to itself again and again',
      {
        x: `yamldecode("${['a0: &a0 [x,x,x,x,x,x,x,x]', ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(8).fill(`*a${i}`).join(',')}]`)].join('\\n')}")`,
      },
    ],
    ['an expensive password hash', { x: 'bcrypt("x", 31)' }],
    ['a number with a billion digits', { x: 'tostring(tonumber("1e1000000000"))' }],
    ['numbers that square', chain(64, '1e9', (p) => `${p} * ${p}`)],
    ['values nested one by one', chain(2000, '[]', (p) => `[${p}]`)],
  ] as const)('%s', ([, definitions]) => {
    const { errors, ms } = last(definitions as Record<string, string>);
    expect(errors).toHaveLength(1);
    expect(ms).toBeLessThan(20_000);
  });
});

test('what is merely large goes through', () => {
  const { errors } = last({
    r: 'range(1000)',
    pairs: 'setproduct(r, range(100))',
    text: 'join(",", [for p in pairs : "${p[0]}-${p[1]}"])',
    back: 'length(split(",", text))',
  });
  expect(errors).toEqual([]);
});

test('a budget can be shared, so that many small evaluations end, too', () => {
  const budget = new Budget(1000);
  const { source, functions, roots } = scopeWith();
  const scope = new Scope({ source, functions, roots, budget });
  const results = Array.from({ length: 400 }, () => evaluation('[1, 2, 3]', scope));
  expect(results.at(0)?.diagnostics).toEqual([]);
  expect(results.at(-1)?.diagnostics.at(0)?.summary).toBe('Expression is too expensive');
});

test('deep recursion of the expression itself ends in an error', () => {
  const text = `${'(['.repeat(200)}1${'])'.repeat(200)}`;
  expect(evaluation(text).diagnostics).toEqual([]);
  const tooDeep = `${'['.repeat(100_000)}1${']'.repeat(100_000)}`;
  expect(evaluation(tooDeep).diagnostics.length).toBeGreaterThan(0);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate } from '../../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import { Budget } from '../../../src/hcl/eval/limits.ts';
import { renderValue } from '../../../src/hcl/eval/render.ts';
import { rootsOf, Scope } from '../../../src/hcl/eval/scope.ts';
import { STRING } from '../../../src/hcl/eval/types.ts';
import { objectOf, sensitive, string, tuple, unknown, withMarks } from '../../../src/hcl/eval/values.ts';
import { parseExpression } from '../../../src/hcl/syntax/parser.ts';

const CANARY = 'CANARY7f3a';
const secret = withMarks(string(CANARY), new Set(['secret.tsig']));
const roots = rootsOf({
  local: objectOf({
    hidden: sensitive(string(CANARY)),
    hiddenList: sensitive(tuple([string(CANARY), string(`${CANARY}x`)])),
    hiddenPart: tuple([sensitive(string(CANARY)), string('plain')]),
    hiddenMap: sensitive(objectOf({ [CANARY]: string(CANARY) })),
    unk: unknown(STRING, { notNull: true }),
    list: tuple([string('a'), string('b')]),
    map: objectOf({ a: string('1'), b: string('2') }),
  }),
  secret: objectOf({ tsig: secret }),
});

const SLOW = new Set(['bcrypt']);
// What takes the mark off on purpose.
const names = [...FUNCTIONS.keys()].filter((name) => !SLOW.has(name) && name !== 'nonsensitive');

const leaf = fc.constantFrom(
  'local.hidden',
  'local.hiddenList',
  'local.hiddenPart',
  'local.hiddenMap',
  'local.hiddenMap.nope',
  'local.hiddenList[0]',
  'local.unk',
  'local.list',
  'local.map',
  'secret.tsig',
  'null',
  'true',
  '0',
  '1',
  '-1',
  '2.5',
  '1e30',
  '""',
  '"a"',
  '"10.0.0.0/8"',
  '"2024-01-02T03:04:05Z"',
  '"(a|b)+"',
  '"%s-%d"',
  '[]',
  '{}',
  'nosuch',
);

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const e = tie('expression');
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      fc
        .tuple(fc.constantFrom(...names), fc.array(e, { maxLength: 3 }), fc.boolean())
        .map(
          ([name, args, expand]) => `${name}(${args.join(', ')}${expand && args.length > 0 ? '...' : ''})`,
        ),
      fc
        .tuple(e, fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||'), e)
        .map((p) => `(${p.join(' ')})`),
      fc.tuple(e, e, e).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      fc.array(e, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      fc
        .array(fc.tuple(e, e), { maxLength: 2 })
        .map((items) => `{${items.map(([k, v]) => `(${k}) = ${v}`).join(', ')}}`),
      fc.tuple(e, e).map(([c, v]) => `[for k, v in ${c} : ${v}]`),
      fc.tuple(e, e, e).map(([c, k, v]) => `{for k, v in ${c} : ${k} => v... if ${v}}`),
      e.map((c) => `{for v in ${c} : v => v}`),
      e.map((c) => `[for v in ${c} : v.nope]`),
      fc.tuple(e, e).map(([c, k]) => `(${c})[${k}]`),
      e.map((c) => `(${c})[*].a`),
      e.map((c) => `(${c}).a`),
      e.map((c) => `"x\${${c}}y"`),
      e.map((c) => `"%{ for x in ${c} }\${x}%{ endfor }"`),
      e.map((c) => `!${c}`),
      e.map((c) => `try(${c}, "fallback")`),
      e.map((c) => `tonumber(${c})`),
      e.map((c) => `regex(${c}, "a")`),
      e.map((c) => `formatdate(${c}, "x")`),
      e.map((c) => `jsondecode(${c})`),
      e.map((c) => `yamldecode(${c})`),
      e.map((c) => `cidrhost(${c}, 1)`),
      e.map((c) => `format(${c}, 1)`),
    ),
  };
});

test('no expression crashes, hangs or shows what is sensitive', () => {
  let evaluated = 0;
  fc.assert(
    fc.property(expression, (text) => {
      const { expression: tree, source, diagnostics } = parseExpression(text, 'fuzz.hcl');
      if (diagnostics.length > 0) return;
      evaluated++;
      const scope = new Scope({ source, functions: FUNCTIONS, roots, budget: new Budget(200_000) });
      const result = evaluate(tree, scope);
      expect(JSON.stringify(result.diagnostics)).not.toContain(CANARY);
      expect(renderValue(result.value)).not.toContain(CANARY);
    }),
    { numRuns: 30_000 },
  );
  expect(evaluated).toBeGreaterThan(20_000);
}, 240_000);

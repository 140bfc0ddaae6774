import { describe, expect, test } from 'vitest';
import { references, referenceText } from '../../../src/hcl/eval/references.ts';
import { parseExpression } from '../../../src/hcl/syntax/parser.ts';

const found = (text: string): string[] =>
  references(parseExpression(text, 'test.hcl').expression).map(referenceText);

describe('the references of an expression', () => {
  test.for([
    ['1 + 2', []],
    ['var.x', ['var.x']],
    ['host.web["web-1"].address', ['host.web["web-1"].address']],
    ['a[0].b', ['a[0].b']],
    ['a[b.c].d', ['a', 'b.c']],
    ['upper(a.b)', ['a.b']],
    ['a ? b : c', ['a', 'b', 'c']],
    ['"x${a}%{ if b }${c}%{ endif }"', ['a', 'b', 'c']],
    ['"%{ for x in a }${x}${y}%{ endfor }"', ['a', 'y']],
    ['[for x in a : x.y]', ['a']],
    ['[for k, v in a : "${k}${v}${w}" if v > u]', ['a', 'w', 'u']],
    ['{for x in x : x => y}', ['x', 'y']],
    ['[for x in a : [for y in x : z]]', ['a', 'z']],
    ['a[*].b', ['a']],
    ['a.*.b', ['a']],
    ['(a).b', ['a']],
    ['{ a = b, (c) = d, "e${f}" = g }', ['b', 'c', 'd', 'f', 'g']],
    ['-a && !b', ['a', 'b']],
    ['try(a.b, c)', ['a.b', 'c']],
  ] as const)('%s', ([text, names]) => {
    expect(found(text)).toEqual(names);
  });
});

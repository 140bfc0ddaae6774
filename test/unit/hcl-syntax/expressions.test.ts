import { describe, expect, test } from 'vitest';
import { parseTemplate } from '../../../src/hcl/syntax/parser.ts';
import { show, understood } from './show.ts';

type Row = readonly [text: string, understood: string];

const check = ([text, expected]: Row): void => expect(understood(text)).toBe(expected);

describe('literals', () => {
  test.for<Row>([
    ['1.50', '1.50'],
    ['007', '007'],
    ['1e3', '1e3'],
    ['1.e5', '1.e5'],
    ['true', 'true'],
    ['null', 'null'],
    ['"a\\n\\t\\"\\\\ \\u00e9 \\U0001F600"', '"a\\n\\t\\"\\\\ é 😀"'],
    ['"\\u00e9\\u0301"', '"é\u0301"'],
    ['"50% $5 $ {x} %"', '"50% $5 $ {x} %"'],
    ['"$${a} %%{b} $$ $$${c}"', '"${a} %{b} $$ $${c}"'],
    ['""', '""'],
    ['"a\0b"', '"a\\u0000b"'],
  ])('%s is %s', check);
});

describe('operators bind by precedence, and to the left', () => {
  test.for<Row>([
    ['1 + 2 * 3', '[1 + [2 * 3]]'],
    ['1 - 2 - 3', '[[1 - 2] - 3]'],
    ['a || b && c == d', '[a || [b && [c == d]]]'],
    ['a == b < c + d', '[a == [b < [c + d]]]'],
    ['-a + b', '[[-a] + b]'],
    ['!a.b[0]', '[!a.b[0]]'],
    ['!-a', '[![-a]]'],
    ['-1.5', '[-1.5]'],
    ['a-b', 'a-b'],
    ['a -b', '[a - b]'],
    ['a ? b : c ? d : e', '[a ? b : [c ? d : e]]'],
    ['a ? b ? c : d : e', '[a ? [b ? c : d] : e]'],
    ['(1 + 2) * 3', '[paren([1 + 2]) * 3]'],
    ['1\n+\n2', '[1 + 2]'],
  ])('%s is %s', check);
});

describe('names and steps', () => {
  test.for<Row>([
    ['host.lb-1', 'host.lb-1'],
    ['_x', '_x'],
    ['é.日本', 'é.日本'],
    ['a.b[0]["k"].c', 'a.b[0]["k"].c'],
    ['a[true][null]', 'a[true][null]'],
    ['a[b].c[1].d', '(index(a b)).c[1].d'],
    ['a["${b}"]', 'index(a wrap(b))'],
    ['a[-1]', 'index(a [-1])'],
    ['a[(0)]', 'index(a paren(0))'],
    ['a.0.b', 'a.<0>.b'],
    ['a.b[*].c[0].d', 'splat[*](a.b | (@).c[0].d)'],
    ['a[*]', 'splat[*](a | @)'],
    ['a[*][b].c', 'splat[*](a | (index(@ b)).c)'],
    ['a[*][*].b', 'splat[*](a | splat[*](@ | (@).b))'],
    ['a.*.b.0.c[0]', '(splat.*(a | (@).b.<0>.c))[0]'],
    ['a.*', 'splat.*(a | @)'],
    ['f(x).a', '(f(x)).a'],
    ['(a.b).c', '(paren(a.b)).c'],
    ['[1][0]', '(tuple(1))[0]'],
    ['{a=1}.a', '(object(a: 1)).a'],
    ['"x".y', '("x").y'],
    ['for', 'for'],
    ['in.if', 'in.if'],
  ])('%s is %s', check);
});

describe('calls', () => {
  test.for<Row>([
    ['f()', 'f()'],
    ['f(1, "a",)', 'f(1, "a")'],
    ['f(a...)', 'f(a...)'],
    ['f(1, a...)', 'f(1, a...)'],
    ['f (1)', 'f(1)'],
    ['f(\n1\n,\n2\n)', 'f(1, 2)'],
    ['true(1)', 'true(1)'],
  ])('%s is %s', check);
});

describe('collections', () => {
  test.for<Row>([
    ['[]', 'tuple()'],
    ['[1,\n 2, # two\n]', 'tuple(1, 2)'],
    ['{}', 'object()'],
    ['{ a = 1, "b" : 2, (c) = 3, 4 = 5 }', 'object(a: 1, <"b">: 2, <paren(c)>: 3, <4>: 5)'],
    ['{\n  a = 1 # one\n\n  b = 2,\n  c = 3\n}', 'object(a: 1, b: 2, c: 3)'],
    ['{ true = 1, null = 2, a.b = 3 }', 'object(true: 1, null: 2, <a.b>: 3)'],
    ['{ "${a}" = 1 }', 'object(<wrap(a)>: 1)'],
    ['[for x in xs : x]', 'for(x in xs : x)'],
    ['[for k, v in m : v if k != "a"]', 'for(k, v in m : v if [k != "a"])'],
    ['{for k, v in m : k => v... if v}', 'for(k, v in m : k => v... if v)'],
    ['[\nfor x in\nxs :\nx\n]', 'for(x in xs : x)'],
    ['{\n for x in xs : x => x\n}', 'for(x in xs : x => x)'],
    ['[for x in [1] : x ? 1 : 2]', 'for(x in tuple(1) : [x ? 1 : 2])'],
    ['[[for x in a : x], for]', 'tuple(for(x in a : x), for)'],
  ])('%s is %s', check);
});

describe('templates', () => {
  test.for<Row>([
    ['"${a}"', 'wrap(a)'],
    ['"${"${a}"}"', 'wrap(wrap(a))'],
    ['"${ {a = 1} }"', 'wrap(object(a: 1))'],
    ['"a${b}c"', 'template("a" b "c")'],
    ['"${a}${b}"', 'template(a b)'],
    ['"a ${~ b ~} c"', 'template("a" b "c")'],
    ['"a ${~ b ~} ${c}"', 'template("a" b "" c)'],
    ['"${a}\\n${~ b}"', 'template(a "" b)'],
    ['"%{ if a }x%{ else }y%{ endif }"', 'template(if(a ? "x" : "y"))'],
    ['"%{ if a }%{ endif }"', 'template(if(a ? "" : ""))'],
    ['"%{ if a }x${b}%{ endif }z"', 'template(if(a ? template("x" b) : "") "z")'],
    ['"%{ for k, v in m }${v},%{ endfor }"', 'template(each(k, v in m : template(v ",")))'],
    [
      '"%{ for x in a ~}\\n  %{ if x ~} y %{ endif ~} %{ endfor }"',
      'template(each(x in a : template("" if(x ? "y " : "") "")))',
    ],
    ['"${\n  a\n}"', 'wrap(a)'],
    ['"${f("a", "b${c}")}d"', 'template(f("a", template("b" c)) "d")'],
  ])('%s is %s', check);
});

describe('heredocs', () => {
  test.for<Row>([
    ['<<EOT\nEOT\n', '""'],
    ['<<EOT\na\n  b\nEOT\n', '"a\\n  b\\n"'],
    ['<<EOT\na "b" \\n \\\n  EOT\n', '"a \\"b\\" \\\\n \\\\\\n"'],
    ['<<EOT\r\na\r\nEOT\r\n', '"a\\r\\n"'],
    ['<<EOT\n$${a} %%{b} $5 100%\nEOT\n', '"${a} %{b} $5 100%\\n"'],
    ['<<EOT\n${a}\nEOT\n', 'template(a "\\n")'],
    ['<<EOT\n${a}%\r\n${~ b}\nEOT\n', 'template(a "%\\r" b "\\n")'],
    ['<<EOT\n${a}% \n${~ b}\nEOT\n', 'template(a "% " b "\\n")'],
    ['<<EOT\n${a}%%\r\n${~ b}\nEOT\n', 'template(a "%%" b "\\n")'],
    ['<<EOT\n${a ~}\nEOT\n', 'template(a "")'],
    ['<<EOT\nEOT x\n x EOT\nEOT\n', '"EOT x\\n x EOT\\n"'],
    ['<<EOT\n${<<EOT\ninner\nEOT\n}\nEOT\n', 'template("inner\\n" "\\n")'],
    ['<<é-1\na\né-1\n', '"a\\n"'],
    // The least indentation of all lines goes; lines of blanks only do not count.
    ['<<-EOT\n    a\n      b\n\n  \n    c\n    EOT\n', '"a\\n  b\\n\\n  \\nc\\n"'],
    ['<<-EOT\n\ta\n\t\tb\n\tEOT\n', '"a\\n\\tb\\n"'],
    ['<<-EOT\n    ${a} b\n      c\n  EOT\n', 'template("" a " b\\n  c\\n")'],
    ['<<-EOT\n${a}\n    b\nEOT\n', 'template(a "\\n    b\\n")'],
    // Strip markers are applied first, so that what they leave is what is counted: Terraform's own surprise.
    ['<<-EOT\n    a\n    ${b ~}\n    c\n  EOT\n', 'template("a\\n" b "    c\\n")'],
  ])('%s is %s', check);
});

describe('a text that is a template', () => {
  test.for<Row>([
    ['', '""'],
    ['a "b" \\n\n  c\n', '"a \\"b\\" \\\\n\\n  c\\n"'],
    ['${a}', 'wrap(a)'],
    ['a ${b}\r\n%{ if c ~}\nd\n%{ endif ~}\n', 'template("a " b "\\r\\n" if(c ? "d\\n" : "") "")'],
    ['50% of $5 $', '"50% of $5 $"'],
    ['a\rb${c}', 'template("a\\rb" c)'],
    ['"${a}', 'template("\\"" a)'],
  ])('%s is %s', ([text, expected]) => {
    const { expression, diagnostics } = parseTemplate(text, 'x.tftpl');
    expect(diagnostics).toEqual([]);
    expect(show(expression)).toBe(expected);
  });
});

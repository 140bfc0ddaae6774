import { describe, expect, test } from 'vitest';
import { formatFile } from '../../../src/hcl/format/format.ts';
import type { Expression } from '../../../src/hcl/syntax/ast.ts';
import { NESTING_LIMIT } from '../../../src/hcl/syntax/cursor.ts';
import { parseExpression, parseFile, parseTemplate } from '../../../src/hcl/syntax/parser.ts';
import { show, showBody } from './show.ts';

/** Generous: a slow machine under load must pass, anything quadratic must not. */
const SECONDS = 15;

function timed<T>(work: () => T): T {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(SECONDS);
  return result;
}

const deep = 100_000;
type Row = readonly [what: string, text: string];

describe(`nesting of ${deep} levels is refused with one clear error`, () => {
  test.for<Row>([
    ['brackets', `a = ${'['.repeat(deep)}${']'.repeat(deep)}\n`],
    ['brackets that never close', `a = ${'['.repeat(deep)}`],
    ['parentheses', `a = ${'('.repeat(deep)}1${')'.repeat(deep)}\n`],
    ['braces', `a = ${'{a='.repeat(deep)}1${'}'.repeat(deep)}\n`],
    ['calls', `a = ${'f('.repeat(deep)}1${')'.repeat(deep)}\n`],
    ['indexes', `a = ${'b['.repeat(deep)}1${']'.repeat(deep)}\n`],
    ['signs', `a = ${'-'.repeat(deep)}1\n`],
    ['negations', `a = ${'!'.repeat(deep)}1\n`],
    ['for', `a = ${'[for x in '.repeat(deep)}y${' : x]'.repeat(deep)}\n`],
    ['templates', `a = ${'"${'.repeat(deep)}1${'}"'.repeat(deep)}\n`],
    ['directives', `a = "${'%{ if b }'.repeat(deep)}${'%{ endif }'.repeat(deep)}"\n`],
    ['conditionals', `a = ${'b ? c : '.repeat(deep)}d\n`],
    ['conditionals in the middle', `a = ${'b ? '.repeat(deep)}c${' : d'.repeat(deep)}\n`],
    ['a chain of sums', `a = 1${' + 1'.repeat(deep)}\n`],
    ['a chain of indexes', `a = b${'[c]'.repeat(deep)}\n`],
    ['a chain of splats', `a = b${'[*]'.repeat(deep)}\n`],
    ['a chain of calls and steps', `a = f()${'[c].d'.repeat(deep)}\n`],
    ['blocks', `${'a {\n'.repeat(deep)}${'}\n'.repeat(deep)}`],
    ['brackets, braces and calls mixed', `a = ${'[{b=f('.repeat(deep)}1${')}]'.repeat(deep)}\n`],
  ])('%s', ([, text]) => {
    const { diagnostics } = timed(() => parseFile(text, 'x'));
    expect(diagnostics.map(({ code }) => code)).toEqual(['hcl-nesting-too-deep']);
    expect(timed(() => formatFile(text, 'x')).ok).toBe(false);
  });

  test.for<Row>([
    ['heredocs', `a = ${'<<E\n${'.repeat(deep)}`],
    ['blocks on one line', 'a { '.repeat(deep)],
    ['closing braces', '}'.repeat(deep)],
    ['closing brackets', `a = ${']'.repeat(deep)}`],
    ['mixed brackets that never close', `a = ${'[({'.repeat(deep)}`],
    ['openers of everything', `a = ${'f(["${{'.repeat(deep)}`],
    ['block headers that never end', 'a "b" '.repeat(deep)],
  ])('and so is anything of %s', ([, text]) => {
    const { diagnostics } = timed(() => parseFile(text, 'x'));
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.length).toBeLessThanOrEqual(100);
  });
});

describe('what is accepted is never deeper than the limit', () => {
  const depthOf = (node: Expression): number => show(node).split(/(?<=[[(])/).length - 1;

  test.for<Row>([
    ['brackets', `${'['.repeat(NESTING_LIMIT)}${']'.repeat(NESTING_LIMIT)}`],
    ['sums', `1${' + 1'.repeat(NESTING_LIMIT)}`],
    ['signs', `${'-'.repeat(NESTING_LIMIT)}1`],
  ])('%s up to it are fine, one more are not', ([, text]) => {
    const { expression, diagnostics } = parseExpression(text, 'x');
    expect(diagnostics).toEqual([]);
    expect(depthOf(expression)).toBe(NESTING_LIMIT);
    const one = text.startsWith('[') ? `[${text}]` : text.startsWith('-') ? `-${text}` : `${text} + 1`;
    expect(parseExpression(one, 'x').diagnostics).toHaveLength(1);
  });

  test('also where brackets hold long chains', () => {
    let text = '1';
    for (let level = 0; level < 20; level++) text = `(${text}${' + 1'.repeat(30)})`;
    expect(parseExpression(text, 'x').diagnostics).toMatchObject([{ code: 'hcl-nesting-too-deep' }]);
  });

  test('names with any number of steps are one node', () => {
    const { expression, diagnostics } = timed(() => parseExpression(`a${'.b[0]'.repeat(deep)}`, 'x'));
    expect(diagnostics).toEqual([]);
    expect(expression).toMatchObject({ kind: 'traversal', steps: { length: 2 * deep } });
  });
});

test('ten megabytes are read in one go', () => {
  const piece = 'host "web" {\n  a = [1, "x${y}", { b = 2 }]\n}\n';
  const { body, diagnostics } = timed(() => parseFile(piece.repeat(10_000_000 / piece.length), 'x'));
  expect(diagnostics).toEqual([]);
  expect(body.blocks.length).toBeGreaterThan(200_000);
});

describe('a megabyte takes linear time', () => {
  const size = 1_000_000;
  const fill = (piece: string): string => piece.repeat(Math.ceil(size / piece.length));

  test.for<Row>([
    ['of blocks', fill('host "web" {\n  a = [1, "x${y}", { b = 2 }]\n}\n')],
    ['of one list', `a = [${fill('1, ')}]`],
    ['of one string', `a = "${fill('x')}"`],
    ['of one template', `a = "${fill('${b} ')}"`],
    ['of one heredoc', `a = <<-EOT\n${fill('    line $5 %x\n')}EOT\n`],
    ['of comments', fill('# comment\n')],
    ['of line endings', fill('\r\n')],
    ['of one object', `a = {\n${fill('  k = 1\n')}}`],
  ])('%s, which are valid', ([, text]) => {
    expect(timed(() => parseFile(text, 'x')).diagnostics).toEqual([]);
  });

  test.for<Row>([
    ['of arguments of one name', fill('a = 1\n')],
    ['of quotes', fill('"')],
    ['of quotes at line starts', fill('a = "\n')],
    ['of strings that go on and on', `a = "${fill('x\n')}`],
    ['of backslashes', `a = "${fill('\\')}`],
    ['of dollars', `a = "${fill('$')}`],
    ['of dollars and braces', fill('${')],
    ['of comment starts', fill('/*')],
    ['of heredoc starts', fill('<<A\n')],
    ['of dots and digits', `a = 1${fill('.')}`],
    ['of NUL', fill('\0')],
    ['of byte order marks', fill('\ufeff')],
    ['of combining marks', `a = ${fill('\u0301')}`],
    ['of names', fill('a ')],
    ['of open brackets at line starts', fill('a = [\n')],
    ['of wrong lines', fill('a b = ]\n')],
    ['of one wrong line', fill('a b = ] ')],
    ['of operators', `a = ${fill('+')}`],
    ['of else', `a = "${fill('%{ else }')}"`],
  ])('%s, which are not', ([, text]) => {
    const { diagnostics } = timed(() => parseFile(text, 'x'));
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.length).toBeLessThanOrEqual(200);
  });

  test('of a template file', () => {
    expect(timed(() => parseTemplate(fill('a ${b} %{ if c }d%{ endif }\n'), 'x')).diagnostics).toEqual([]);
  });

  test('to format', () => {
    const text = fill('host "web" {\n a=[1,"x${y}",{b=2}]\nbb  =  2 # c\n}\n');
    expect(timed(() => formatFile(text, 'x')).ok).toBe(true);
  });
});

test('a file of replacement characters with one wrong byte at its end is told where that is', () => {
  const bytes = Buffer.concat([Buffer.from('\ufffd'.repeat(1_000_000)), Buffer.from([0xff])]);
  const { diagnostics } = timed(() => parseFile(bytes, 'x'));
  expect(diagnostics).toMatchObject([
    { code: 'hcl-invalid-encoding', subject: { start: { column: 1_000_001 } } },
  ]);
});

test('names that are properties of every object are names like others', () => {
  const text =
    '__proto__ = 1\nconstructor = { __proto__ = 2, toString = 3 }\nhasOwnProperty "__proto__" {}\n';
  const { body, diagnostics } = parseFile(text, 'x');
  expect(diagnostics).toEqual([]);
  expect(showBody(body)).toBe(
    '__proto__ = 1; constructor = object(__proto__: 2, toString: 3); hasOwnProperty "__proto__" {  }',
  );
});

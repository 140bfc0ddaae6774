import { describe, expect, test } from 'vitest';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';
import { errorsOf } from './show.ts';

type Row = readonly [what: string, text: string, ...errors: string[]];

const check = ([, text, ...errors]: Row): void => expect(errorsOf(text)).toEqual(errors);

describe('arguments', () => {
  test.for<Row>([
    ['a value that is not there', 'a =\n', '1:4-2:1 Invalid expression'],
    ['a value that is not there, at the end', 'a =', '1:4-4 Missing expression'],
    ['two on a line', 'a = 1 b = 2\n', '1:7-8 Missing newline after argument'],
    ['a comma at the end', 'a = 1,\nb = 2\n', '1:6-7 Unexpected comma after argument'],
    ['a colon for the equals sign', 'a: 1\n', '1:1-2 Argument or block definition required'],
    ['a name in quotes', '"a" = 1\n', '1:1-2 Invalid argument name'],
    ['a name by itself', 'a\n', '1:1-2 Argument or block definition required'],
    ['the same one twice', 'a = 1\na = 2\n', '2:1-2 Attribute redefined'],
    ['a number that is none', 'a = 1.2.3\n', '1:5-10 Invalid number literal'],
    ['a number with letters', 'a = 0x1F\n', '1:6-9 Missing newline after argument'],
    ['single quotes', "a = 'x'\n", '1:5-6 Invalid character'],
    ['curly quotes', 'a = “x”\n', '1:5-6 Invalid character', '1:7-8 Invalid character'],
    ['a semicolon', 'a = 1;\n', '1:6-7 Invalid character'],
    ['a no-break space', 'a =\u00a01\n', '1:4-5 Invalid character'],
    ['NUL', 'a = \0\n', '1:5-6 Invalid character'],
    ['a carriage return alone', 'a = 1\rb = 2\n', '1:6-7 Invalid character'],
    ['an operator for bits', 'a = 1 & 2\n', '1:7-8 Unsupported operator'],
    ['an operator that is not there', 'a = b ?? c\n', '1:8-9 Invalid expression'],
    ['a namespace and no call', 'a = b::c\n', '1:9-2:1 Missing open parenthesis'],
    ['a namespace and no name', 'a = b::\n', '1:8-2:1 Missing function name'],
    ['two legacy indexes', 'a = b.0.1\n', '1:7-10 Invalid legacy index syntax'],
    ['a dot and nothing', 'a = b.\n', '1:7-2:1 Invalid attribute name'],
    ['a splat in a splat', 'a = b.*.*\n', '1:9-10 Nested splat expression not allowed'],
    ['a comment without an end', 'a = 1\n/* b = 2\n', '2:1-3 Unclosed comment'],
  ])('%s', check);
});

describe('brackets', () => {
  test.for<Row>([
    ['a list without its bracket', 'a = [1, 2\nb = 3\n', '1:5-6 Unterminated tuple constructor expression'],
    ['a list without a comma', 'a = [1 2]\nb = 3\n', '1:8-9 Missing item separator'],
    ['two commas', 'a = [1,,2]\n', '1:8-9 Invalid expression'],
    ['a call without its bracket', 'a = f(1\nb = 2\n', '1:5-7 Unterminated function call'],
    ['a call without a comma', 'a = f(1 2)\n', '1:9-10 Missing argument separator'],
    ['a call that goes on after ...', 'a = f(b..., 1)\n', '1:8-11 Missing closing parenthesis'],
    ['parentheses', 'a = (1\nb = 2\n', '2:1-2 Unbalanced parentheses'],
    ['an index', 'a = b[0\nc = 1\n', '2:1-2 Missing close bracket on index'],
    ['a splat', 'a = b[*\nc = 1\n', '1:8-2:1 Missing close bracket on splat index'],
    [
      'an object at the end of the file',
      'a = {\n  b = 1\n',
      '1:5-6 Unterminated object constructor expression',
    ],
    ['an object without a comma', 'a = { b = 1 c = 2 }\n', '1:13-14 Missing attribute separator'],
    ['an object without a value', 'a = { b }\n', '1:9-10 Missing key/value separator'],
    ['an object without a value, on lines', 'a = {\n  b\n}\n', '2:4-3:1 Missing attribute value'],
    ['an object key that is no name', 'a = { 1.2_b = 1 }\n', '1:10-12 Missing key/value separator'],
    ['a value on the next line', 'a = { b =\n 1 }\n', '1:10-2:1 Invalid expression'],
    ['a conditional without its colon', 'a = b ? c\n', '1:10-2:1 Missing false expression in conditional'],
    ['a brace too many', 'a {\n}\n}\nb = 1\n', '3:1-2 Argument or block definition required'],
  ])('%s', check);
});

describe('blocks', () => {
  test.for<Row>([
    ['a brace on the next line', 'a "x"\n{\n}\n', '1:6-2:1 Invalid block definition'],
    ['an equals sign', 'a "x" = {\n}\n', '1:7-8 Invalid block definition'],
    ['a label that is a number', 'a 1 {\n}\n', '1:1-2 Argument or block definition required'],
    ['a label with a template', 'a "${b}" {\n}\n', '1:4-6 Invalid string literal'],
    ['no closing brace', 'a {\n  b = 1\n', '1:3-4 Unclosed configuration block'],
    ['two arguments on one line', 'a { b = 1, c = 2 }\n', '1:10-11 Invalid single-argument block definition'],
    [
      'two arguments without a comma',
      'a { b = 1 c = 2 }\n',
      '1:11-12 Invalid single-argument block definition',
    ],
    ['a block on the line of a block', 'a { b {} }\n', '1:5-8 Argument definition required'],
    ['a brace below', 'a { b = 1\n}\n', '1:10-2:1 Invalid single-argument block definition'],
    ['something after the brace', 'a {\n} b = 1\n', '2:3-4 Missing newline after block definition'],
    ['a colon in a block of one line', 'a { b: 1 }\n', '1:5-6 Argument or block definition required'],
  ])('%s', check);
});

describe('for', () => {
  test.for<Row>([
    ['no name', 'a = [for 1 in b : c]\n', "1:10-11 Invalid 'for' expression"],
    ['no second name', 'a = [for k, in b : c]\n', "1:16-17 Invalid 'for' expression"],
    ['no in', 'a = [for k b : c]\n', "1:12-13 Invalid 'for' expression"],
    ['no colon', 'a = [for k in b c]\n', "1:17-18 Invalid 'for' expression"],
    ['a key in a list', 'a = [for k in b : k => k]\n', "1:19-20 Invalid 'for' expression"],
    ['no key in an object', 'a = {for k in b : k}\n', "1:19-20 Invalid 'for' expression"],
    ['grouping in a list', 'a = [for k in b : k...]\n', "1:20-23 Invalid 'for' expression"],
    ['more after it', 'a = [for k in b : k, 1]\n', "1:20-21 Invalid 'for' expression"],
  ])('%s', check);
});

describe('strings and templates', () => {
  test.for<Row>([
    ['a quote that is missing', 'a = "x\nb = "y"\nc = 1\n', '1:7-2:1 Invalid multi-line string'],
    ['a string of two lines', 'a = "x\ny"\nb = 1\n', '1:7-2:1 Invalid multi-line string'],
    ['a wrong escape', 'a = "\\d"\n', '1:6-8 Invalid escape sequence'],
    ['a short escape', 'a = "\\u12"\n', '1:6-10 Invalid escape sequence'],
    ['an escape of half a character', 'a = "\\ud800"\n', '1:6-12 Invalid escape sequence'],
    ['an escaped template', 'a = "\\${b}"\n', '1:6-8 Invalid escape sequence'],
    [
      'two wrong escapes',
      'a = "\\d\\e"\n',
      '1:6-8 Invalid escape sequence',
      '1:8-10 Invalid escape sequence',
    ],
    [
      'an interpolation without its brace',
      'a = "${b"\nc = 1\n',
      '1:6-8 Unclosed template interpolation sequence',
      '1:10-2:1 Invalid multi-line string',
    ],
    ['nothing to interpolate', 'a = "${}"\n', '1:8-9 Invalid expression'],
    ['shell in a template', 'a = "${b:-c}"\n', '1:9-10 Extra characters after interpolation expression'],
    ['a directive that is none', 'a = "%{ iff b }"\n', '1:9-12 Invalid template control keyword'],
    ['a directive without a keyword', 'a = "%{ 1 }"\n', '1:9-10 Invalid template directive'],
    ['an if without its end', 'a = "%{ if b }x"\n', '1:16-16 Unexpected end of template'],
    ['an end without an if', 'a = "%{ endif }"\n', '1:6-16 Unexpected endif directive'],
    ['an if that ends as a for', 'a = "%{ if b }%{ endfor }"\n', '1:15-26 Unexpected endfor directive'],
    [
      'else in a for',
      'a = "%{ for b in c }%{ else }%{ endfor }"\n',
      '1:21-30 Unexpected else directive',
      '1:30-41 Unexpected endfor directive',
    ],
    ['a for without in', 'a = "%{ for b c }%{ endfor }"\n', "1:15-16 Invalid 'for' directive"],
    ['more in a directive', 'a = "%{ if b c }%{ endif }"\n', '1:14-15 Extra characters in if marker'],
    ['a heredoc without its end', 'a = <<EOT\nb\n', '3:1-1 Unterminated template string'],
    [
      'a heredoc marker that is followed by more',
      'a = <<EOT x\nb\nEOT\n',
      '1:5-6 Invalid expression',
      '2:1-2 Argument or block definition required',
      '3:1-4 Argument or block definition required',
    ],
  ])('%s', check);
});

describe('all errors of a file are found', () => {
  test('one in each item, at the top and in blocks', () => {
    const text = [
      'a = ]', //
      'b = f(1',
      'c {',
      '  d = "x',
      '  e: 1',
      '  f {',
      '    g = [1 2]',
      '  }',
      '}',
      '"h" = 1',
      'i = 1, j = 2',
      'k = {a b}',
      'l = 1',
      'l = 2',
      '',
    ].join('\n');
    expect(errorsOf(text)).toEqual([
      '1:5-6 Invalid expression',
      '2:5-7 Unterminated function call',
      '4:9-5:1 Invalid multi-line string',
      '5:3-4 Argument or block definition required',
      '7:12-13 Missing item separator',
      '10:1-2 Invalid argument name',
      '11:6-7 Unexpected comma after argument',
      '12:8-9 Missing key/value separator',
      '14:1-2 Attribute redefined',
    ]);
  });

  test('and what could be read is there', () => {
    const { body } = parseFile('a = ]\nb {\n  c = [1\n  d = 2\n}\ne = 3\n', 'test.hcl');
    expect(body.attributes.map(({ name }) => name)).toEqual(['a', 'e']);
    expect(body.blocks[0]?.body.attributes.map(({ name }) => name)).toEqual(['c', 'd']);
  });

  test('up to a hundred, in the order of the file', () => {
    const found = errorsOf(Array.from({ length: 100_000 }, (_, index) => `a${index} = ]\n`).join(''));
    expect(found).toHaveLength(100);
    expect(found[99]).toBe('100:7-8 Invalid expression');
  });
});

describe('hints say what to do', () => {
  test.for<readonly [text: string, hint: string]>([
    ['a: 1\n', 'Write a = instead of a:'],
    ['"a" = 1\n', 'Write the name without its quotes.'],
    ['a = "x\n', 'If the string was meant to end on this line, its closing quote (") is missing.'],
    [
      'a {\n  b {\n\n  c {\n  }\n}\n',
      'The brace is probably missing before line 4, where "c" begins at the level of the block on line 2.',
    ],
    [
      'a = <<EOT\nx\n  EOTX\n',
      'The heredoc ends at a line that has nothing but EOT on it, and a line ending after that.',
    ],
    ['a = {for k in b : k}\n', 'Write { for ... : key => value }, or use [ ] to build a tuple.'],
    ['}\n', 'This brace closes nothing: there is one too many, or an opening one is missing above.'],
  ])('%j: %s', ([text, hint]) => {
    expect(parseFile(text, 'test.hcl').diagnostics.map((diagnostic) => diagnostic.hint)).toContain(hint);
  });

  test('and a character that cannot be seen is named', () => {
    const [diagnostic] = parseFile('a =\u00a01\n', 'test.hcl').diagnostics;
    expect(diagnostic?.detail).toBe(
      'This character is not used within the language. It is U+00A0, a no-break space.',
    );
  });
});

describe("HashiCorp's words", () => {
  test('name ranges as file:line,column-column', () => {
    const [diagnostic] = parseFile('aé = 1\n\naé = 2\n', 'x/y.hcl').diagnostics;
    expect(diagnostic?.detail).toBe(
      'The argument "aé" was already set at x/y.hcl:1,1-3. Each argument may be set only once.',
    );
  });

  test('suggest a keyword', () => {
    const [diagnostic] = parseFile('a = "%{ ende }"', 'x').diagnostics;
    expect(diagnostic?.detail).toBe('"ende" is not a valid template control keyword. Did you mean "else"?');
  });

  test('have a code for each, and the place around them where it helps', () => {
    const [diagnostic] = parseFile('b {\n  a = [\n    1 2\n  ]\n}\n', 'x').diagnostics;
    expect(diagnostic).toMatchObject({
      code: 'hcl-missing-separator',
      severity: 'error',
      context: { start: { line: 2, column: 7 }, end: { line: 3, column: 8 } },
    });
  });
});

import { describe, expect, test } from 'vitest';
import type { Diagnostic, SourceRange } from '../../../src/model/diagnostic.ts';
import { asAddress } from '../../../src/model/words.ts';
import { renderDiagnostic } from '../../../src/ui/diagnostic.ts';
import { columns } from '../../../src/ui/layout.ts';
import { workMsOf } from '../../rig/work-time.ts';

const file = 'environments/prod/shop.hcl';

/** A range by line and column; bytes do not matter for drawing. */
function range(line: number, column: number, endLine: number, endColumn: number): SourceRange {
  return { file, start: { line, column, byte: 0 }, end: { line: endLine, column: endColumn, byte: 0 } };
}

const problem: Diagnostic = {
  code: 'health-timeout',
  severity: 'error',
  summary: 'The service did not become healthy in time',
  detail: 'shop-green on web-2 answered with 503.',
};

function draw(
  diagnostic: Partial<Diagnostic>,
  text?: string,
  style: { color?: boolean; width?: number } = {},
): string {
  return renderDiagnostic(
    { ...problem, ...diagnostic },
    {
      sources: (name) => (name === file ? text : undefined),
      color: style.color ?? false,
      width: style.width ?? 80,
    },
  );
}

const shop = ['service "shop" {', '  port = 1', '  deadline = 60s', '}', '', 'a = 1', ''].join('\n');

describe('the frame', () => {
  test('has the summary, the place with its block, the marked line, the detail and the hint', () => {
    const text = draw({ subject: range(3, 14, 3, 17), hint: 'Write "60s".' }, shop);
    expect(text).toBe(
      [
        '╷',
        '│ Error: The service did not become healthy in time',
        '│',
        `│   on ${file} line 3, in service "shop":`,
        '│    3:   deadline = 60s',
        '│                    ~~~',
        '│',
        '│ shop-green on web-2 answered with 503.',
        '│',
        '│ Write "60s".',
        '╵',
        '',
      ].join('\n'),
    );
  });

  test('says a warning, and names the address when there is no place', () => {
    const text = draw({ severity: 'warning', address: asAddress('service.shop') });
    expect(text.split('\n').slice(1, 4)).toEqual([
      '│ Warning: The service did not become healthy in time',
      '│',
      '│   with service.shop',
    ]);
  });

  test('shows the values below the line, one to a line', () => {
    const text = draw({ subject: range(6, 1, 6, 2), values: ['var.a is 1', 'var.b is a string'] }, shop);
    expect(text).toContain(
      [
        '│    6: a = 1',
        '│       ~',
        '│     ├────────────────',
        '│     │ var.a is 1',
        '│     │ var.b is a string',
      ].join('\n'),
    );
  });

  test('underlines with colour, and then has no line of tildes', () => {
    const text = draw({ subject: range(3, 14, 3, 17) }, shop, { color: true });
    expect(text).toContain('deadline = \x1b[4m60s\x1b[24m');
    expect(text).not.toContain('~');
  });
});

describe('the place', () => {
  test.for<[string, SourceRange, string | undefined, string]>([
    [
      'is named without a colon when the text is not at hand',
      range(3, 1, 3, 2),
      undefined,
      `│   on ${file} line 3\n`,
    ],
    ['has no block outside of one', range(6, 1, 6, 2), shop, `│   on ${file} line 6:\n`],
    ['is the block itself in its header', range(1, 9, 1, 15), shop, ', in service "shop":\n'],
    [
      'is the block of a single line',
      range(1, 12, 1, 13),
      'output "x" { value = y }\n',
      ', in output "x":\n',
    ],
    [
      'is not the single-line block above',
      range(2, 1, 2, 2),
      'output "x" { value = y }\nz = 1\n',
      'line 2:\n',
    ],
    [
      'is counted without a byte order mark',
      range(1, 1, 1, 2),
      '\ufeffa = 1\n',
      '│    1: a = 1\n│       ~\n',
    ],
  ])('%s', ([, subject, text, expected]) => {
    expect(draw({ subject }, text)).toContain(expected);
  });

  test.for<[string, SourceRange, string, string]>([
    [
      'counts grapheme clusters',
      range(1, 5, 1, 7),
      '"👩‍👩‍👧é" x\n',
      '│    1: "👩‍👩‍👧é" x\n│            ~~\n',
    ],
    ['is one mark for a line ending', range(1, 4, 2, 1), 'a =\nb = 1\n', '│    1: a =\n│          ~\n'],
    ['is one mark at the end of the file', range(1, 4, 1, 4), 'a =', '│    1: a =\n│          ~\n'],
    [
      'covers every line of a long subject',
      range(1, 5, 3, 2),
      'a = [\n  1\n]\n',
      '│    2:   1\n│       ~~~\n│    3: ]\n│       ~\n',
    ],
    ['draws a tab as blanks', range(1, 2, 1, 3), '\ta\n', '│    1:     a\n│           ~\n'],
    ['leaves out a carriage return', range(1, 1, 1, 2), 'a\r\nb\r\n', '│    1: a\n│       ~\n'],
  ])('a mark %s', ([, subject, text, expected]) => {
    expect(draw({ subject }, text)).toContain(expected);
  });

  test('shows the lines around the subject that belong to it, and leaves out the middle of many', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `l${index + 1} = 1`);
    const text = draw({ subject: range(30, 1, 30, 3), context: range(1, 1, 30, 3) }, lines.join('\n'));
    expect(text).toContain('│    1: l1 = 1\n│     ...\n');
    expect(text).toContain('│   29: l29 = 1\n│   30: l30 = 1\n│       ~~\n');
    expect(text.split('\n').length).toBeLessThan(20);
  });
});

describe('whatever the texts hold, every line stays in the frame', () => {
  const bars = /^[╷│╵]/u;
  test.for<[string, Partial<Diagnostic>, string | undefined]>([
    ['a detail of several paragraphs', { detail: 'One.\n\n  kept\n\nTwo.' }, undefined],
    ['line endings in the summary', { summary: 'a\r\nb\nc' }, undefined],
    ['escape sequences in the source', { subject: range(1, 1, 1, 9) }, 'a = "\x1b[2J\x07"\n'],
    [
      'escape sequences in the file name',
      { subject: { ...range(1, 1, 1, 2), file: 'a\x1b[31m\nb' } },
      undefined,
    ],
    ['text that is turned around', { detail: 'a \u202e b \u2028 c' }, undefined],
    ['values of several lines', { subject: range(1, 1, 1, 2), values: ['x is "a\nb"'] }, 'x\n'],
    ['positions outside of the text', { subject: range(90, 7, 91, 3) }, 'x\n'],
    ['a range that ends before it starts', { subject: range(2, 5, 1, 1) }, 'abcdefgh\nabcdefgh\n'],
  ])('%s', ([, diagnostic, text]) => {
    for (const line of draw(diagnostic, text).trimEnd().split('\n')) {
      expect(line).toMatch(bars);
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e\u2028]/);
      expect(line).toBe(line.trimEnd());
    }
  });

  test('prose is wrapped to the width, and lines that begin with a blank are not', () => {
    const detail = `${'word '.repeat(40)}\n  ${'x'.repeat(70)}`;
    const lines = draw({ detail }, undefined, { width: 40 }).split('\n');
    expect(lines.filter((line) => line.includes('word')).every((line) => columns(line) <= 40)).toBe(true);
    expect(lines).toContain(`│   ${'x'.repeat(70)}`);
  });

  test('a line of ten megabytes is cut around its subject', () => {
    const line = `${'a'.repeat(5_000_000)}HERE${'b'.repeat(5_000_000)}`;
    let text = '';
    const workMs = workMsOf(() => {
      text = draw({ subject: range(1, 5_000_001, 1, 5_000_005) }, line);
    });
    expect(workMs).toBeLessThan(2_000);
    const [code = '', mark = ''] = text.split('\n').slice(4, 6);
    expect(code).toMatch(/^│ {4}1: …a+HEREb+…$/);
    expect(columns(code)).toBeLessThanOrEqual(82);
    expect(mark.trimEnd().length).toBe(code.indexOf('HERE') + 4);
  });
});

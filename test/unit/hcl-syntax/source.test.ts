import { describe, expect, test } from 'vitest';
import { countGraphemes, SourceText } from '../../../src/hcl/syntax/source.ts';

type Row = readonly [what: string, text: string, offset: number, line: number, column: number, byte: number];

describe('positions', () => {
  test.for<Row>([
    ['the start', 'abc', 0, 1, 1, 0],
    ['the end', 'abc', 3, 1, 4, 3],
    ['beyond the end', 'abc', 9, 1, 4, 3],
    ['before the start', 'abc', -1, 1, 1, 0],
    ['the second line', 'a\nbc', 3, 2, 2, 3],
    ['a line ending belongs to its line', 'a\nb', 1, 1, 2, 1],
    ['after the last line ending', 'a\n', 2, 2, 1, 2],
    ['CR LF ends one line', 'a\r\nb', 3, 2, 1, 3],
    ['two bytes are one column', 'éx', 1, 1, 2, 2],
    ['a surrogate pair is one column', '😀x', 2, 1, 2, 4],
    ['a cluster is one column', '👩‍👩‍👧x', 8, 1, 2, 18],
    ['a combining mark has no column', 'e\u0301x', 2, 1, 2, 3],
    ['bytes of the lines before count', 'éé\n日x', 4, 2, 2, 8],
    ['a tab is one column', '\tx', 1, 1, 2, 1],
  ])('%s', ([, text, offset, line, column, byte]) => {
    const source = new SourceText('f', text);
    expect(source.position(offset)).toEqual({ line, column, byte });
    if (offset >= 0 && offset <= text.length) expect(source.offset(line, column)).toBe(offset);
  });

  test('count the bytes that were skipped in front', () => {
    expect(new SourceText('f', 'a\nb', 3).position(2)).toEqual({ line: 2, column: 1, byte: 5 });
  });

  test('agree with counting by hand on any text', () => {
    const text = 'aé\n\n😀b\r\n日本\n\tx👩‍👩‍👧\n';
    const source = new SourceText('f', text);
    for (let offset = 0; offset <= text.length; offset++) {
      const before = text.slice(0, offset);
      const lines = before.split('\n');
      const { line, column, byte } = source.position(offset);
      expect(line).toBe(lines.length);
      expect(column).toBe(countGraphemes(lines.at(-1) ?? '') + 1);
      expect(byte).toBe(new TextEncoder().encode(before.toWellFormed()).length);
    }
  });
});

test('lines come without their endings, and lines that are not there are empty', () => {
  const source = new SourceText('f', 'a\r\nb\n\nc');
  expect(source.lineCount).toBe(4);
  expect([0, 1, 2, 3, 4, 5].map((line) => source.line(line))).toEqual(['', 'a', 'b', '', 'c', '']);
});

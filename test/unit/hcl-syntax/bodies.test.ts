import { describe, expect, test } from 'vitest';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';
import { showBody } from './show.ts';

type Row = readonly [text: string, understood: string];

test.for<Row>([
  ['', ''],
  ['a = 1', 'a = 1'],
  ['a = 1\n\n# c\nb = 2 # d\n', 'a = 1; b = 2'],
  ['a {}\n', 'a {  }'],
  ['a "x" y {\n  b = 1\n}\n', 'a "x" y { b = 1 }'],
  ['a "x" { b = 1 }\n', 'a "x" { b = 1 }'],
  ['a { b = { c = 1 } }', 'a { b = object(c: 1) }'],
  ['a {\n  b {\n  }\n  c = 1\n  b {}\n}', 'a { b {  }; c = 1; b {  } }'],
  ['a "x\\u0041$${y}" {}', 'a "xA${y}" {  }'],
  ['a = 1\nb {}\na1 = 2\n', 'a = 1; b {  }; a1 = 2'],
  ['a = [\n  1,\n]\nb = 2', 'a = tuple(1); b = 2'],
  ['a = <<EOT\nx\nEOT\nb = 2', 'a = "x\\n"; b = 2'],
  ['/* c */ a /* d */ = /* e */ 1 /* f\n */\n', 'a = 1'],
  ['a = 1 // c', 'a = 1'],
  ['for = 1\nif {}\nnull = 2', 'for = 1; if {  }; null = 2'],
  ['a = 1\r\nb {\r\n  c = 2\r\n}\r\n', 'a = 1; b { c = 2 }'],
])('%j is %s', ([text, expected]) => {
  const { body, diagnostics } = parseFile(text, 'test.hcl');
  expect(diagnostics).toEqual([]);
  expect(showBody(body)).toBe(expected);
});

describe('offsets', () => {
  const text = 'é = 1\nhost "web" x {\n  address = each.value[0].a\n}\n';
  const { body, source } = parseFile(text, 'test.hcl');
  const slice = (start: number, end: number): string => text.slice(start, end);

  test('of an argument, its name and its value', () => {
    const [attribute] = body.attributes;
    if (attribute === undefined) throw new Error('no argument');
    expect(slice(attribute.start, attribute.end)).toBe('é = 1');
    expect(slice(attribute.start, attribute.nameEnd)).toBe('é');
    expect(slice(attribute.value.start, attribute.value.end)).toBe('1');
  });

  test('of a block, its type, labels, header and body', () => {
    const [block] = body.blocks;
    if (block === undefined) throw new Error('no block');
    expect(slice(block.start, block.typeEnd)).toBe('host');
    expect(block.labels.map((label) => slice(label.start, label.end))).toEqual(['"web"', 'x']);
    expect(slice(block.start, block.headerEnd)).toBe('host "web" x');
    expect(slice(block.body.start, block.body.end)).toBe('{\n  address = each.value[0].a\n}');
    expect(block.end).toBe(block.body.end);
  });

  test('of a reference, its root and its steps', () => {
    const value = body.blocks[0]?.body.attributes[0]?.value;
    if (value?.kind !== 'traversal') throw new Error('no reference');
    expect(slice(value.start, value.rootEnd)).toBe('each');
    expect(value.steps.map((step) => slice(step.start, step.end))).toEqual(['.value', '[0]', '.a']);
    expect(slice(value.start, value.end)).toBe('each.value[0].a');
  });

  test('become positions with grapheme columns and UTF-8 bytes', () => {
    const value = body.blocks[0]?.body.attributes[0]?.value;
    if (value === undefined) throw new Error('no value');
    expect(source.rangeOf(value)).toEqual({
      file: 'test.hcl',
      start: { line: 3, column: 13, byte: 34 },
      end: { line: 3, column: 28, byte: 49 },
    });
  });
});

describe('encodings', () => {
  const bytes = (...parts: (string | number[])[]): Uint8Array =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

  test('a byte order mark is skipped, and counted in bytes', () => {
    const { body, source, diagnostics } = parseFile(bytes([0xef, 0xbb, 0xbf], 'a = 1\n'), 'test.hcl');
    expect(diagnostics).toEqual([]);
    const [attribute] = body.attributes;
    expect(attribute && source.rangeOf(attribute).start).toEqual({ line: 1, column: 1, byte: 3 });
  });

  test('bytes that are no UTF-8 are one error at the first of them, and nothing is read', () => {
    const { body, diagnostics } = parseFile(bytes('a = "\ufffdé', [0xff], 'x"\n', [0xc3], '\n'), 'test.hcl');
    expect(body.attributes).toEqual([]);
    expect(diagnostics).toMatchObject([
      {
        code: 'hcl-invalid-encoding',
        summary: 'Invalid character encoding',
        detail:
          'All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected in your editor.',
        subject: { start: { line: 1, column: 8, byte: 10 } },
      },
    ]);
  });

  test('UTF-16 is named', () => {
    const { diagnostics } = parseFile(bytes([0xff, 0xfe, 0x61, 0x00]), 'test.hcl');
    expect(diagnostics[0]?.hint).toBe('This file is encoded as UTF-16: save it as UTF-8.');
  });

  test('a replacement character that somebody has written is a character like others', () => {
    expect(parseFile(bytes('a = "\ufffd"'), 'test.hcl').diagnostics).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identical } from '../../../src/hcl/eval/equality.ts';
import { decodeJson, encodeJson } from '../../../src/hcl/eval/json.ts';
import { fromDouble, parseNumber } from '../../../src/hcl/eval/numbers.ts';
import { fromJson, toJson } from '../../../src/hcl/eval/value-json.ts';
import type { Value } from '../../../src/hcl/eval/values.ts';
import { bool, NULL, number, object, string, tuple } from '../../../src/hcl/eval/values.ts';
import { decodeYaml } from '../../../src/hcl/eval/yaml/decode.ts';
import { encodeYaml } from '../../../src/hcl/eval/yaml/encode.ts';
import { YamlFailure } from '../../../src/hcl/eval/yaml/failure.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\t', '"', "'", ':', '-', '#', '\\', '\r', '😀', '\x01'),
    maxLength: 20,
  }),
  fc.constantFrom(
    'yes',
    'null',
    '1',
    '1.5',
    '2024-01-01',
    '~',
    '<<',
    '- a',
    'a: b',
    '|',
    '>',
    '&a',
    '*a',
    '!t',
    '%',
  ),
);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    text.map(string),
    fc.integer().map((n) => number(n)),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((n) => number(parseNumber(String(n)) ?? fromDouble(n))),
    fc.boolean().map(bool),
    fc.constant(NULL),
    fc.array(tie('value'), { maxLength: 4 }).map((elements) => tuple(elements)),
    fc
      .array(fc.tuple(text, tie('value')), { maxLength: 4 })
      .map((entries) => object(new Map(entries.map(([k, v]) => [k.normalize('NFC'), v])))),
  ),
}));

describe('what is written is read back', () => {
  test('as YAML', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(identical(decodeYaml(encodeYaml(original)), original)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('as JSON', () => {
    fc.assert(
      fc.property(value, (original) => identical(decodeJson(encodeJson(original)), original)),
      { numRuns: 3000 },
    );
  });

  test('as JSON with its type', () => {
    fc.assert(
      fc.property(value, (original) => {
        const read = fromJson(JSON.parse(JSON.stringify(toJson(original))));
        expect(read !== undefined && identical(read, original)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

test('no text makes the YAML reader crash or hang', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '|',
    '>',
    '#',
    '&a ',
    '*a',
    '!!str ',
    '? ',
    '%YAML 1.1',
    '---',
    '...',
    '\t',
    '<<',
    '\\',
    '\u2028',
    '1',
  );
  const source = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(source, (yaml) => {
      try {
        decodeYaml(yaml);
      } catch (failure) {
        if (!(failure instanceof YamlFailure)) throw failure;
      }
    }),
    { numRuns: 20_000 },
  );
});

test('no text makes the JSON reader accept what JavaScript refuses', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ',',
    '\n',
    ' ',
    '[',
    ']',
    '{',
    '}',
    '"',
    '1',
    '-',
    '.',
    'e5',
    'true',
    'null',
    '\\u0041',
    '\\n',
  );
  const source = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const isJson = (json: string): boolean => {
    try {
      JSON.parse(json);
      return true;
    } catch {
      return false;
    }
  };
  const isOurs = (json: string): boolean => {
    try {
      decodeJson(json);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(source, (json) => isOurs(json) === isJson(json)),
    { numRuns: 20_000 },
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFile, formatSource } from '../../../src/hcl/format/format.ts';
import { normalize } from '../../../src/hcl/format/normalize.ts';
import { lex } from '../../../src/hcl/syntax/lexer.ts';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';
import { EOF } from '../../../src/hcl/syntax/token.ts';
import { hclDocument } from '../../fuzz/hcl-texts.ts';
import { generated, generatedRecord, handWritten, recordOf } from './golden.ts';
import { terraformFmt, terraformIsHere } from './terraform.ts';

const goldens = [...handWritten(), ...generated()];

describe('gives what terraform fmt gives', () => {
  test.for(handWritten())('$name', ({ text, formatted }) => {
    expect(formatSource(text)).toBe(formatted);
  });

  test('for documents in any layout', () => {
    for (const { text, formatted } of generated()) expect(formatSource(text)).toBe(formatted);
  });
});

describe('differs from terraform fmt on purpose', () => {
  test.for<readonly [why: string, text: string, formatted: string]>([
    ['a label with a $ or % in it is kept: Terraform loses it', 'a "b$c" "%d" {\n}\n', 'a "b$c" "%d" {\n}\n'],
    ['so is one with an escaped template', 'a   "$${b}" {}\n', 'a "$${b}" {}\n'],
    ['wraps in wraps are all taken off: Terraform needs a run for each', 'a = "${"${"${1}"}"}"\n', 'a = 1\n'],
    ['a byte order mark and nothing else is nothing: Terraform writes three blanks', '\ufeff', ''],
  ])('%s', ([, text, formatted]) => {
    expect(formatSource(text)).toBe(formatted);
  });
});

describe('laws', () => {
  test('formatting twice is formatting once', () => {
    for (const { formatted } of goldens) expect(formatSource(formatted)).toBe(formatted);
  });

  test('the tokens stay, apart from the rewrites', () => {
    for (const { text } of goldens) {
      const { body, source } = parseFile(text, '');
      const { pieces } = normalize(source.text, body);
      const wanted = pieces.texts.filter((_, index) => pieces.types[index] !== EOF);
      const result = formatSource(text);
      // One pass is all that these need, so that its tokens are those of the result.
      expect(tokensOf(result)).toEqual(wanted);
    }
  });

  test('a text with a syntax error is not touched, and the errors are told', () => {
    const text = 'a=1\nb=]\n';
    expect(formatSource(text)).toBe(text);
    expect(formatFile(text, 'x.hcl')).toMatchObject({
      ok: false,
      diagnostics: [{ summary: 'Invalid expression', subject: { file: 'x.hcl', start: { line: 2 } } }],
    });
  });

  test('bytes that are no UTF-8 are not touched', () => {
    expect(formatFile(new Uint8Array([0x23, 0xff, 0x0a]), 'x.hcl')).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'hcl-invalid-encoding' }],
    });
  });
});

describe.runIf(terraformIsHere)('asked afresh', () => {
  // Recorded again with `vitest run test/unit/hcl-format -u`.
  test('terraform fmt gives what was recorded', async () => {
    const hand = handWritten();
    const pairs = generated();
    const outputs = terraformFmt([...hand, ...pairs].map(({ text }) => text));
    for (const [index, { name }] of hand.entries()) {
      await expect(outputs[index] ?? 'refused').toMatchFileSnapshot(recordOf(name));
    }
    const recorded = pairs.map(({ text }, index) => [text, outputs[hand.length + index]]);
    await expect(`${JSON.stringify(recorded, undefined, 1)}\n`).toMatchFileSnapshot(generatedRecord);
  });

  test('terraform fmt and ours accept the same documents, and format them alike', () => {
    const texts = fc.sample(hclDocument, 400).filter((text) => text !== '\ufeff');
    const theirs = terraformFmt(texts);
    for (const [index, text] of texts.entries()) {
      const ours = formatFile(text, '');
      expect({ text, formatted: ours.ok ? ours.value : undefined }).toEqual({
        text,
        formatted: theirs[index],
      });
    }
  });
});

function tokensOf(text: string): string[] {
  const { tokens } = lex(text, 'configuration');
  const texts: string[] = [];
  for (let index = 0; index < tokens.count; index++) {
    if (tokens.type(index) !== EOF) texts.push(text.slice(tokens.start(index), tokens.end(index)));
  }
  return texts;
}

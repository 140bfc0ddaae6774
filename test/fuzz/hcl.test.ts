import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { formatFile } from '../../src/hcl/format/format.ts';
import { parseExpression, parseFile, parseTemplate } from '../../src/hcl/syntax/parser.ts';
import { damagedDocument, hclDocument, hclExpression, hclFragments } from './hcl-texts.ts';
import { misplaced } from './hcl-tree.ts';

/** One text may take this long on a machine that is busy with other things; most take less than a millisecond. */
const LONGEST_MS = 2_000;

let inputs = 0;

/** Everything that must hold for any text at all. */
function survives(text: string): void {
  inputs++;
  const started = performance.now();
  const { body, source, diagnostics } = parseFile(text, 'fuzz.hcl');
  for (const { summary, detail, subject } of diagnostics) {
    if (summary === '' || detail === '' || subject === undefined) throw new Error('an error says nothing');
    if (subject.start.byte > subject.end.byte) throw new Error('a range ends before it starts');
    if (subject.end.line > source.lineCount) throw new Error('a range is outside of the text');
  }
  if (diagnostics.length > 200) throw new Error('too many errors');
  const formatted = formatFile(text, 'fuzz.hcl');
  if (formatted.ok !== (diagnostics.length === 0)) throw new Error('formatting and reading disagree');
  if (formatted.ok) {
    const wrong = misplaced(body, source.text);
    if (wrong !== undefined) throw new Error(wrong);
    const again = formatFile(formatted.value, 'fuzz.hcl');
    if (!again.ok || again.value !== formatted.value)
      throw new Error('formatting twice is not formatting once');
  }
  if (performance.now() - started > LONGEST_MS) throw new Error('it took too long');
}

describe('any text is read and formatted without a crash or a hang', () => {
  test.for<readonly [what: string, texts: fc.Arbitrary<string>, runs: number]>([
    ['fragments in a row', hclFragments, 60_000],
    ['damaged documents', damagedDocument, 30_000],
    ['documents', hclDocument, 15_000],
  ])('%s', { timeout: 600_000 }, ([, texts, runs]) => {
    fc.assert(fc.property(texts, survives), { numRuns: runs });
  });

  test('as an expression and as a template too', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(hclFragments, hclExpression), (text) => {
        inputs++;
        parseExpression(text, 'fuzz');
        parseTemplate(text, 'fuzz');
      }),
      { numRuns: 15_000 },
    );
  });

  test('as bytes too', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        inputs++;
        const { diagnostics } = parseFile(bytes, 'fuzz.hcl');
        expect(formatFile(bytes, 'fuzz.hcl').ok).toBe(diagnostics.length === 0);
      }),
      { numRuns: 5_000 },
    );
  });

  afterAll(() => {
    // Not a test of its own: it holds only when all of them have run.
    if (inputs >= 100_000) expect(process.memoryUsage().heapUsed).toBeLessThan(512 * 1024 * 1024);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';

interface Answer {
  readonly id: string;
  readonly expr: string;
  readonly ok: boolean;
  readonly stage?: 'parse' | 'static' | 'eval';
  readonly diagnostics?: readonly { readonly summary: string }[];
}

const golden = new URL('../../golden/hcl-conformance.json', import.meta.url);
const { results } = JSON.parse(readFileSync(golden, 'utf8')) as { results: Answer[] };

/** What we say in other words than Terraform, because it says where the error is and not where it is noticed. */
const otherWords = new Map([
  ['e00677', 'Unterminated tuple constructor expression'],
  ['e00696', 'Missing expression'],
  ['e00697', 'Unterminated function call'],
  ['e00715', 'Missing expression'],
]);

/** Each expression as an argument with a line ending after it, as Terraform was given it. */
const parse = (expression: string) => parseFile(`x = ${expression}\n`, '');

describe("Terraform's answers", () => {
  test.for(results.filter(({ stage }) => stage !== 'parse'))('$id: it reads $expr', ({ expr }) => {
    expect(parse(expr).diagnostics).toEqual([]);
  });

  test.for(results.filter(({ stage }) => stage === 'parse'))(
    '$id: it objects to $expr',
    ({ id, expr, diagnostics = [] }) => {
      const summaries = parse(expr).diagnostics.map(({ summary }) => summary);
      const expected = otherWords.get(id) ?? diagnostics[0]?.summary;
      const alsoFine = diagnostics.map(({ summary }) => summary);
      expect(summaries.length).toBeGreaterThan(0);
      expect([expected, ...alsoFine]).toContain(summaries[0]);
    },
  );
});

/**
 * Our parser against HashiCorp's (hcl2-parser, HCL 2.10), on texts that nobody has thought of: both accept or both
 * object, and what they accept has the same structure, down to the text of every expression.
 */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { compare } from '../../src/hcl/judge/cross-check.ts';
import { askHashicorp } from '../../src/hcl/judge/hashicorp.ts';
import { parseFile } from '../../src/hcl/syntax/parser.ts';
import { damagedDocument, hclDocument, hclFragments } from './hcl-texts.ts';

/** It takes some milliseconds for each, and most of a second for the deepest. */
const runs = 600;

describe("HashiCorp's parser reads in the same way", () => {
  test.for<readonly [what: string, texts: fc.Arbitrary<string>]>([
    ['documents', hclDocument],
    ['damaged documents', damagedDocument],
    ['fragments in a row', hclFragments],
  ])('%s', { timeout: 600_000 }, ([, texts]) => {
    let compared = 0;
    fc.assert(
      fc.property(texts, (given) => {
        // A string of Go has no halves of surrogate pairs.
        const text = given.toWellFormed();
        const result = compare(parseFile(text, 'fuzz.hcl'), askHashicorp(text));
        if (result.result === 'differ') throw new Error(result.diagnostic.detail);
        if (result.result === 'agree') compared++;
      }),
      { numRuns: runs },
    );
    if (compared < runs / 2) throw new Error(`only ${compared} of ${runs} texts could be compared`);
  });
});

describe('where the versions differ, we follow the one of Terraform', () => {
  test.for<readonly [why: string, text: string, weAccept: boolean]>([
    ['a function with a namespace is read, and refused when it is called', 'a = b::c()\n', true],
  ])('%s', { timeout: 600_000 }, ([, text, weAccept]) => {
    if ((parseFile(text, 'x').diagnostics.length === 0) !== weAccept)
      throw new Error('we have changed our mind');
  });
});

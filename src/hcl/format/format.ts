import type { Outcome } from '../../model/diagnostic.ts';
import { parseFile } from '../syntax/parser.ts';
import { layOut } from './layout.ts';
import { normalize } from './normalize.ts';

/** How often the rewrites may find something new in what they have rewritten: once for each level of nesting. */
const PASSES = 500;

/**
 * The text in the canonical form of `terraform fmt` (1.11.4), byte for byte: same tokens, other blanks, and its
 * three rewrites (see {@link normalize}). Line endings, blank lines, comments and heredocs stay as they are.
 *
 * Formatting the result again changes nothing. There we differ from Terraform, which unwraps `"${"${x}"}"` by
 * one level each time it is run. Bytes that are no UTF-8 in a comment are an error here as everywhere else.
 *
 * A text that cannot be parsed is not touched: the outcome has the reasons instead.
 */
export function formatFile(bytes: Uint8Array | string, file: string): Outcome<string> {
  let { body, source, diagnostics } = parseFile(bytes, file);
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  for (let pass = 0; ; pass++) {
    const { pieces, rewritten } = normalize(source.text, body);
    const text = layOut(pieces);
    if (!rewritten || pass === PASSES) return { ok: true, value: text, diagnostics: [] };
    ({ body, source, diagnostics } = parseFile(text, file));
    // Cannot happen, and if it did: the user's text is better than one that we broke.
    if (diagnostics.length > 0) return { ok: false, diagnostics };
  }
}

/** {@link formatFile} for a text that is known to be valid; any other is given back unchanged. */
export function formatSource(text: string): string {
  const formatted = formatFile(text, '');
  return formatted.ok ? formatted.value : text;
}

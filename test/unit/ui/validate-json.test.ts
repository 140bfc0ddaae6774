import { expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/model/index.ts';
import { validateJson } from '../../../src/ui/validate-json.ts';

const snippet = (text: string, from: readonly [number, number], to: readonly [number, number]): unknown => {
  const at = ([line, column]: readonly [number, number]) => ({ line, column, byte: 0 });
  const diagnostic: Diagnostic = {
    severity: 'error',
    code: 'x',
    summary: 'X',
    detail: 'X.',
    subject: { file: 'a.hcl', start: at(from), end: at(to) },
  };
  const [told] = validateJson([diagnostic], () => text).diagnostics;
  if (told === undefined || !('snippet' in told)) throw new Error('no snippet');
  const { code, highlight_start_offset, highlight_end_offset } = told.snippet;
  return code.slice(highlight_start_offset, highlight_end_offset);
};

test.for([
  ['plain text', 'a = "x"\nb = 2\n', [2, 5], [2, 6], '2'],
  [
    'behind what is one character on the screen and several units',
    'n = "👩‍🚀é" + 2\n',
    [1, 12],
    [1, 13],
    '2',
  ],
  ['in a file with a byte order mark', '\ufeffb = 2\n', [1, 5], [1, 6], '2'],
  ['over lines that end in CR LF', 'a = [\r\n  1,\r\n]\r\n', [1, 5], [3, 2], '[\n  1,\n]'],
] as const)('the subject is marked where it stands: %s', ([, text, from, to, marked]) => {
  expect(snippet(text, from, to)).toBe(marked);
});

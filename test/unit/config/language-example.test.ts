import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadText, rendered } from './folder.ts';

const text = readFileSync(join(import.meta.dirname, 'language-example.hcl'), 'utf8');

/** The line up to the end of what a diagnostic is about. */
const upTo = (byte: number): string => (text.slice(0, byte).split('\n').at(-1) ?? '').trim();

test('the whole language is understood; what this version cannot do is refused, each part by name', async () => {
  const loaded = await loadText(text);
  expect(loaded.diagnostics.filter(({ code }) => code !== 'unsupported-yet')).toEqual([]);
  expect(loaded.diagnostics.map(({ subject }) => upTo(subject?.end.byte ?? 0))).toEqual(['resolves']);
  expect(rendered(loaded)).toContain('this version of deployctl cannot act on');
  expect(loaded.declared).toBeUndefined();
});

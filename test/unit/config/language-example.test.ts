import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadText, rendered } from './folder.ts';

const text = readFileSync(join(import.meta.dirname, 'language-example.hcl'), 'utf8');

test('the whole language is understood; nothing of it is refused', async () => {
  const loaded = await loadText(text);
  expect(rendered(loaded)).toBe('');
  expect(loaded.declared).toBeDefined();
});

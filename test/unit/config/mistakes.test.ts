import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { inputOfFolder, rendered } from './folder.ts';

const corpus = join(import.meta.dirname, '../../golden/mistakes');
const mistakes = readdirSync(corpus).sort();

/** `vars.txt`: one `name=value` for each `--var`. */
const flagsOf = (folder: string): readonly string[] => {
  const file = join(folder, 'vars.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
};

test('the corpus has at least 80 mistakes', () => {
  expect(mistakes.length).toBeGreaterThanOrEqual(80);
});

test.for(mistakes)('%s is explained as the golden file says', async (name) => {
  const folder = join(corpus, name);
  const loaded = await loadConfig(inputOfFolder(folder, { fromFlags: flagsOf(folder) }));
  const expected = join(folder, 'expected.txt');
  const text = rendered(loaded);
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(expected, text);
  expect(text).toBe(readFileSync(expected, 'utf8'));
  expect(loaded.diagnostics).not.toEqual([]);
  expect(text).not.toContain('hunter2');
});

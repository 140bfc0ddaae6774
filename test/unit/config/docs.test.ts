import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { topLevelShapes } from '../../../src/config/schema/language.ts';
import type { BlockShape } from '../../../src/config/schema/shape.ts';
import { languageReferencePath, renderLanguageReference } from '../../../tools/docs-language.ts';
import { loadText } from './folder.ts';

test('docs/language.md is what the schema says; if not: node tools/docs-language.ts', () => {
  expect(readFileSync(languageReferencePath, 'utf8')).toBe(renderLanguageReference());
});

test('the examples in the reference are right', async () => {
  const shapes: Readonly<Record<string, BlockShape>> = topLevelShapes;
  const examples = Object.entries(shapes).flatMap(([type, { example }]) =>
    example === undefined || type === 'module' ? [] : [example],
  );
  const { diagnostics, declared } = await loadText(examples.join('\n\n'), { fromFlags: ['version=1.0.0'] });
  expect(diagnostics).toEqual([]);
  expect(declared?.policy.minInServicePercent).toBe(75);
});

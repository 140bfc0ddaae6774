import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandReferencePath, renderCommandReference } from '../../../tools/docs-commands.ts';

test('docs/commands.md is what the commands say; if not: node tools/docs-commands.ts', async () => {
  expect(readFileSync(commandReferencePath, 'utf8')).toBe(await renderCommandReference());
});

/** Configurations that were damaged at random: every one ends with words, none with a crash. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadText, rendered, validateText } from './folder.ts';

const whole = readFileSync(join(import.meta.dirname, 'language-example.hcl'), 'utf8');
const lines = whole.split('\n');

/** What damages that parse: values, references and words in the wrong places. */
const scraps = [
  'null',
  'true',
  '-1',
  '1e400',
  '""',
  '[]',
  '{}',
  '[null]',
  '{ a = null }',
  'var.version',
  'local.web',
  'host.web',
  'host.web["web-1"]',
  'host.web["web-9"]',
  'secret.tsig',
  '"x${secret.tsig}"',
  'service.shop',
  'release.shop',
  'load_balancer.edge',
  'each.value',
  'slot.port',
  'path.module',
  'module.none.x',
  '[for x in host.web : x.name]',
  '{ for k, v in host.web : k => v }',
  'sensitive("x")',
  'toset(["a"])',
  'file("x")',
  'try(var.nothing, 1)',
  '1 / 0',
];

const damage = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(lines.length - 1) }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(lines.length - 1) }),
  fc.record({ kind: fc.constant('swap' as const), at: fc.nat(lines.length - 2) }),
  fc.record({
    kind: fc.constant('value' as const),
    at: fc.nat(lines.length - 1),
    scrap: fc.constantFrom(...scraps),
  }),
);

function damaged(damages: readonly (typeof damage extends fc.Arbitrary<infer D> ? D : never)[]): string {
  const text = [...lines];
  for (const each of damages) {
    const line = text[each.at] ?? '';
    if (each.kind === 'drop') text[each.at] = '';
    else if (each.kind === 'repeat') text[each.at] = `${line}\n${line}`;
    else if (each.kind === 'swap') [text[each.at], text[each.at + 1]] = [text[each.at + 1] ?? '', line];
    else text[each.at] = line.replace(/=[^={]*$/, () => `= ${each.scrap}`);
  }
  return text.join('\n');
}

test('a damaged configuration is explained', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
      const text = damaged(damages);
      const loaded = await loadText(text);
      const explained = rendered(loaded);
      // Some damage leaves it as sound as it was: then it is declared, and nothing complained of.
      const isRefused = loaded.diagnostics.some(({ severity }) => severity === 'error');
      expect(loaded.declared === undefined).toBe(isRefused);
      expect(explained).not.toContain('undefined');
      expect(explained).not.toContain('[object');
      // What stands for a secret while expressions are evaluated begins with this.
      expect(JSON.stringify(loaded.diagnostics)).not.toContain('\u{1ffff}');
      expect(loaded.diagnostics.length).toBeLessThan(200);
      for (const { subject } of loaded.diagnostics) {
        if (subject !== undefined) expect(subject.end.byte).toBeGreaterThanOrEqual(subject.start.byte);
      }
      await validateText(text);
    }),
    { numRuns: 400 },
  );
});

/** Outputs, as people and programs read them after apply. */
import { expect, test } from 'vitest';
import { outputsJson, outputsText } from '../../../src/ui/outputs-text.ts';
import { loadText } from '../config/folder.ts';

const outputsOf = async (text: string) => {
  const { declared, diagnostics } = await loadText(text);
  expect(diagnostics).toEqual([]);
  return declared?.outputs ?? {};
};

test('are told as Terraform does', async () => {
  const outputs = await outputsOf(`
    output "version" { value = "1.0.0" }
    output "urls" { value = { a = ["http://a/", null], b = [1.5, true] } }
    output "none" { value = [] }
    output "escapes" { value = "one\\ntwo \\u001b[31m" }
  `);
  const text = outputsText(outputs);
  expect(text).toMatch(/^Outputs:\n\nescapes = "one\\ntwo /);
  expect(text).not.toContain('\u001b');
  expect(text.slice(text.indexOf('none'))).toBe(`none = []
urls = {
  "a" = [
    "http://a/",
    null,
  ]
  "b" = [
    1.5,
    true,
  ]
}
version = "1.0.0"`);
  expect(outputsJson(outputs)).toMatchObject({ version: { sensitive: false, value: '1.0.0' } });
});

test('of a sensitive one only the name is known, to the plan and the state as well', async () => {
  const outputs = await outputsOf(`
    variable "password" {
      default   = "hunter2"
      sensitive = true
    }
    output "password" {
      value     = "x\${var.password}"
      sensitive = true
    }
  `);
  expect(JSON.stringify(outputs)).not.toContain('hunter2');
  expect(outputsText(outputs)).toBe('Outputs:\n\npassword = (sensitive value)');
  expect(outputsJson(outputs)).toEqual({ password: { sensitive: true } });
});

test('where there are none nothing is said', () => {
  expect(outputsText({})).toBe('');
});

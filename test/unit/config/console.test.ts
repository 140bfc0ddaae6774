/** Expressions about a configuration, as `console` evaluates them. */
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { evaluateText } from '../../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import { inputOf } from './folder.ts';

const load = (text: string) => {
  const files = [{ path: 'main.hcl', bytes: text }];
  return loadConfig({ ...inputOf('/project/environments/prod', files), functions: FUNCTIONS });
};

const configuration = `
  variable "version" { default = "1.0.0" }
  locals { ports = [8081, 8082] }
  secret "db" { env = "DB" }
  host "web" {
    for_each = { web-1 = "10.0.1.11", web-2 = "10.0.1.12" }
    address  = each.value
    labels   = { role = "web" }
  }
  host "lb-1" { address = "10.0.0.5" }
`;

test.for([
  ['var.version', '"1.0.0"'],
  ['max(local.ports...)', '8082'],
  ['[for h in host.web : h.address if h.labels.role == "web"]', '["10.0.1.11","10.0.1.12"]'],
  ['host.lb-1.network_address', '"10.0.0.5"'],
  ['host.web["web-2"].name', '"web-2"'],
  ['length(host.web)', '2'],
  ['path.root', '"."'],
  ['path.module', '"."'],
  ['host.web[*]', undefined],
] as const)('%s is %s', async ([expression, wanted]) => {
  const { scope, diagnostics: before } = await load(configuration);
  expect(before).toEqual([]);
  const { diagnostics } = evaluateText(expression, scope);
  expect(diagnostics).toEqual([]);
  if (wanted === undefined) return;
  const json = evaluateText(`jsonencode(${expression})`, scope).value;
  expect(json).toMatchObject({ kind: 'string', text: wanted });
});

test.for([
  ['var.verison', 'Reference to undeclared input variable', 'Did you mean "version"?'],
  ['host.lb-2.address', 'Reference to undeclared host', 'Did you mean "lb-1"?'],
  ['host.web.address', 'Missing instance key', 'for_each'],
  ['host.web["web-3"].address', 'Invalid index', '"web-3"'],
  ['each.key', 'Reference to "each" in context without for_each', 'for_each'],
  ['nothing', 'Invalid reference', 'nothing'],
  ['host.lb-1.adress', 'Unsupported attribute', 'Did you mean "address"?'],
] as const)('%s is an error: %s', async ([expression, summary, detail]) => {
  const { scope } = await load(configuration);
  const { diagnostics } = evaluateText(expression, scope);
  expect(diagnostics).toMatchObject([{ summary, detail: expect.stringContaining(detail) }]);
});

test('a secret is never shown, also not what is made of it', async () => {
  const { scope } = await load(configuration);
  for (const expression of [
    'secret.db',
    'upper(secret.db)',
    '"x${secret.db}"',
    '[secret.db]',
    'nonsensitive(secret.db)',
  ]) {
    const { value, diagnostics } = evaluateText(expression, scope);
    const said = JSON.stringify(diagnostics);
    expect(said).not.toContain('\u{1ffff}');
    if (diagnostics.length === 0) expect(JSON.stringify([...value.marks, expression])).toMatch(/secret\.db/);
  }
});

import { expect, test } from 'vitest';
import { loadConfig, validateConfig } from '../../../src/config/load.ts';
import type { VariableInputs } from '../../../src/config/variables.ts';
import type { Json } from '../../../src/model/index.ts';
import { inputOf, loadText, validateText } from './folder.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function outputsOf(
  files: Readonly<Record<string, string>>,
  variables: VariableInputs,
): Promise<Readonly<Record<string, Json>>> {
  const given = Object.entries(files).map(([path, text]) => ({ path, bytes: bytes(text) }));
  const { declared, diagnostics } = await loadConfig(inputOf('/project/environments/prod', given, variables));
  expect(diagnostics).toEqual([]);
  return Object.fromEntries(
    Object.entries(declared?.outputs ?? {}).map(([name, { value }]) => [name, value]),
  );
}

const declaration =
  'variable "v" {\n  type    = string\n  default = "default"\n}\noutput "v" {\n  value = var.v\n}\n';
const sources: readonly [string, Readonly<Record<string, string>>, VariableInputs][] = [
  ['default', {}, {}],
  ['auto', { 'a.auto.vars.hcl': 'v = "first"', 'b.auto.vars.hcl': 'v = "auto"' }, {}],
  ['environment', {}, { fromEnvironment: { v: 'environment' } }],
  [
    'file',
    {},
    {
      fromFiles: [
        { path: 'x.hcl', bytes: bytes('v = "first"') },
        { path: 'y.hcl', bytes: bytes('v = "file"') },
      ],
    },
  ],
  ['flag', {}, { fromFlags: ['v=first', 'v=flag'] }],
];

test.for(sources.map(([winner], count) => [winner, count] as const))(
  'of the sources up to "%s" it is the one that wins',
  async ([winner, count]) => {
    const used = sources.slice(0, count + 1);
    const files = Object.assign({ 'main.hcl': declaration }, ...used.map(([, each]) => each));
    const inputs = Object.assign({}, ...used.map(([, , each]) => each));
    expect(await outputsOf(files, inputs)).toEqual({ v: winner });
  },
);

const typed: readonly [type: string, flag: string, value: Json][] = [
  ['string', 'a "b" [c]', 'a "b" [c]'],
  ['string', '', ''],
  ['number', '007', 7],
  ['bool', 'true', true],
  ['list(string)', '["a", 1]', ['a', '1']],
  ['set(string)', '["b", "a", "b"]', ['a', 'b']],
  ['map(number)', '{ a = "1" }', { a: 1 }],
  ['any', '[1, "a"]', [1, 'a']],
  ['tuple([string, bool])', '[1, "true"]', ['1', true]],
  [
    'object({ port = number, path = optional(string, "/"), extra = optional(bool) })',
    '{ port = "80" }',
    { extra: null, path: '/', port: 80 },
  ],
  [
    'list(object({ name = string, tls = optional(object({ on = optional(bool, true) }), {}) }))',
    '[{ name = "a" }, { name = "b", tls = { on = false } }]',
    [
      { name: 'a', tls: { on: true } },
      { name: 'b', tls: { on: false } },
    ],
  ],
  ['map(object({ n = optional(number, 1) }))', '{ x = {}, y = { n = 2 } }', { x: { n: 1 }, y: { n: 2 } }],
  ['object({ name = string })', '{ name = "a", more = 1 }', { name: 'a' }],
];

test.for(typed)('--var of type %s reads %s', async ([type, flag, value]) => {
  const text = `variable "v" {\n  type = ${type}\n}\noutput "v" {\n  value = var.v\n}\n`;
  expect(await outputsOf({ 'main.hcl': text }, { fromFlags: [`v=${flag}`] })).toEqual({ v: value });
});

test('without a type, the text of a flag is a string', async () => {
  const text = 'variable "v" {}\noutput "v" {\n  value = var.v\n}\n';
  expect(await outputsOf({ 'main.hcl': text }, { fromFlags: ['v=[1]'] })).toEqual({ v: '[1]' });
});

test('null stands for the default where null is no value', async () => {
  const text = `variable "v" {
    default  = "d"
    nullable = false
  }
  output "v" {
    value = var.v
  }`;
  expect(await outputsOf({ 'main.hcl': text, 'x.auto.vars.hcl': 'v = null' }, {})).toEqual({ v: 'd' });
});

test('a variable of the environment that nothing declares is nobody’s mistake', async () => {
  expect(await outputsOf({ 'main.hcl': '' }, { fromEnvironment: { someone_elses: '1' } })).toEqual({});
});

test('validation may look at other variables, and says which rule it was', async () => {
  const text = `variable "least" { default = 2 }
  variable "most" {
    default = 1
    validation {
      condition     = var.most >= var.least
      error_message = "most must be at least \${var.least}."
    }
  }`;
  const { diagnostics } = await loadText(text);
  expect(diagnostics).toMatchObject([
    {
      code: 'variable-validation',
      detail: expect.stringMatching(/^most must be at least 2\.\n\n.*main\.hcl:5,2/),
    },
  ]);
});

test('validate needs no values, and still finds what is wrong with any value', async () => {
  const text = `variable "version" { type = string }
  variable "hosts" { type = map(string) }
  host "web" {
    for_each = var.hosts
    address  = each.value
  }
  release "shop" {
    version  = var.version
    artifact = "dist/missing-\${var.version}.tar.gz"
  }
  output "first" { value = upper(release.shop.version) }`;
  expect((await validateText(text)).diagnostics).toEqual([]);
  const wrong = text.replace('address  = each.value', 'address  = each.value\n    prot = 22');
  expect((await validateText(wrong)).diagnostics).toMatchObject([
    { code: 'unsupported-argument', detail: expect.stringContaining('"port"') },
  ]);
});

test('validate reads no artifact', async () => {
  const input = inputOf('/project/environments/prod', [
    { path: 'main.hcl', bytes: 'release "a" {\n version = "1"\n artifact = "dist/missing.tgz"\n}' },
  ]);
  expect((await validateConfig(input)).diagnostics).toEqual([]);
  expect((await loadConfig(input)).diagnostics).toMatchObject([{ code: 'artifact-missing' }]);
});

const recorded: readonly [
  what: string,
  declaration: string,
  given: VariableInputs,
  value: Json | 'missing',
][] = [
  ['is taken where nothing is given', 'type = string', {}, 'old'],
  ['loses against a flag', 'type = string', { fromFlags: ['v=new'] }, 'new'],
  ['loses against a default', 'type = string\n  default = "mine"', {}, 'mine'],
  ['is not taken for a variable that is sensitive by now', 'sensitive = true', {}, 'missing'],
  ['is nothing where the type is another one by now', 'type = map(string)', {}, 'missing'],
];

test.for(recorded)('a value on record %s', async ([, declaration, given, value]) => {
  const text = `variable "v" {\n  ${declaration}\n}\noutput "v" {\n  value = nonsensitive(var.v)\n}\n`;
  const { declared, diagnostics } = await loadText(text, { ...given, fromRecord: { v: 'old', gone: 1 } });
  expect(declared?.outputs.v?.value ?? 'missing').toEqual(value);
  expect(diagnostics.map(({ code }) => code)).toEqual(value === 'missing' ? ['missing-variable-value'] : []);
});

test('what is declared tells the values of required variables, and never sensitive ones', async () => {
  const text = `variable "version" { type = string }
  variable "size" { type = object({ n = number, tags = optional(list(string), ["a"]) }) }
  variable "token" { sensitive = true }
  variable "region" { default = "eu" }`;
  const fromFlags = ['version=1.0', 'size={ n = "3" }', 'token=hush', 'region=us'];
  const { declared } = await loadText(text, { fromFlags });
  expect(declared?.variables).toEqual({ version: '1.0', size: { n: 3, tags: ['a'] } });
});

test('where the state is can be told without the values of variables', async () => {
  const text = (path: string): string =>
    `variable "v" {}\ndeployctl {\n  state "local" { path = ${path} }\n}\noutput "v" { value = var.v }`;
  expect((await loadText(text('"elsewhere"'))).state).toMatchObject({ path: '/project/elsewhere' });
  expect((await loadText(text('var.v'))).state).toBeUndefined();
});

import { describe, expect, test } from 'vitest';
import { renderValue } from '../../../src/hcl/eval/render.ts';
import { toJson } from '../../../src/hcl/eval/value-json.ts';
import { objectOf, sensitive, string, tuple, withMarks } from '../../../src/hcl/eval/values.ts';
import { evaluation, scopeWith, shown } from './evaluating.ts';

const CANARY = 'CANARY7f3a';
const scope = scopeWith({
  hidden: sensitive(string(CANARY)),
  hiddenMap: sensitive(objectOf({ [CANARY]: string(CANARY) })),
  hiddenList: sensitive(tuple([string(CANARY)])),
  digits: sensitive(string('4711')),
  tsig: withMarks(string(CANARY), new Set(['secret.tsig'])),
});

describe('what goes wrong with a sensitive value is said without it', () => {
  test.for([
    '1 + hidden',
    'hidden ? 1 : 2',
    '"x${hiddenMap}"',
    'hiddenMap.x',
    'hiddenMap["x"]',
    'hiddenList[3]',
    '[1][hidden]',
    '{a=1}[hidden]',
    'tonumber(hidden)',
    'true ? {(hidden) = 1} : {a=[]}',
    'true ? [{(hidden) = [1]}] : [{a=1}]',
    'transpose({(hidden) = 1})',
    'tomap({(hidden) = 1, b = []})',
    'tolist([{(hidden) = 1}, [1]])',
    '[for k, v in hiddenMap : k + 1]',
    '[for k, v in hiddenMap : v.x]',
    '[for k, v in hiddenMap : tonumber(k)]',
    '[for k, v in hiddenMap : timeadd(k, "1h")]',
    '[for k, v in hiddenMap : jsondecode(v)]',
    '[for x in [hidden] : x + 1]',
    '{for x in [hidden, hidden] : x => 1}',
    '{for x in hiddenList : x => 1 if x}',
    '"%{ for x in hiddenList }${x + 1}%{ endfor }"',
    'hiddenList[*].nope',
    'format("%d", hidden)',
    'jsondecode(hidden)',
    'yamldecode("${hidden}: [")',
    'csvdecode(hidden)[0]',
    'lookup({}, hidden)',
    'timeadd(hidden, "1h")',
    'timeadd("2024-01-02T03:04:05Z", hidden)',
    'formatdate(hidden, "2024-01-02T03:04:05Z")',
    'cidrhost(hidden, 1)',
    'regex("(${hidden}", "b")',
    'replace("a", "/(${hidden}/", "b")',
    'file(hidden)',
    'templatestring(hidden, {})[0]',
    'textencodebase64("x", hidden)',
    'base64decode(hidden)',
    'uuidv5(hidden, "x")',
    'rsadecrypt(hidden, "x")',
    'parseint(hidden, 10)',
    'parseint("z", digits)',
    'element([1], digits)[0]',
    'range(digits)',
    'zipmap([hidden], [1, 2])',
    'merge({(hidden) = 1}, 1)',
    'try(1 + hidden, hidden.x)',
    'max(hidden)',
    'one([hidden, hidden])',
    '1 + tsig',
    'tonumber(nonsensitive(tsig))',
    'nosuch(hidden)',
    'hidde',
  ])('%s', (text) => {
    const { diagnostics } = evaluation(text, scope);
    expect(diagnostics.length).toBeGreaterThan(0);
    const written = JSON.stringify(diagnostics);
    expect(written).not.toContain(CANARY);
    expect(written).not.toContain('4711');
  });
});

describe('a mark goes over to whatever is computed from the value', () => {
  test.for([
    'upper(hidden)',
    '"a${hidden}"',
    'length(hidden)',
    'hidden == "x"',
    'true ? hidden : "x"',
    'false ? hidden : "x"',
    '[for x in hiddenList : "y"]',
    '{ (hidden) = 1 }',
    'keys(hiddenMap)',
    'hiddenMap[hidden]',
    'jsonencode({ a = hidden })',
    'toset([hidden])',
    'nonsensitive(tsig)',
    'upper(nonsensitive(tsig))',
    'try(hidden, 1)',
    'sha256(hidden)',
  ])('%s', (text) => {
    expect(shown(text, scope)).toBe('(sensitive value)');
  });

  test.for([
    ['nonsensitive(hidden)', `"${CANARY}"`],
    ['length([hidden])', '1'],
    ['issensitive(tsig)', 'true'],
    ['[hidden, "a"]', '[\n  (sensitive value),\n  "a",\n]'],
  ] as const)('but not from %s', ([text, value]) => {
    expect(shown(text, scope)).toBe(value);
  });
});

test('a sensitive value is never kept by mistake', () => {
  expect(() => toJson(sensitive(string('x')))).toThrow('sensitive');
  expect(() => toJson(tuple([sensitive(string('x'))]))).toThrow('sensitive');
  expect(renderValue(tuple([sensitive(string('x'))]))).not.toContain('x"');
});

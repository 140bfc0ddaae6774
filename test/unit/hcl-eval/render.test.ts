/** Values as `terraform console` 1.11.4 printed them. */
import { expect, test } from 'vitest';
import { evaluateText } from '../../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import { renderValue } from '../../../src/hcl/eval/render.ts';
import { Scope } from '../../../src/hcl/eval/scope.ts';
import { SourceText } from '../../../src/hcl/syntax/source.ts';

const scope = new Scope({ source: new SourceText('<test>', ''), functions: FUNCTIONS });

test.for([
  ['a text of several lines is a heredoc', '"a\\nb"', '<<EOT\na\nb\nEOT'],
  ['inside of something it is indented', '["x\\ny", 1]', '[\n  <<-EOT\n  x\n  y\n  EOT,\n  1,\n]'],
  ['a line end at its end is a line of its own', '["a\\nb\\n"]', '[\n  <<-EOT\n  a\n  b\n  \n  EOT,\n]'],
  ['the delimiter is none of the lines', '"a\\nEOT\\nb"', '<<EOT_\na\nEOT\nb\nEOT_'],
  ['an empty list is not an empty tuple', 'tolist([])', 'tolist([])'],
  ['a set in its order', 'toset(["b", "a"])', 'toset([\n  "a",\n  "b",\n])'],
  ['a map', 'tomap({ a = 1 })', 'tomap({\n  "a" = 1\n})'],
  ['nothing', 'null', 'null'],
  ['nothing of a type', 'tostring(null)', 'tostring(null)'],
  ['no list', 'tolist(null)', 'tolist(null) /* of dynamic */'],
  [
    'objects in tuples in objects',
    '{ "a b" = [1, { c = 2 }] }',
    '{\n  "a b" = [\n    1,\n    {\n      "c" = 2\n    },\n  ]\n}',
  ],
  ['quotes and control characters', '"\\u0007\\u00a0\\u200b\\"é\\""', '"\\a\\u00a0\\u200b\\"é\\""'],
  ['what is sensitive is not shown', '[sensitive(1)]', '[\n  (sensitive value),\n]'],
] as const)('%s', ([, expression, shown]) => {
  const { value, diagnostics } = evaluateText(expression, scope);
  expect(diagnostics).toEqual([]);
  expect(renderValue(value)).toBe(shown);
});

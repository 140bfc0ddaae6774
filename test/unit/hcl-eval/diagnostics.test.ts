import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../src/hcl/eval/evaluate.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import { rootsOf, Scope } from '../../../src/hcl/eval/scope.ts';
import { number, objectOf, string, tuple, UNKNOWN } from '../../../src/hcl/eval/values.ts';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';
import { errorsOf, evaluation, scopeWith, shown } from './evaluating.ts';

const scope = scopeWith({
  var: objectOf({ replicas: number(3), name: string('web'), hosts: tuple([string('a'), string('b')]) }),
  local: objectOf({ port: string('http') }),
});

describe('errors show the values that matter', () => {
  test.for([
    ['var.replicas + var.name', ['var.name is "web"']],
    ['var.hosts[var.replicas]', ['var.hosts is tuple with 2 elements', 'var.replicas is 3']],
    ['[for h in var.hosts : h + 1]', ['h is "a"']],
    ['upper(var.hosts)', ['var.hosts is tuple with 2 elements']],
    ['var.hosts ? 1 : 2', ['var.hosts is tuple with 2 elements']],
  ] as const)('%s', ([text, values]) => {
    expect(evaluation(text, scope).diagnostics[0]?.values).toEqual(values);
  });
});

describe('errors point at the part that is wrong', () => {
  test.for([
    ['var.nope.x', 4, 9],
    ['var.hosts[9]', 10, 13],
    ['1 + var.name', 5, 13],
    ['upper("a", "b")', 13, 14],
    ['upperr("a")', 1, 7],
    ['nosuch.x', 1, 7],
    ['tonumber(var.name)', 10, 18],
  ] as const)('%s', ([text, start, end]) => {
    const { subject } = evaluation(text, scope).diagnostics[0] ?? {};
    expect([subject?.start.column, subject?.end.column]).toEqual([start, end]);
  });
});

describe('and at what was probably meant', () => {
  test.for([
    ['var.replica', 'Did you mean "replicas"?'],
    ['local.prot', 'Did you mean "port"?'],
  ] as const)('%s', ([text, hint]) => {
    expect(evaluation(text, scope).diagnostics[0]?.hint).toBe(hint);
  });

  test('functions and names', () => {
    expect(errorsOf('uper("a")', scope)).toEqual([
      'Call to unknown function: There is no function named "uper". Did you mean "upper"?',
    ]);
    expect(errorsOf('vra.x', scope)).toEqual([
      'Unknown variable: There is no variable named "vra". Did you mean "var"?',
    ]);
  });
});

test('all errors of an expression come at once, each once', () => {
  expect(errorsOf('[nosuch, 1 + "x", [for i in [1, 2] : i.x], upper()]', scope)).toEqual([
    'Unknown variable: There is no variable named "nosuch".',
    'Invalid operand: Unsuitable value for right operand: a number is required.',
    "Unsupported attribute: Can't access attributes on a primitive-typed value (number).",
    'Not enough function arguments: Function "upper" expects 1 argument(s). Missing value for "str".',
  ]);
});

test('only the side of a conditional that is taken is blamed', () => {
  expect(shown('true ? 1 : var.nope', scope)).toBe('1');
  expect(errorsOf('false ? 1 : var.nope', scope)).toHaveLength(1);
});

test('a reference to nothing is an error also where its value is not needed', () => {
  expect(errorsOf('true ? 1 : nosuch', scope)).toHaveLength(1);
  expect(errorsOf('try(nosuch, 1)', scope)).toHaveLength(1);
  expect(shown('try(var.nope, 1)', scope)).toBe('1');
});

test('positions are those of the file, in grapheme clusters and bytes', () => {
  const { body, source } = parseFile('x = 1\ny = ["é👩‍👩‍👧", nope]\n', 'main.hcl');
  const [, second] = body.attributes;
  if (second === undefined) throw new Error('no second attribute');
  const { diagnostics } = evaluate(
    second.value,
    new Scope({ source, functions: FUNCTIONS, roots: rootsOf({}) }),
  );
  expect(diagnostics[0]?.subject).toEqual({
    file: 'main.hcl',
    start: { line: 2, column: 12, byte: 35 },
    end: { line: 2, column: 16, byte: 39 },
  });
});

test('a root says itself why it has no value, and may take the first steps', () => {
  const roots = {
    names: () => ['local'],
    resolve: (name: string, reference: { steps: readonly { kind: string; name?: string }[] }) => {
      if (name !== 'local') return undefined;
      const [step] = reference.steps;
      if (step?.name === 'a') return { value: objectOf({ b: number(7) }), stepsTaken: 1 };
      const problem = {
        summary: 'Reference to undeclared local value',
        detail: 'There is no such local value.',
      };
      return { value: UNKNOWN, problem };
    },
  };
  const { source, functions } = scope;
  const lazy = new Scope({ source, functions, roots });
  expect(shown('local.a.b + 1', lazy)).toBe('8');
  expect(errorsOf('local.z', lazy)).toEqual([
    'Reference to undeclared local value: There is no such local value.',
  ]);
});

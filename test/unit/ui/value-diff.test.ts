import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/index.ts';
import { diffText } from '../../../src/ui/changes-text.ts';
import { paint } from '../../../src/ui/paint.ts';
import { differingPaths, diffValues, isSame } from '../../../src/ui/value-diff.ts';
import { workMsOf } from '../../rig/work-time.ts';

const shown = (before: Json, after: Json, width = 80): string =>
  diffText(diffValues(before, after), paint(false), width)
    .map((line) => line.slice(6))
    .join('\n');

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at}`).join('\n');

describe('what differs', () => {
  test.for<[string, Json, Json, string]>([
    [
      'nothing is said of equal values',
      { a: 1, b: [1, { c: 2 }] },
      { b: [1, { c: 2 }], a: 1 },
      '# (2 unchanged hidden)',
    ],
    ['a scalar', { a: 1 }, { a: 2 }, '~ a = 1 -> 2'],
    ['a value that appears', { a: null }, { a: 'x' }, '+ a = "x"'],
    ['a value that goes', { a: true }, {}, '- a = true'],
    ['names are aligned', { a: 1, long: 1 }, { a: 2, long: 2 }, '~ a    = 1 -> 2\n~ long = 1 -> 2'],
    ['names that are no identifiers are quoted', {}, { 'a b': 1 }, '+ "a b" = 1'],
    [
      'a change of type is a removal and an addition',
      { a: { b: 1 } },
      { a: 'x' },
      '- a = {\n    - b = 1\n  }\n+ a = "x"',
    ],
    [
      'an item of a list',
      { a: ['x', 'y', 'z'] },
      { a: ['x', 'w', 'z'] },
      '~ a = [\n      # (1 unchanged hidden)\n    ~ "y" -> "w"\n      # (1 unchanged hidden)\n  ]',
    ],
    [
      'an item more',
      { a: ['x'] },
      { a: ['x', 'y'] },
      '~ a = [\n      # (1 unchanged hidden)\n    + "y"\n  ]',
    ],
    ['an empty list and an empty map', {}, { a: [], b: {} }, '+ a = []\n+ b = {}'],
    ['a scalar for a scalar at the top', 1, 2, '~ 1 -> 2'],
  ])('%s', ([, before, after, expected]) => {
    expect(shown(before, after).replace(/^ {2}(?=#)/gm, '')).toBe(expected);
  });

  test('a long text shows the changed line with two lines around it', () => {
    const before = `${lines(20)}\n`;
    const after = before.replace('line 10', 'line ten');
    expect(shown({ text: before }, { text: after })).toBe(
      [
        '~ text = <<-EOT',
        '      # (8 unchanged lines hidden)',
        '      line 8',
        '      line 9',
        '    - line 10',
        '    + line ten',
        '      line 11',
        '      line 12',
        '      # (7 unchanged lines hidden)',
        '  EOT',
      ].join('\n'),
    );
  });

  test('texts that have nothing in common take no quadratic time', () => {
    const before = Array.from({ length: 20_000 }, (_, at) => `old ${at}`).join('\n');
    const after = Array.from({ length: 20_000 }, (_, at) => `new ${at}`).join('\n');
    const workMs = workMsOf(() => expect(diffValues({ text: before }, { text: after }).length).toBe(40_002));
    expect(workMs).toBeLessThan(5_000);
  });

  test('and neither do lists: each item is shown beside the one in its place', () => {
    const items = (word: string) => Array.from({ length: 4_000 }, (_, at) => `${word}-${at}`);
    const workMs = workMsOf(() =>
      expect(diffValues({ hosts: items('a') }, { hosts: items('b') }).length).toBe(4_002),
    );
    expect(workMs).toBeLessThan(5_000);
  });

  test('a word of a megabyte is broken in the time that its lines take', () => {
    const workMs = workMsOf(() =>
      expect(shown({}, { key: 'x'.repeat(1_000_000) }, 80).split('\n').length).toBeGreaterThan(12_000),
    );
    expect(workMs).toBeLessThan(2_000);
  });

  test('only the line end at the end of a text', () => {
    expect(shown({ a: 'x\ny' }, { a: 'x\ny\n' })).toContain('only the line end');
  });

  test('a value that does not fit stands below the one before', () => {
    const [before, after] = ['a'.repeat(30), 'b'.repeat(30)];
    expect(shown({ k: before }, { k: after }, 60)).toBe(`~ k = "${before}"\n      -> "${after}"`);
  });
});

test('paths of what differs name it as one would write it', () => {
  expect(
    differingPaths(
      { environment: { A: 1, 'b c': 2 }, command: ['x', 'y'], same: 1 },
      { environment: { A: 2 }, command: ['x', 'z'], same: 1 },
    ),
  ).toEqual(['environment.A', 'environment."b c"', 'command[1]']);
});

test('a missing value and null are the same', () => {
  expect(isSame({ a: null }, {})).toBe(true);
  expect(isSame({ a: 0 }, {})).toBe(false);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Regex } from '../../../src/hcl/eval/regexp/regex.ts';
import { PatternFailure } from '../../../src/hcl/eval/regexp/syntax.ts';
import { workMsOf } from '../../rig/work-time.ts';

const noTick = (): void => {};

/** Every match with its groups, as texts. */
function matches(pattern: string, text: string): (string | undefined)[][] {
  return [...new Regex(pattern).findAll(text, noTick)].map((match) =>
    Array.from({ length: match.length / 2 }, (_, i) => {
      const [start = -1, end = -1] = match.slice(i * 2, i * 2 + 2);
      return start < 0 ? undefined : text.slice(start, end);
    }),
  );
}

/** Patterns that mean the same in JavaScript: loops over what cannot be empty, no groups inside of loops. */
const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '[ab]',
  '[^a]',
  '(a)',
  '(?:ab)',
  '(b|ca)',
  '\\w',
  '^',
  '$',
  '\\b',
);
const loopable = fc.constantFrom('a', 'b', '.', '[ab]', '[^b]', '(?:ab)', '(?:a|bc)', '\\w');
const loop = fc
  .tuple(loopable, fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{2,}'))
  .map(([inner, operator]) => inner + operator);
const sequence = fc.array(fc.oneof(atom, loop), { maxLength: 5 }).map((parts) => parts.join(''));
const pattern = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((options) => options.join('|'));
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 12 });

test('matches the same as JavaScript where the two agree on the meaning', () => {
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      const found = new Regex(source).find(subject, 0, noTick);
      const expected = new RegExp(source, 'u').exec(subject);
      expect(found?.[0]).toBe(expected?.index);
      if (found === undefined || expected === null) return;
      expect(subject.slice(found[0], found[1])).toBe(expected[0]);
      const groups = Array.from({ length: expected.length - 1 }, (_, i) => {
        const [start = -1, end = -1] = found.slice(i * 2 + 2, i * 2 + 4);
        return start < 0 ? undefined : subject.slice(start, end);
      });
      expect(groups).toEqual(expected.slice(1));
    }),
    { numRuns: 3000 },
  );
});

describe('time is bounded by pattern times text', () => {
  const long = 'a'.repeat(20_000);
  test.for([
    ['(a+)+$', `${long}!`],
    ['(a|a)*b', long],
    ['(a|aa)+$', `${long}!`],
    ['(.*)(.*)(.*)(.*)(.*)(.*)x', long.slice(0, 3000)],
    ['(a?){500}a{500}', long.slice(0, 500)],
    ['((a*)*)*b', long],
  ] as const)('%s', ([source, subject]) => {
    let steps = 0;
    const workMs = workMsOf(() => {
      new Regex(source).find(subject, 0, (more) => {
        steps += more;
      });
    });
    expect(steps).toBeLessThan(20_000_000);
    expect(workMs).toBeLessThan(5_000);
  });
});

describe('what RE2 does not have is refused', () => {
  test.for([
    ['(a)\\1', 'invalid escape sequence: `\\1`'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?!a)', 'invalid or unsupported Perl syntax: `(?!`'],
    ['(?<=a)b', 'invalid named capture: `(?<=a)b`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['*a', 'missing argument to repetition operator: `*`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['(a{10}){101}', 'invalid repeat count: `{101}`'],
    ['[a', 'missing closing ]: `[a`'],
    ['(a', 'missing closing ): `(a`'],
    ['a)', 'unexpected ): `a)`'],
    ['\\p{Nope}', 'invalid character class range: `\\p{Nope}`'],
    [`${'('.repeat(2000)}a${')'.repeat(2000)}`, /nests too deeply/],
  ] as const)('%s', ([source, message]) => {
    expect(() => new Regex(source)).toThrow(PatternFailure);
    expect(() => new Regex(source)).toThrow(message);
  });
});

test('a match is never empty right after another one', () => {
  expect(matches('x*', 'axxb')).toEqual([[''], ['xx'], ['']]);
  expect(matches('', '😀')).toEqual([[''], ['']]);
});

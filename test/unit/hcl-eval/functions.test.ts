import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bcryptHash } from '../../../src/hcl/eval/bcrypt.ts';
import { FUNCTIONS } from '../../../src/hcl/eval/functions/index.ts';
import { scopeWith, shown } from './evaluating.ts';

/** From `terraform metadata functions -json`; `list` and `map` are not in it, since they only refuse. */
const golden = new URL('../../golden/hcl-functions.json', import.meta.url);
const terraform = JSON.parse(readFileSync(golden, 'utf8')) as Readonly<
  Record<string, { parameters: string[]; variadic: string | null }>
>;

test('there are all functions of Terraform 1.11 and no others', () => {
  expect([...FUNCTIONS.keys()].filter((name) => name !== 'list' && name !== 'map')).toEqual(
    Object.keys(terraform),
  );
});

describe('their parameters have the same names', () => {
  test.for(Object.entries(terraform))('%s', ([name, { parameters, variadic }]) => {
    const f = FUNCTIONS.get(name);
    expect(f?.parameters.map((parameter) => parameter.name)).toEqual(parameters);
    expect(f?.variadic?.name ?? null).toBe(variadic);
    expect(f?.summary).toMatch(/^[-A-Z].*\.$/);
  });
});

describe('the world comes in through ports', () => {
  const fixed = scopeWith(
    {},
    {
      now: () => Date.UTC(2024, 1, 29, 12, 30, 45, 999),
      planTime: Date.UTC(2024, 1, 29),
      randomBytes: (count) => Uint8Array.from({ length: count }, (_, i) => i),
    },
  );
  test.for([
    ['timestamp()', '"2024-02-29T12:30:45Z"'],
    ['plantimestamp()', '"2024-02-29T00:00:00Z"'],
    ['uuid()', '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
    ['length(bcrypt("x", 4))', '60'],
  ] as const)('%s', ([text, value]) => {
    expect(shown(text, fixed)).toBe(value);
  });

  test.for(['timestamp()', 'plantimestamp()', 'uuid()', 'bcrypt("x")'])(
    '%s is unknown without one',
    (text) => {
      expect(shown(text)).toBe('(known after apply)');
    },
  );
});

// The test vectors of OpenBSD's and Openwall's implementations.
describe('bcrypt', () => {
  test.for([
    ['', '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'],
    ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
    ['abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['abcdefghijklmnopqrstuvwxyz', '$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC'],
  ] as const)('%j', ([password, expected]) => {
    const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
    const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const salt = expected.slice(7, 29).replace(/./g, (c) => standard.charAt(alphabet.indexOf(c)));
    expect(bcryptHash(Buffer.from(password), Buffer.from(salt, 'base64'), 6)).toBe(expected);
  });
});

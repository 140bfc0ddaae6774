import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  audienceRules,
  audienceToken,
  canonicalAudience,
  isAudienceName,
  isAudienceValue,
  parseAudienceToken,
} from '../../../src/model/index.ts';

const name = fc.string({ minLength: 1, maxLength: 64 }).filter(isAudienceName);
const value = fc.string({ minLength: 1, maxLength: 40 }).filter(isAudienceValue);
const rule = fc.record({
  by: fc.constantFrom('header' as const, 'cookie' as const, 'query' as const),
  name,
  value,
});

describe('an audience', () => {
  test('a rule is one word without separators, and nothing of it is lost', () => {
    fc.assert(
      fc.property(rule, (each) => {
        const token = audienceToken(each);
        expect(token).toMatch(/^[A-Za-z0-9_.~%-]+$/);
        expect(parseAudienceToken(token)).toEqual(each);
      }),
    );
  });

  test('the order in which rules are written, and the case of a header, make no other audience', () => {
    const written = audienceRules({ 'X-Beta': '1' }, { plan: 'pro', Plan: 'pro' });
    const other = audienceRules({ 'x-beta': '1' }, { Plan: 'pro', plan: 'pro' });
    expect(canonicalAudience(written.toReversed())).toEqual(canonicalAudience(other));
    expect(canonicalAudience([...written, ...other])).toHaveLength(3);
    expect(canonicalAudience([])).toBeUndefined();
  });

  test.for(['header~x', 'path~a~1', 'header~x~%ZZ', 'header~x~a/b', 'header~~1', 'cookie~a~b~c', ''])(
    '%j is no rule',
    (token) => {
      expect(parseAudienceToken(token)).toBeUndefined();
    },
  );
});

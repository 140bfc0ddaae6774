import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { audienceRules, canonicalAudience, type RouteValue } from '../../../../src/model/index.ts';
import { filesOf, parseListing, withRoute } from '../../../../src/providers/balancer/flags/layout.ts';
import { parseAnswers } from '../../../../src/providers/balancer/probed/exchange.ts';
import { hexEndpoint } from '../../../../src/providers/balancer/probed/sockets.ts';
import { nginx } from '../../../../src/providers/nginx/index.ts';
import { balancer, pool } from '../../../rig/balancers.ts';

const beta = canonicalAudience(audienceRules({ 'X-Beta': 'a/b' }, { plan: 'pro' }));
const value = fc
  .record({
    stable: fc.constantFrom('shop_blue', 'shop-2.x'),
    canary: fc.constantFrom('shop_blue', 'shop_green'),
    percent: fc.integer({ min: 0, max: 100 }),
    hasAudience: fc.boolean(),
  })
  .map(
    ({ stable, canary, percent, hasAudience }): RouteValue => ({
      stable,
      canary,
      canaryBasisPoints: percent * 100,
      ...(hasAudience && beta !== undefined ? { audience: beta } : {}),
    }),
  );

describe('a folder of flags', () => {
  test('says a route whole, and one route is changed without any other', () => {
    fc.assert(
      fc.property(value, value, (first, second) => {
        const both = withRoute(withRoute('', 'shop', first), 'api', second);
        expect(parseListing(both)).toEqual(
          new Map([
            ['shop', first],
            ['api', second],
          ]),
        );
        expect(withRoute(both, 'shop', null)).toBe(withRoute('', 'api', second));
      }),
    );
  });

  test('a growing share adds buckets and never moves one', () => {
    const buckets = (percent: number): readonly string[] =>
      filesOf({ stable: 'a', canary: 'b', canaryBasisPoints: percent * 100 }).filter((each) =>
        each.startsWith('bucket/'),
      );
    for (let percent = 1; percent <= 100; percent += 1) {
      expect(buckets(percent).slice(0, percent - 1)).toEqual(buckets(percent - 1));
      expect(buckets(percent)).toHaveLength(percent);
    }
  });

  test.for([
    ['two stable pools', 'shop/stable/a\nshop/stable/b\nshop/canary/a\n'],
    ['no canary', 'shop/stable/a\n'],
    ['a bucket in the middle', 'shop/stable/a\nshop/canary/b\nshop/bucket/00\nshop/bucket/02\n'],
    ['a file that is none of ours', 'shop/stable/a\nshop/canary/b\nshop/notes/x\n'],
    ['an audience that is no rule', 'shop/stable/a\nshop/canary/b\nshop/audience/x\n'],
  ] as const)('%s is not taken for a route', ([, listing]) => {
    expect(parseListing(listing).get('shop')).toHaveProperty('unreadable');
  });
});

test.for([
  ['127.0.0.1', 8081, '0100007F:1F91'],
  ['10.0.1.11', 80, '0B01000A:0050'],
  ['2001:db8::1', 443, 'B80D0120000000000000000001000000:01BB'],
] as const)("%s is found in the kernel's table", ([address, port, expected]) => {
  expect(hexEndpoint(address, port)).toContain(expected);
});

test('answers on one connection are told apart, with and without a body', () => {
  const text =
    'HTTP/1.1 204 No Content\r\nX: 1\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 22\r\n\r\nHTTP/1.1 200 OK\r\n\r\nxx\nHTTP/1.1 204 No Content\r\n\r\n';
  expect(parseAnswers(text).map(({ status }) => status)).toEqual([204, 503, 204]);
});

describe("what nginx's configuration must contain", () => {
  const declared = (settings: Readonly<Record<string, string>>, routes: readonly string[] = ['shop']) =>
    balancer(
      'nginx',
      { flags_dir: '/etc/nginx/deployctl/edge', ...settings },
      [pool('shop_blue', { 'web-1': 8081 }), pool('shop_green', { 'web-1': 8082 })],
      routes,
    );

  test('what it cannot take is said before anything is read', () => {
    expect(nginx.check(declared({ probe_address: '0.0.0.0:80' })).map(({ code }) => code)).toEqual([
      'probe-address',
    ]);
    expect(nginx.check(declared({ flags_dir: '/a b' })).map(({ code }) => code)).toEqual(['balancer-path']);
    expect(nginx.check(declared({}, ['a/b'])).map(({ code }) => code)).toEqual(['balancer-name']);
    expect(nginx.check(declared({}))).toEqual([]);
  });

  test('the part for an existing configuration has every rule of the whole one', () => {
    const rules = (full: boolean): readonly string[] =>
      nginx
        .snippet(declared({}), { full, bind: '*:80' })
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => /^(if|set|map|root|proxy_pass|error_page|server 127)/.test(line));
    expect(rules(false).toSorted()).toEqual(rules(true).toSorted());
  });
});

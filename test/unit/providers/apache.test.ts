import { describe, expect, test } from 'vitest';
import type { RouteValue } from '../../../src/model/index.ts';
import { apache } from '../../../src/providers/apache/index.ts';
import { parseMap, withRoute } from '../../../src/providers/apache/map-file.ts';
import { balancer, pool } from '../../rig/balancers.ts';

const canary: RouteValue = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 200 };

describe("the file of Apache's map", () => {
  test('holds whole decisions, and the buckets to draw from', () => {
    const text = withRoute('# by kim\nother x|y|,|,\n', 'shop', canary);
    expect(text).toMatch(
      /^@bucket 00\|01\|.*\|99\n# by kim\nother x\|y\|,\|,\nshop shop_blue\|shop_green\|,00,01,\|,\n$/,
    );
    expect(parseMap(text)).toEqual(
      new Map([
        ['other', { stable: 'x', canary: 'y', canaryBasisPoints: 0 }],
        ['shop', canary],
      ]),
    );
    expect(withRoute(text, 'shop', canary).split('\n').toSorted()).toEqual(text.split('\n').toSorted());
    expect(parseMap(withRoute(text, 'shop', null)).has('shop')).toBe(false);
  });

  test('what somebody else wrote for a route is unreadable', () => {
    expect(parseMap('shop shop_blue\n').get('shop')).toEqual({ unreadable: 'shop_blue' });
  });
});

test('what it cannot take is said before anything is read', () => {
  const declared = (settings: Readonly<Record<string, string>>) =>
    balancer('apache', { map_file: '/a', ...settings }, [pool('shop_blue', { 'web-1': 8081 })]);
  const codes = (settings: Readonly<Record<string, string>>) =>
    apache.check(declared(settings)).map(({ code }) => code);
  expect(codes({})).toEqual([]);
  expect(codes({ map_file: '/a b' })).toEqual(['balancer-path']);
  expect(codes({ probe_address: '10.0.0.1:80' })).toEqual(['probe-address']);
  const [long] = apache.check({ ...declared({}), name: 'edge'.repeat(11) });
  expect(long).toMatchObject({ code: 'balancer-name', detail: expect.stringContaining('it may have 40') });
});

test('however long the names of pools are, those that Apache is given are short', () => {
  const pools = ['blue', 'green'].map((side) => pool(`${'payments'.repeat(15)}_${side}`, { 'web-1': 8081 }));
  const text = apache.snippet(
    { ...balancer('apache', { map_file: '/a' }, pools), name: 'e'.repeat(40) },
    { full: true, bind: '*:80' },
  );
  const names = [...text.matchAll(/<Proxy balancer:\/\/(.*)>/g)].map(([, name = '']) => name.length);
  expect(names).toHaveLength(4);
  expect(Math.max(...names)).toBeLessThanOrEqual(52);
});

test('the part for an existing configuration has every rule of the whole one', () => {
  const declared = balancer(
    'apache',
    { map_file: '/a' },
    [pool('shop_blue', { 'web-1': 8081 })],
    ['shop', 'api'],
  );
  const rules = (full: boolean): readonly string[] =>
    apache
      .snippet(declared, { full, bind: '*:80' })
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^(Rewrite|<Proxy|BalancerMember|Header)/.test(line));
  expect(rules(false).toSorted()).toEqual(rules(true).toSorted());
});

import { describe, expect, test } from 'vitest';
import type { RouteValue } from '../../../src/model/index.ts';
import { parseWhole } from '../../../src/providers/balancer/probed/exchange.ts';
import { caddy } from '../../../src/providers/caddy/index.ts';
import {
  findObject,
  parseRouteObject,
  routesOf,
  withObject,
  withRoute,
} from '../../../src/providers/caddy/route-object.ts';
import { balancer, pool } from '../../rig/balancers.ts';

const blue: RouteValue = { stable: 'shop_blue', canary: 'shop_blue', canaryBasisPoints: 0 };

describe("the object in an operator's file", () => {
  const text = `{
  "wait": 9007199254740993,
  "note": "not this: {\\"@id\\": \\"deployctl_edge\\"}",
  "a": { "@id": "deployctl_edge_2", "handler": "map" },
  "b": [ { "handler": "map", "x": {"y": "}"}, "@id" : "deployctl_edge", "mappings": [] } ]
}`;
  test('is found by its @id, and nothing around it is touched', () => {
    const span = findObject(text, 'deployctl_edge');
    const object = span && parseRouteObject(text.slice(span.start, span.end));
    if (span === undefined || object === undefined) throw new Error('not found');
    const changed = withObject(text, span, withRoute(object, 'shop', blue));
    expect(changed.slice(0, span.start)).toBe(text.slice(0, span.start));
    expect(changed.endsWith(' ]\n}')).toBe(true);
    const again = findObject(changed, 'deployctl_edge');
    const read = again && parseRouteObject(changed.slice(again.start, again.end));
    expect(read && routesOf(read)).toEqual(new Map([['shop', blue]]));
    expect(read).toMatchObject({ x: { y: '}' } });
  });

  test.for([
    ['no such @id', '{"@id": "other"}'],
    ['a value and no key', '{"a": "@id", "b": "deployctl_edge"}'],
    ['no JSON', 'deployctl_edge'],
    ['cut off', '{"@id": "deployctl_edge"'],
  ] as const)('%s is nothing', ([, other]) => {
    expect(findObject(other, 'deployctl_edge')).toBeUndefined();
  });

  test.for([
    '{}',
    '[]',
    '{"handler":"vars"}',
    '{"handler":"map","mappings":[{"input_regexp":"x","outputs":[]}]}',
  ])('%s is not what deployctl writes', (other) => {
    expect(parseRouteObject(other)).toBeUndefined();
  });

  test('a decision that somebody else wrote is unreadable, and not a route', () => {
    const object = parseRouteObject('{"handler":"map","mappings":[{"input":"shop","outputs":["x"]}]}');
    expect(object && routesOf(object).get('shop')).toEqual({ unreadable: 'x' });
  });
});

describe('an answer in pieces', () => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTrailer: ETag\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\nEtag: "/x 1"\r\n\r\n';
  test('is put together, with what comes after it', () => {
    expect(parseWhole(Buffer.from(chunked))).toMatchObject({
      status: 200,
      body: '{"a":1}',
      trailers: 'Etag: "/x 1"\r\n\r\n',
    });
  });
  test('is none when it is cut off', () => {
    for (let length = 0; length < chunked.indexOf('0\r\nEtag'); length += 1)
      expect(parseWhole(Buffer.from(chunked.slice(0, length)))).toBeUndefined();
  });
});

describe('how Caddy is switched', () => {
  const declared = (settings: Readonly<Record<string, string>>) =>
    balancer('caddy', settings, [pool('shop_blue', { 'web-1': 8081 })]);
  test.for([
    ['nothing is said of it', {}, ['missing-argument']],
    [
      'two ways',
      { flags_dir: '/a', admin_address: '127.0.0.1:2019', config_file: '/b' },
      ['argument-conflict', 'argument-conflict'],
    ],
    ['an API without a file', { admin_address: '127.0.0.1:2019' }, ['missing-argument']],
    ['an API that others reach', { admin_address: '0.0.0.0:2019', config_file: '/b' }, ['admin-address']],
    ['by flags', { flags_dir: '/a' }, []],
    ['by its API', { admin_address: '127.0.0.1:2019', config_file: '/b' }, []],
  ] as const)('%s', ([, settings, expected]) => {
    expect(caddy.check(declared(settings)).map(({ code }) => code)).toEqual(expected);
  });

  test('pools whose names differ in a sign alone have matchers of their own', () => {
    const names = ['a-b', 'a.b', 'a_b_2', 'a_b'];
    const pools = names.map((name, index) => pool(name, { 'web-1': 8081 + index }));
    const text = caddy.snippet(balancer('caddy', { flags_dir: '/a' }, pools), { full: true, bind: '*:80' });
    for (const verb of ['to', 'back_to']) {
      const matchers = [...text.matchAll(new RegExp(`^\\s*@dc_edge_${verb}_(\\w+) vars \\w+ (\\S+)$`, 'gm'))];
      expect(matchers.map(([, word, name]) => [name, word])).toEqual([
        ['a-b', 'a_b_3'],
        ['a.b', 'a_b_4'],
        ['a_b_2', 'a_b_2'],
        ['a_b', 'a_b'],
      ]);
    }
    expect(text).toMatch(/reverse_proxy @dc_edge_to_a_b_4 127\.0\.0\.1:8082 /);
  });

  test('the whole configuration is JSON, and has the one object that is changed', () => {
    const settings = { admin_address: '127.0.0.1:2019', config_file: '/b' };
    const text = caddy.snippet(declared(settings), { full: true, bind: '*:80' });
    expect(JSON.parse(text)).toMatchObject({ admin: { listen: '127.0.0.1:2019' } });
    const span = findObject(text, 'deployctl_edge');
    expect(span && parseRouteObject(text.slice(span.start, span.end))).toMatchObject({ mappings: [] });
    const part = caddy.snippet(declared(settings), { full: false, bind: '*:80' });
    expect(findObject(part, 'deployctl_edge')).toBeDefined();
  });
});

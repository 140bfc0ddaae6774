import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHaproxy } from '../../../../src/providers/haproxy/check.ts';
import {
  isLoaded,
  renderBackend,
  renderConfigText,
  word,
} from '../../../../src/providers/haproxy/config-text.ts';
import { parseMapFile, parseMapLine } from '../../../../src/providers/haproxy/parse.ts';
import { renderServerState, routeCommand, withRoute } from '../../../../src/providers/haproxy/render.ts';
import { readSettings } from '../../../../src/providers/haproxy/settings.ts';
import { renderSnippet } from '../../../../src/providers/haproxy/snippet.ts';
import { balancer, pool } from '../../../rig/balancers.ts';

const green = { stable: 'shop_green', canary: 'shop_green', canaryBasisPoints: 0 };

describe('a map file with one route changed', () => {
  test.for([
    ['the first route of an empty file', '', green, 'shop shop_green:shop_green:0\n'],
    [
      'a route in its place, everything else as it was',
      '# ours\nshop a:a:0\n\napi  x:x:0\n',
      green,
      '# ours\nshop shop_green:shop_green:0\n\napi  x:x:0\n',
    ],
    ['a new one at the end', 'api x:x:0', green, 'api x:x:0\nshop shop_green:shop_green:0\n'],
    ['one of the same name only once', 'shop a:a:0\nshop b:b:0\n', green, 'shop shop_green:shop_green:0\n'],
    ['a route that goes', 'api x:x:0\nshop a:a:0\n', null, 'api x:x:0\n'],
    ['a route that goes, and was not there', 'api x:x:0\n', null, 'api x:x:0\n'],
    [
      'a route that is part of another name',
      'shop-eu a:a:0\n# shop a:a:0\n',
      green,
      'shop-eu a:a:0\n# shop a:a:0\nshop shop_green:shop_green:0\n',
    ],
  ] as const)('%s', ([, text, to, expected]) => {
    expect(withRoute(text, 'shop', to)).toBe(expected);
  });

  test('no other line is ever changed, and the route is what it was set to', () => {
    const line = fc.oneof(
      fc.constantFrom('', '# a note', 'shop a:b:1', 'api x:y:0', ' odd\tspaces here ', 'shop'),
      fc.string().map((text) => text.replaceAll(/[\n\r]/g, '')),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, removes) => {
        const text = lines.map((each) => `${each}\n`).join('');
        const result = withRoute(text, 'shop', removes ? null : green);
        const others = (of: string): readonly string[] =>
          of.split('\n').filter((each) => parseMapLine(each)?.key !== 'shop');
        expect(others(result).filter((each) => each !== '')).toEqual(
          others(text).filter((each) => each !== ''),
        );
        expect(parseMapFile(result).get('shop')).toEqual(removes ? undefined : green);
      }),
    );
  });
});

describe('the command for one worker', () => {
  test.for([
    [
      'a key that it has is set, because add would make a second one',
      true,
      green,
      'set map /m shop shop_green:shop_green:0',
    ],
    [
      'a key that it has not is added, because set would fail',
      false,
      green,
      'add map /m shop shop_green:shop_green:0',
    ],
    ['a key that goes is deleted', true, null, 'del map /m shop'],
    ['nothing to delete is nothing to say', false, null, undefined],
  ] as const)('%s', ([, exists, to, expected]) => {
    expect(routeCommand('/m', 'shop', exists, to)).toBe(expected);
  });
});

test('a server-state-file keeps only who is out of service', () => {
  expect(renderServerState('1\n# be_id be_name\n4 a\n5 b\n', (line) => line === '5 b')).toBe(
    '1\n# be_id be_name\n5 b\n',
  );
});

describe('the configuration', () => {
  const declared = balancer('haproxy', { map_file: '/etc/haproxy/deployctl/edge.map', config_file: '/c' }, [
    pool('shop_green', { 'web-2': 8082, 'web-1': 8082 }),
    pool('shop_blue', { 'web-1': 8081 }),
  ]);

  test('a backend checks the path, the status and the port that are declared', () => {
    expect(renderBackend(pool('shop_blue', { 'web-1': 8081 }))).toBe(
      [
        'backend shop_blue',
        '    mode http',
        '    balance roundrobin',
        '    option httpchk',
        '    http-check send meth GET uri /health ver HTTP/1.1 hdr Host localhost',
        '    http-check expect status 200',
        '    timeout check 5000ms',
        '    default-server check inter 250ms fall 2 rise 2 weight 100',
        '    server web-1 127.0.0.1:8081',
      ].join('\n'),
    );
  });

  test.for([
    [
      'a name that may not resolve yet',
      'web-1.internal',
      'server web-1 web-1.internal:80 init-addr last,libc,none',
    ],
    ['an address of IPv6', '2001:db8::1', 'server web-1 [2001:db8::1]:80'],
  ] as const)('a member with %s', ([, address, line]) => {
    const { health: _, ...unchecked } = pool('p', {});
    expect(renderBackend({ ...unchecked, members: [{ name: 'web-1', address, port: 80 }] })).toContain(
      `    ${line}`,
    );
  });

  test('the same pools in another order give the same text', () => {
    expect(renderConfigText({ ...declared, pools: declared.pools.toReversed() })).toBe(
      renderConfigText(declared),
    );
  });

  test('a running proxy is asked for its backends, and so for the text that it was loaded with', () => {
    const text = renderConfigText(declared);
    const marker = /^backend (deployctl_edge_[0-9a-f]{16})$/m.exec(text)?.[1] ?? '';
    expect(isLoaded('edge', text, new Set(['shop_blue', marker]))).toBe(true);
    expect(isLoaded('edge', text, new Set(['shop_blue', 'deployctl_edge_0123456789abcdef']))).toBe(false);
    // Edited by hand, its digest kept: what is loaded is something else.
    expect(isLoaded('edge', text.replace('fall 2', 'fall 3'), new Set([marker]))).toBe(false);
    expect(isLoaded('edge', '', new Set(['shop_blue']))).toBe(true);
    expect(isLoaded('edge', '', new Set([marker]))).toBe(false);
  });

  test.for([
    ['/health', '/health'],
    ['/health check', '"/health check"'],
    ['/a"b$c\\', '"/a\\"b\\$c\\\\"'],
    ['/#', '"/#"'],
  ] as const)('a word %s is written as %s', ([text, expected]) => {
    expect(word(text)).toBe(expected);
  });
});

describe('the snippet', () => {
  const settings = { map_file: '/etc/haproxy/deployctl/edge.map' };
  const pools = [pool('shop_blue', { 'web-1': 8081 }), pool('shop_green', { 'web-1': 8082 })];
  const one = balancer('haproxy', settings, pools);

  test('begins with the command without which HAProxy would not start', () => {
    for (const full of [true, false]) {
      expect(renderSnippet(one, { full, bind: '*:80' }).split('\n')[0]).toContain(
        'mkdir -p /etc/haproxy/deployctl && touch /etc/haproxy/deployctl/edge.map',
      );
    }
  });

  test('of one route gives it every request', () => {
    expect(renderSnippet(one, { full: true, bind: '*:80' })).toContain(
      '    http-request set-var(txn.route) str(shop)\n',
    );
  });

  test('of many routes stays below the words that HAProxy takes on a line', () => {
    const routes = Array.from({ length: 90 }, (_, index) => `route-${index}`);
    const text = renderSnippet(
      { ...one, routes: routes.map((route) => ({ route, service: one.address })) },
      { full: true, bind: '*:80' },
    );
    for (const line of text.split('\n')) expect(line.split(/\s+/).length).toBeLessThan(60);
    for (const route of routes) expect(text).toContain(route);
  });

  test('leaves the pools to the file that deployctl writes, where there is one', () => {
    const managed = { ...one, settings: { ...settings, config_file: '/etc/haproxy/deployctl/edge.cfg' } };
    const text = renderSnippet(managed, { full: true, bind: '*:80' });
    expect(text).not.toContain('backend shop_blue');
    expect(text).toContain('-f /etc/haproxy/deployctl/edge.cfg');
  });

  test('never falls back to a pool that no route names', () => {
    expect(renderSnippet(one, { full: true, bind: '*:80' })).toMatch(
      /default_backend deployctl_no_route\n[\s\S]*backend deployctl_no_route\n {4}mode http\n {4}http-request return status 503/,
    );
  });
});

describe('what HAProxy could not take', () => {
  const settings = { map_file: '/etc/haproxy/deployctl/edge.map' };
  test.for([
    ['nothing, as it is', {}, []],
    ['a path with a blank', { config_file: '/etc/my haproxy/edge.cfg' }, ['haproxy-path']],
    ['a command in a path', { master_socket: '/run/x;show env' }, ['haproxy-path']],
    ['a socket whose path is too long', { probe_socket: `/run/${'x'.repeat(100)}` }, ['haproxy-socket-path']],
  ] as const)('%s', ([, more, codes]) => {
    const found = checkHaproxy(
      balancer('haproxy', { ...settings, ...more }, [pool('shop_blue', { 'web-1': 80 })]),
    );
    expect(found.map(({ code }) => code)).toEqual(codes);
  });

  test.for(['shop blue', 'a:b', 'a;b', 'ü', ''])('a pool called %j', (name) => {
    expect(checkHaproxy(balancer('haproxy', settings, [pool(name, {})])).map(({ code }) => code)).toEqual([
      'haproxy-name',
    ]);
  });
});

test('the probe socket lies beside the map, and the master socket where Debian puts it', () => {
  expect(readSettings({ name: 'edge', settings: { map_file: '/x/y.map' } })).toEqual({
    masterSocket: '/run/haproxy-master.sock',
    mapFile: '/x/y.map',
    configFile: undefined,
    probeSocket: '/x/edge.probe.sock',
    serverStateFile: undefined,
  });
});

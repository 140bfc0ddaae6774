/** What nginx says of the name that it follows, and what its configuration must contain for that. */
import { describe, expect, test } from 'vitest';
import type { BalancerDeclared } from '../../../src/model/index.ts';
import { nginx } from '../../../src/providers/nginx/index.ts';
import { wholeAnswer } from '../../../src/providers/nginx/name-driver.ts';
import { parseWorker } from '../../../src/providers/nginx/name-workers.ts';
import { balancer } from '../../rig/balancers.ts';
import { recordOf } from '../../rig/zones.ts';

describe('what a worker has used', () => {
  test.for([
    ['one address', '4711 10.0.1.11:8081', ['10.0.1.11:8081']],
    ['two, one after the other', '4711 10.0.1.11:8081, 10.0.1.12:8081', ['10.0.1.11:8081', '10.0.1.12:8081']],
    ['one of another group', '4711 10.0.1.11:80 : [2001:db8::1]:80', ['10.0.1.11:80', '[2001:db8::1]:80']],
    ['a name that was not found', '4711 shop.internal.test:8081', []],
    ['nothing', '4711 ', []],
  ] as const)('%s', ([, header, addresses]) => {
    expect(parseWorker(header)).toEqual({ pid: 4711, addresses });
  });

  const endpoints = { blue: ['a:1', 'b:1'], green: ['c:1', 'd:1'] };
  test.for([
    ['one address of a slot stands for the answer', ['c:1'], ['c:1', 'd:1']],
    ['addresses of two slots are two answers', ['a:1', 'c:1'], ['a:1', 'c:1']],
    ['one of no slot stands for itself', ['x:1'], ['x:1']],
    ['none is none', [], []],
  ] as const)('%s', ([, seen, whole]) => {
    expect(wholeAnswer({ endpoints }, new Set(seen))).toEqual(whole);
  });
});

const following = (names: readonly string[], of: 'A' | 'AAAA' = 'A'): BalancerDeclared => ({
  ...balancer('nginx', { probe_address: '127.0.0.1:7791' }, [], []),
  resolved: names.map((name, index) => ({
    name,
    record: recordOf(name, of),
    zone: 'internal',
    nameServers: [
      { host: '10.0.0.53', port: 53 },
      { host: '2001:db8::53', port: 5353 },
    ],
    size: 1,
    port: 8081 + index,
    endpoints: {},
  })),
});

describe('the snippet', () => {
  test('names every pool by a variable of its own, in the server that shares one resolver', () => {
    const text = nginx.snippet(following(['a-b', 'a.b']), { full: true, bind: '*:80' });
    expect(text).toContain('resolver 10.0.0.53 [2001:db8::53]:5353 ipv6=off;');
    expect(text).toContain('listen 127.0.0.1:7791 reuseport;');
    expect(text).toContain('set $dc_edge_to_a_b a-b.internal.test:8081;');
    expect(text).toContain('set $dc_edge_to_a_b_2 a.b.internal.test:8082;');
  });

  test('asks for IPv6 where the record is one', () => {
    expect(nginx.snippet(following(['shop'], 'AAAA'), { full: false, bind: '*:80' })).not.toContain(
      'ipv6=off',
    );
  });
});

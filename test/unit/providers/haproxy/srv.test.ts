/** SRV records as HAProxy takes them: by the name's first character, and with the weight that they bring. */
import { expect, test } from 'vitest';
import { haproxy } from '../../../../src/providers/haproxy/index.ts';
import { parsePools } from '../../../../src/providers/haproxy/parse.ts';
import { balancer } from '../../../rig/balancers.ts';
import { recordOf } from '../../../rig/zones.ts';

test.for([
  ['shop', ['haproxy-srv-name']],
  ['_shop._tcp', []],
] as const)('an SRV called %s', ([name, codes]) => {
  const declared = balancer('haproxy', { map_file: '/etc/haproxy/edge.map' }, [], []);
  const pool = { name: 'shop', zone: 'internal', nameServers: [], size: 1, port: undefined, endpoints: {} };
  const found = haproxy.check({ ...declared, resolved: [{ ...pool, record: recordOf(name, 'SRV') }] });
  expect(found.map(({ code }) => code)).toEqual(codes);
});

// As HAProxy 2.6 said it, of a backend that it called DOWN and a server that it called UP.
const state = (weight: number): string => `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_check_state srv_fqdn srv_port srvrecord
3 shop 1 shop-1 10.0.1.11 2 64 ${weight} 6 web-1.internal.test 8081 _app._tcp.internal.test
`;
const stat = `# pxname,svname,scur,qcur,stot,hrsp_5xx,econ,eresp,srv_abrt,check_status,check_health,check_rise,check_fall
shop,shop-1,0,0,0,0,0,0,0,L7OK,3,2,2
shop,BACKEND,0,0,0,0,0,0,0,,,,
`;

test.for([
  [0, false, 'weight 0 L7OK'],
  [1, true, 'L7OK'],
] as const)('a server that an SRV gave the weight %i is up: %s', ([weight, up, check]) => {
  const member = parsePools(stat, state(weight)).get('shop')?.members.get('shop-1');
  expect(member).toMatchObject({ endpoint: 'web-1.internal.test:8081', up, check });
});

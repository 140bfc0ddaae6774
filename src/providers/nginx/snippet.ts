/** What the operator's configuration of nginx must contain so that routes can be moved. Pure. */
import { type BalancerDeclared, endpointText, type PoolDeclared } from '../../model/index.ts';
import { renderPools, snippetVersion } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { indented } from '../balancer/snippet-words.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { prefixOf, requestMaps } from './requests.ts';

/**
 * How rules decide: from a route in `$dc_NAME_route` to pools in `$dc_NAME_stable`, `_canary` and `_pool`, which is empty
 * where nothing decides.
 */
export interface Decision {
  /** What must be there before nginx starts. */
  readonly prepare: string;
  /** Lines at the top, outside of every block. */
  readonly main: readonly string[];
  /** Lines in `http { }`. */
  readonly maps: readonly string[];
  /** Lines at the start of the location. */
  readonly rules: readonly string[];
  /** What the probe tells of it, beside the pool: headers and their values. */
  readonly told: Readonly<Record<string, string>>;
}

/** What `deployctl snippet` prints. */
export const snippetOf =
  (decide: (balancer: BalancerDeclared) => Decision): BalancerKind['snippet'] =>
  (balancer, { full, bind }) => {
    const decision = decide(balancer);
    return `${(full ? renderFull(balancer, decision, bind) : renderPart(balancer, decision)).join('\n')}\n`;
  };

/** In the location that passes requests on, in place of its own `proxy_pass`. */
function location(balancer: BalancerDeclared, decision: Decision): readonly string[] {
  const v = prefixOf(balancer);
  const told = {
    Snippet: snippetVersion,
    Name: balancer.name,
    Pool: `${v}_pool`,
    ...decision.told,
    Audience: `${v}_known`,
    Pools: renderPools(balancer.pools),
  };
  return [
    ...decision.rules,
    `if (${v}_probe) {`,
    ...Object.entries(told).map(([name, value]) => `    add_header X-Deployctl-${name} ${value};`),
    '    return 204;',
    '}',
    `if (${v}_pool = "") { return 503; }`,
    '# No connection to a member stays open between two requests: an open one is a request in hand, which is how deployctl',
    '# sees that a pool is drained.',
    'proxy_http_version 1.1;',
    'proxy_set_header Upgrade $http_upgrade;',
    `proxy_set_header Connection ${v}_connection;`,
    'proxy_set_header Host $host;',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    '# Another member is tried where nothing was sent yet, and the stable pool where no member of a canary is there.',
    'proxy_next_upstream error;',
    'proxy_connect_timeout 2s;',
    `error_page 502 = @${v.slice(1)}_stable_502;`,
    `error_page 504 = @${v.slice(1)}_stable_504;`,
    `proxy_pass http://${v}_pool;`,
  ];
}

/** Beside that location: a canary whose members cannot be reached is left out, and nothing is ever sent twice. */
function fallback(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  return [502, 504].flatMap((status) => [
    `location @${v.slice(1)}_stable_${status} {`,
    `    if ($upstream_connect_time !~ "^[-, :]*$") { return ${status}; }`,
    `    set ${v}_both "${v}_pool ${v}_stable";`,
    `    if (${v}_both ~ "^(.*) \\1$") { return ${status}; }`,
    '    proxy_http_version 1.1;',
    '    proxy_set_header Upgrade $http_upgrade;',
    `    proxy_set_header Connection ${v}_connection;`,
    '    proxy_set_header Host $host;',
    '    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    `    proxy_pass http://${v}_stable;`,
    '}',
  ]);
}

const upstream = ({ name, members }: PoolDeclared): readonly string[] => [
  `upstream ${name} {`,
  ...members.map(
    (member) =>
      `    server ${endpointText(member.address, member.port)} max_fails=1 fail_timeout=1s; # ${member.name}`,
  ),
  ...(members.length === 0 ? ['    server 127.0.0.1:9 down;'] : []),
  '}',
];

function renderPart(balancer: BalancerDeclared, decision: Decision): readonly string[] {
  const { address, port } = readProbeAddress(balancer);
  return [
    decision.prepare,
    `# deployctl snippet ${snippetVersion} for ${balancer.address}. nginx 1.18 or newer, with its rewrite, map and proxy modules.`,
    '#',
    ...(decision.main.length === 0
      ? []
      : ['# 0. At the top, outside of every block:', '', ...decision.main, '']),
    '# 1. In `http { }`. The pools are yours: deployctl needs their names, and checks their members itself.',
    '',
    ...balancer.pools.flatMap((pool) => [...upstream(pool), '']),
    ...requestMaps(balancer),
    ...decision.maps,
    '',
    '# 2. In the `server { }` that gets the requests:',
    '',
    `listen ${address}:${port};`,
    ...fallback(balancer),
    '',
    '# 3. In its location that passes requests on, in place of its own `proxy_pass`, and with no other `if` or `rewrite`:',
    '',
    ...location(balancer, decision),
  ];
}

function renderFull(balancer: BalancerDeclared, decision: Decision, bind: string): readonly string[] {
  const { address, port } = readProbeAddress(balancer);
  return [
    decision.prepare,
    ...wholeConfiguration(balancer, decision.main, [
      ...balancer.pools.flatMap((pool) => [...upstream(pool), '']),
      ...requestMaps(balancer),
      ...decision.maps,
      '',
      'server {',
      ...indented([
        `listen ${bind};`,
        `listen ${address}:${port};`,
        '',
        'location / {',
        ...indented(location(balancer, decision)),
        '}',
        ...fallback(balancer),
      ]),
      '}',
    ]),
  ];
}

/** A configuration that starts as it is: what every one of ours begins with, and what differs in its `http { }`. */
export const wholeConfiguration = (
  balancer: BalancerDeclared,
  main: readonly string[],
  http: readonly string[],
): readonly string[] => [
  `# A whole configuration for ${balancer.address} (deployctl snippet ${snippetVersion}, nginx 1.18 or newer). Start it with:`,
  '#     nginx -c THIS_FILE',
  'user www-data;',
  'worker_processes auto;',
  ...main,
  'events { worker_connections 4096; }',
  'http {',
  ...indented([
    'access_log off;',
    'server_tokens off;',
    'keepalive_timeout 60s;',
    'keepalive_requests 10000;',
    '',
    ...http,
  ]),
  '}',
];

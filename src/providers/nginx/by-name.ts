/**
 * nginx that finds the servers of a pool by a DNS record: `resolver`, and a name in a variable, which every worker resolves
 * by itself when a request needs it and what it knows is older than its TTL. Pure.
 */
import type { BalancerDeclared, DnsEndpoint, ResolvedPoolDeclared } from '../../model/index.ts';
import { snippetVersion } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { distinctWords, indented } from '../balancer/snippet-words.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { prefixOf } from './requests.ts';
import { wholeConfiguration } from './snippet.ts';

/** Where the probe of a pool is asked; nobody but the probe address answers there. */
export const workerPath = (balancer: string, pool: string): string =>
  `/.well-known/deployctl/${balancer}/${pool}`;

/** The header in which a worker says its process id, and which addresses it has just used. */
export const workerHeader = 'X-Deployctl-Worker';

/** The variable with the address of each pool. */
function variables(balancer: BalancerDeclared): (pool: ResolvedPoolDeclared) => string {
  const word = distinctWords((balancer.resolved ?? []).map(({ name }) => name));
  return (pool) => `${prefixOf(balancer)}_to_${word(pool.name)}`;
}

const serverWord = ({ host, port }: DnsEndpoint): string => {
  const address = host.includes(':') ? `[${host}]` : host;
  return port === 53 ? address : `${address}:${port}`;
};

/** In the `server { }` that gets the requests, so that its requests and the probe share what a worker has resolved. */
function serverLines(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  const { resolved = [] } = balancer;
  const { address, port } = readProbeAddress(balancer);
  const [first] = resolved;
  const family = resolved.every(({ record }) => record.type === 'A') ? ' ipv6=off' : '';
  return [
    '# reuseport gives each worker a queue of its own, so that deployctl gets to ask every one of them.',
    `listen ${address}:${port} reuseport;`,
    "# The zone's own servers. A resolver of your network may stand here in their place. What nginx has resolved it keeps",
    '# for its TTL and no longer: without an answer after that, requests fail.',
    `resolver ${(first?.nameServers ?? []).map(serverWord).join(' ')}${family};`,
    'resolver_timeout 5s;',
    ...resolved.flatMap((pool) => {
      const to = variables(balancer)(pool);
      return [
        `set ${to} ${pool.record.name.replace(/\.$/, '')}:${pool.port ?? 80};`,
        `location = ${workerPath(balancer.name, pool.name)} {`,
        `    if (${v}_probe = "") { return 404; }`,
        '    proxy_next_upstream error;',
        '    proxy_connect_timeout 2s;',
        `    add_header X-Deployctl-Snippet ${snippetVersion} always;`,
        `    add_header ${workerHeader} "$pid $upstream_addr" always;`,
        `    proxy_pass http://${to}${probedPath(pool)};`,
        '}',
      ];
    }),
  ];
}

/** What a worker asks a member for when it is asked itself; any answer does, members are checked from the host. */
const probedPath = ({ health }: ResolvedPoolDeclared): string =>
  health?.kind === 'http' && /^\/[A-Za-z0-9._~/?=&%-]*$/.test(health.path) ? health.path : '/';

const probeMap = (balancer: BalancerDeclared): readonly string[] => {
  const v = prefixOf(balancer);
  const { address, port } = readProbeAddress(balancer);
  return [
    '# Only deployctl asks at the probe address, which is decided by where a request came in and not by what it says.',
    `map "$server_addr:$server_port" ${v}_probe { default ""; "${address}:${port}" 1; }`,
    `map $http_upgrade ${v}_connection { default upgrade; "" close; }`,
  ];
};

/** In the location that passes requests on, in place of its own `proxy_pass`. */
const locationLines = (balancer: BalancerDeclared, pool: ResolvedPoolDeclared): readonly string[] => [
  'proxy_http_version 1.1;',
  'proxy_set_header Upgrade $http_upgrade;',
  `proxy_set_header Connection ${prefixOf(balancer)}_connection;`,
  'proxy_set_header Host $host;',
  'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  '# Another address is tried where nothing was sent yet.',
  'proxy_next_upstream error;',
  'proxy_connect_timeout 2s;',
  `proxy_pass http://${variables(balancer)(pool)};`,
];

export const renderNameSnippet: BalancerKind['snippet'] = (balancer, { full, bind }) =>
  `${(full ? renderFull(balancer, bind) : renderPart(balancer)).join('\n')}\n`;

function renderPart(balancer: BalancerDeclared): readonly string[] {
  const { resolved = [] } = balancer;
  return [
    `# deployctl snippet ${snippetVersion} for ${balancer.address}. nginx 1.18 or newer, with its rewrite, map and proxy modules.`,
    '#',
    '# 1. In `http { }`:',
    '',
    ...probeMap(balancer),
    '',
    '# 2. In the `server { }` that gets the requests:',
    '',
    ...serverLines(balancer),
    ...resolved.flatMap((pool) => [
      '',
      `# ${resolved.indexOf(pool) + 3}. In its location that passes the requests for ${pool.name} on, in place of its own \`proxy_pass\`, and with no \`resolver\` of its own:`,
      '',
      ...locationLines(balancer, pool),
    ]),
  ];
}

function renderFull(balancer: BalancerDeclared, bind: string): readonly string[] {
  const [first, ...others] = balancer.resolved ?? [];
  return wholeConfiguration(
    balancer,
    [],
    [
      ...probeMap(balancer),
      '',
      'server {',
      ...indented([
        `listen ${bind};`,
        ...serverLines(balancer),
        '',
        ...others.map(
          (pool) =>
            `# Whose requests go to ${pool.name} is yours to say: a location with  proxy_pass http://${variables(balancer)(pool)};`,
        ),
        ...(first === undefined ? [] : ['location / {', ...indented(locationLines(balancer, first)), '}']),
      ]),
      '}',
    ],
  );
}

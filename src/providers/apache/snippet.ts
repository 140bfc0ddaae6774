/** What the operator's configuration of Apache httpd must contain so that routes can be moved without a reload. Pure. */
import {
  type AudienceRule,
  audienceToken,
  type BalancerDeclared,
  endpointText,
  type PoolDeclared,
} from '../../model/index.ts';
import { renderPools, snippetVersion } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { allRules, escaped, indented, variablePrefix } from '../balancer/snippet-words.ts';
import type { SnippetOptions } from '../registry-entry.ts';
import { drawKey } from './map-file.ts';
import { readMapFile } from './settings.ts';

/** What `deployctl snippet` prints: for Apache httpd 2.4.47 or newer. */
export const renderSnippet = (balancer: BalancerDeclared, options: SnippetOptions): string =>
  `${(options.full ? renderFull(balancer, options.bind) : renderPart(balancer)).join('\n')}\n`;

const modules = [
  'mpm_event',
  'authz_core',
  'rewrite',
  'headers',
  'slotmem_shm',
  'proxy',
  'proxy_http',
  'proxy_balancer',
  'lbmethod_byrequests',
];

const cookiePattern = (name: string, value: string): string =>
  `(?:^|;)\\s*${escaped(name)}=${value}\\s*(?:;|$)`;

const condition = ({ by, name, value }: AudienceRule): string =>
  ({
    header: `"%{HTTP:${name}}" "^${escaped(value)}$"`,
    cookie: `"%{HTTP_COOKIE}" "${cookiePattern(name, escaped(value))}"`,
    query: `"%{QUERY_STRING}" "(?:^|&)${escaped(name)}=${escaped(value)}(?:&|$)"`,
  })[by];

/**
 * A pool for each pair of canary and stable pool: where no member of the canary can be reached, those of the stable one
 * answer, as hot standbys. Pools are numbered, because Apache refuses a name of more than 84 characters (52 in earlier
 * versions), which two long ones come to.
 */
const pairName = ({ name }: BalancerDeclared, pool: string, stable: string): string =>
  `${name}.${pool}.or.${stable}`;

/** Longer ones leave no room in Apache's names of pools. */
export const longestName = 40;

function pairs(balancer: BalancerDeclared): readonly string[] {
  const { pools } = balancer;
  // No connection to a member stays open between two requests: an open one is a request in hand.
  const lines = ({ members }: PoolDeclared, standby: string): readonly string[] =>
    members.map(
      ({ address, port }) =>
        `    BalancerMember http://${endpointText(address, port)} disablereuse=On connectiontimeout=2 retry=1 upgrade=ANY${standby}`,
    );
  return pools.flatMap((pool, index) =>
    pools.flatMap((stable, other) => [
      `# ${stable.name === pool.name ? pool.name : `${pool.name}, or else ${stable.name}`}`,
      `<Proxy balancer://${pairName(balancer, String(index), String(other))}>`,
      ...lines(pool, ''),
      ...(stable.name === pool.name ? [] : lines(stable, ' status=+H')),
      '</Proxy>',
    ]),
  );
}

/** From a route's name in a variable to a pool's name in another. One look into the map decides a request. */
function rules(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const mapFile = readMapFile(balancer);
  return [
    `RewriteMap ${p} txt:${mapFile}`,
    `RewriteMap ${p}_draw rnd:${mapFile}`,
    `RewriteRule ^ - [${['cell', 'stable', 'canary', 'buckets', 'rules', 'pool', 'bucket', 'known'].map((each) => `E=${p}_${each}:`).join(',')}]`,
    '# The whole decision of a route: stable|canary|buckets|audience.',
    `RewriteCond "\${${p}:%{ENV:${p}_route}}" "^(([^|]+)\\|([^|]+)\\|([^|]*)\\|([^|]*))$"`,
    `RewriteRule ^ - [E=${p}_cell:%1,E=${p}_stable:%2,E=${p}_canary:%3,E=${p}_buckets:%4,E=${p}_rules:%5,E=${p}_pool:%2]`,
    '# One of a hundred buckets.',
    `RewriteCond "\${${p}_draw:${drawKey}}" "^(..)$"`,
    `RewriteRule ^ - [E=${p}_bucket:%1]`,
    ...balancer.routes.flatMap(({ route, stickyCookie }) =>
      stickyCookie === undefined
        ? []
        : [
            `# Who has the cookie ${stickyCookie} keeps his bucket, the last two decimal digits of its value.`,
            `RewriteCond "%{ENV:${p}_route}" "=${route}"`,
            `RewriteCond "%{HTTP_COOKIE}" "${cookiePattern(stickyCookie, '[^;]*([0-9])[^0-9;]*([0-9])[^0-9;]*')}"`,
            `RewriteRule ^ - [E=${p}_bucket:%1%2]`,
          ],
    ),
    `RewriteCond "%{ENV:${p}_bucket}|%{ENV:${p}_buckets}" "^(..)\\|.*,\\1,"`,
    `RewriteRule ^ - [E=${p}_pool:%{ENV:${p}_canary}]`,
    ...allRules(balancer).flatMap((rule) => [
      `RewriteCond ${condition(rule)}`,
      `RewriteCond "%{ENV:${p}_rules}" ",${escaped(audienceToken(rule))},"`,
      `RewriteRule ^ - [E=${p}_pool:%{ENV:${p}_canary}]`,
    ]),
  ];
}

/** Whose requests they are is the operator's to say; with one route it is all of them. */
function chooseRoute(balancer: BalancerDeclared, source: string): readonly string[] {
  const p = variablePrefix(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  return [
    `RewriteRule ^ - [E=${p}_route:${first}]`,
    ...(routes.length <= 1
      ? []
      : [
          `RewriteCond "${source}" "^(${routes.map(escaped).join('|')})(?:\\.|$)"`,
          `RewriteRule ^ - [E=${p}_route:%1]`,
        ]),
  ];
}

function site(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  return [
    'RewriteEngine On',
    ...chooseRoute(balancer, '%{HTTP_HOST}'),
    ...rules(balancer),
    '# The numbers of its pools.',
    `RewriteRule ^ - [E=${p}_to:,E=${p}_or:]`,
    ...balancer.pools.flatMap(({ name }, index) =>
      ['pool', 'stable'].flatMap((side) => [
        `RewriteCond "%{ENV:${p}_${side}}" "=${name}"`,
        `RewriteRule ^ - [E=${p}_${side === 'pool' ? 'to' : 'or'}:${index}]`,
      ]),
    ),
    '# A request whose route cannot be read, or names a pool that is not known, is not sent to whatever comes first.',
    `RewriteCond "%{ENV:${p}_to}|%{ENV:${p}_or}" "^\\||\\|$"`,
    'RewriteRule ^ - [R=503,L]',
    `RewriteRule ^/(.*)$ balancer://${pairName(balancer, `%{ENV:${p}_to}`, `%{ENV:${p}_or}`)}/$1 [P,L]`,
    'ProxyPreserveHost On',
  ];
}

/** Where only deployctl asks. */
function probeSite(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const { address, port } = readProbeAddress(balancer);
  const told: Readonly<Record<string, string>> = {
    Snippet: String(snippetVersion),
    Name: balancer.name,
    Pool: `%{${p}_pool}e`,
    Cell: `%{${p}_cell}e`,
    Audience: `%{${p}_known}e`,
    Pools: renderPools(balancer.pools),
  };
  return [
    `Listen ${endpointText(address, port)}`,
    `<VirtualHost ${endpointText(address, port)}>`,
    ...indented([
      'RewriteEngine On',
      ...chooseRoute(balancer, '%{HTTP:X-Deployctl-Route}'),
      ...rules(balancer),
      ...balancer.routes.flatMap(({ route, audience = [] }) =>
        audience.length === 0
          ? []
          : [
              `RewriteCond "%{ENV:${p}_route}" "=${route}"`,
              `RewriteRule ^ - [E=${p}_known:${audience.map(audienceToken).join('+').replaceAll('%', '\\%')}]`,
            ],
      ),
      ...Object.entries(told).map(([name, value]) => `Header always set X-Deployctl-${name} "${value}"`),
      'RewriteRule ^ - [R=204,L]',
    ]),
    '</VirtualHost>',
  ];
}

const prepare = (mapFile: string): string =>
  `# Once:  touch ${mapFile}    (deployctl replaces it in each switch)`;

function renderPart(balancer: BalancerDeclared): readonly string[] {
  return [
    prepare(readMapFile(balancer)),
    `# deployctl snippet ${snippetVersion} for ${balancer.address}, for Apache httpd 2.4.47 or newer. Once:  a2enmod ${modules.slice(2).join(' ')}`,
    '#',
    '# 1. Outside of every virtual host:',
    '',
    ...pairs(balancer),
    '',
    ...probeSite(balancer),
    '',
    '# 2. In the virtual host that gets the requests, with no other rewriting:',
    '',
    ...site(balancer),
  ];
}

function renderFull(balancer: BalancerDeclared, bind: string): readonly string[] {
  return [
    prepare(readMapFile(balancer)),
    `# A whole configuration for ${balancer.address} (deployctl snippet ${snippetVersion}, Apache httpd 2.4.47 or newer). Start it with:`,
    '#     apache2 -f THIS_FILE',
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    'User www-data',
    'Group www-data',
    'ServerName localhost',
    'DefaultRuntimeDir /run',
    'PidFile /run/apache2-deployctl.pid',
    'ErrorLog /var/log/apache2/deployctl.log',
    '# As many spare threads as there are threads: a process that is ended because it is idle takes kept connections with it.',
    'ServerLimit 4',
    'StartServers 4',
    'ThreadsPerChild 128',
    'MaxRequestWorkers 512',
    'MaxSpareThreads 512',
    'KeepAliveTimeout 60',
    'MaxKeepAliveRequests 10000',
    ...pairs(balancer),
    ...probeSite(balancer),
    `Listen ${bind.replace(/^\*:/, '')}`,
    `<VirtualHost ${bind}>`,
    ...indented(site(balancer)),
    '</VirtualHost>',
  ];
}

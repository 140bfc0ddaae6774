/** What the operator's Caddyfile must contain so that routes can be moved without a change of it. Pure. */
import {
  type AudienceRule,
  audienceToken,
  type BalancerDeclared,
  endpointText,
  type PoolDeclared,
} from '../../model/index.ts';
import { readFlagsDir } from '../balancer/flags/settings.ts';
import { renderPools, snippetVersion } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import {
  allRules,
  escaped,
  indented,
  poolWords,
  routeWords,
  variablePrefix,
  variableWord,
} from '../balancer/snippet-words.ts';
import type { SnippetOptions } from '../registry-entry.ts';

/** What `deployctl snippet` prints: a Caddyfile for Caddy 2.6 or newer. */
export const renderFlagsSnippet = (balancer: BalancerDeclared, options: SnippetOptions): string =>
  `${(options.full ? renderFull(balancer, options.bind) : renderPart(balancer)).join('\n')}\n`;

const block = (head: string, lines: readonly string[]): readonly string[] => [
  `${head} {`,
  ...indented(lines, '\t'),
  '}',
];

/** The last two decimal digits of a text: of a random one, one of a hundred buckets, all as likely. */
const lastDigits = '~^.*([0-9])[^0-9]*([0-9])[^0-9]*$ "${1}${2}"';

/** Keeps the last part of a matched file's path; at once, because a placeholder of Caddy is read when it is used. */
const keepName = (matcher: string, variable: string): readonly string[] =>
  block(`route @${matcher}`, [
    ...block(`map {http.matchers.file.relative} {${variable}_seen}`, ['~^.*/([^/]+)$ "${1}"', 'default ""']),
    `vars ${variable} {${variable}_seen}`,
  ]);

/** From a route's name in a variable to a pool's name in another. */
function rules(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const flagsDir = readFlagsDir(balancer);
  const inRoute = `/{http.vars.${p}_revision}/{http.vars.${p}_route}`;
  const file = (...paths: readonly string[]): readonly string[] =>
    block('file', [`root ${flagsDir}`, `try_files ${paths.join(' ')}`]);
  const word = routeWords(balancer);
  const sticky = balancer.routes.filter(({ stickyCookie }) => stickyCookie !== undefined);
  return [
    '# The name of the live revision, once for each request, so that no request is decided by two. Asked for twice, in case',
    '# that another one takes its place between a look into the folder and a look at the file.',
    ...block(`@${p}_live`, file('/live/revision/*', '/live/revision/*')),
    ...keepName(`${p}_live`, `${p}_revision`),
    ...block(`@${p}_has_stable`, file(`${inRoute}/stable/*`)),
    ...keepName(`${p}_has_stable`, `${p}_stable`),
    ...block(`@${p}_has_canary`, file(`${inRoute}/canary/*`)),
    ...keepName(`${p}_has_canary`, `${p}_canary`),
    `vars ${p}_pool {http.vars.${p}_stable}`,
    '# One of a hundred buckets.',
    ...block(`map {http.request.uuid} {${p}_drawn}`, [lastDigits, 'default "00"']),
    `vars ${p}_bucket {${p}_drawn}`,
    ...sticky.flatMap(({ route, stickyCookie = '' }) => [
      `# Who has the cookie ${stickyCookie} keeps his bucket, the last two decimal digits of its value.`,
      `@${p}_for_${word(route)} vars ${p}_route ${route}`,
      ...block(`route @${p}_for_${word(route)}`, [
        ...block(`map {http.request.cookie.${stickyCookie}} {${p}_of_${word(route)}}`, [
          lastDigits,
          `default {${p}_drawn}`,
        ]),
        `vars ${p}_bucket {${p}_of_${word(route)}}`,
      ]),
    ]),
    ...block(`@${p}_is_canary`, file(`${inRoute}/bucket/{http.vars.${p}_bucket}`)),
    `vars @${p}_is_canary ${p}_pool {http.vars.${p}_canary}`,
    ...allRules(balancer).flatMap((rule, index) => [
      ...block(`@${p}_rule_${index}`, [
        condition(rule, p),
        ...file(`${inRoute}/audience/${audienceToken(rule)}`),
      ]),
      `vars @${p}_rule_${index} ${p}_pool {http.vars.${p}_canary}`,
    ]),
  ];
}

const condition = ({ by, name, value }: AudienceRule, p: string): string =>
  ({
    header: `header ${name} ${value}`,
    cookie: `header_regexp ${p}_cookie Cookie \`(?:^|;\\s*)${escaped(name)}=${escaped(value)}\\s*(?:;|$)\``,
    // As it was sent: Caddy's own matcher of queries compares what it means.
    query: `vars_regexp ${p}_query {http.request.uri.query} \`(?:^|&)${escaped(name)}=${escaped(value)}(?:&|$)\``,
  })[by];

/** Passes a request on, if its pool is this one. */
function proxy({ name, members, health }: PoolDeclared, matcher: string): readonly string[] {
  if (members.length === 0) return [`respond @${matcher} 503`];
  const to = members.map((member) => endpointText(member.address, member.port)).join(' ');
  return block(`reverse_proxy @${matcher} ${to}`, [
    `# ${name}: ${members.map((member) => member.name).join(' ')}`,
    'lb_policy round_robin',
    'lb_try_duration 2s',
    'lb_try_interval 100ms',
    ...(health?.kind === 'http'
      ? [
          `health_uri ${health.path}`,
          `health_status ${health.status}`,
          `health_interval ${Math.max(100, Math.min(health.intervalMs, 1000))}ms`,
          `health_timeout ${health.timeoutMs}ms`,
        ]
      : []),
    ...block('transport http', ['keepalive off', 'dial_timeout 2s']),
  ]);
}

/** In the route of the site: by the name in the variable to the pool itself. */
function pools(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const word = poolWords(balancer);
  return [
    '# No connection to a member stays open between two requests: an open one is a request in hand, which is how deployctl',
    '# sees that a pool is drained.',
    ...balancer.pools.flatMap((pool) => [
      `@${p}_to_${word(pool.name)} vars ${p}_pool ${pool.name}`,
      ...proxy(pool, `${p}_to_${word(pool.name)}`),
    ]),
    '# A request whose route or flags cannot be read is not sent to whatever comes first.',
    'respond 503',
  ];
}

/** Beside that route: a canary that cannot be reached is left out, where nothing was sent to it yet. */
function fallback(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const word = poolWords(balancer);
  return block('handle_errors', [
    `@${p}_unreached expression \`({http.error.status_code} == 503 || {http.error.message}.contains("dial tcp")) && {http.vars.${p}_pool} != {http.vars.${p}_stable}\``,
    ...block(`route @${p}_unreached`, [
      ...balancer.pools.flatMap((pool) => [
        `@${p}_back_to_${word(pool.name)} vars ${p}_stable ${pool.name}`,
        ...proxy(pool, `${p}_back_to_${word(pool.name)}`),
      ]),
    ]),
    'respond {http.error.status_code}',
  ]);
}

/** Whose requests they are is the operator's to say; with one route it is all of them. */
function routeChoice(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  if (routes.length <= 1) return [`vars ${p}_route ${first}`];
  return [
    '# Which requests belong to which route is yours to say: by host, by path, or as you like.',
    `# As it stands: the first label of the host name (${first}.example.org is ${first}), and else ${first}.`,
    ...block(`map {http.request.host} {${p}_label}`, [
      ...routes.map((route) => `~^${escaped(route)}(\\.|$) ${route}`),
      `default ${first}`,
    ]),
    `vars ${p}_route {${p}_label}`,
  ];
}

/** The site that only deployctl asks. */
function probeSite(balancer: BalancerDeclared): readonly string[] {
  const p = variablePrefix(balancer);
  const { address, port } = readProbeAddress(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  return block(`http://:${port}`, [
    `bind ${address}`,
    ...block('route', [
      ...block(`map {http.request.header.X-Deployctl-Route} {${p}_asked}`, [
        ...routes.map((route) => `${route} ${route}`),
        `default ${first}`,
      ]),
      `vars ${p}_route {${p}_asked}`,
      `import deployctl_${variableWord(balancer.name)}`,
      ...block(`map {http.vars.${p}_route} {${p}_known}`, [
        ...balancer.routes.flatMap(({ route, audience = [] }) =>
          audience.length === 0 ? [] : [`${route} "${audience.map(audienceToken).join('+')}"`],
        ),
        'default ""',
      ]),
      ...block('header', [
        `X-Deployctl-Snippet ${snippetVersion}`,
        `X-Deployctl-Name ${balancer.name}`,
        `X-Deployctl-Pool "{http.vars.${p}_pool}"`,
        `X-Deployctl-Revision "{http.vars.${p}_revision}"`,
        `X-Deployctl-Audience "{${p}_known}"`,
        `X-Deployctl-Pools "${renderPools(balancer.pools)}"`,
      ]),
      'respond 204',
    ]),
  ]);
}

const prepare = (flagsDir: string): string =>
  `# Once:  mkdir -p ${flagsDir}    (Caddy must be able to read it)`;

const site = (balancer: BalancerDeclared): readonly string[] => [
  ...block('route', [
    ...routeChoice(balancer),
    `import deployctl_${variableWord(balancer.name)}`,
    ...pools(balancer),
  ]),
  ...fallback(balancer),
];

const shared = (balancer: BalancerDeclared): readonly string[] => [
  ...block(`(deployctl_${variableWord(balancer.name)})`, rules(balancer)),
  '',
  ...probeSite(balancer),
];

function renderPart(balancer: BalancerDeclared): readonly string[] {
  return [
    prepare(readFlagsDir(balancer)),
    `# deployctl snippet ${snippetVersion} for ${balancer.address}, for a Caddyfile of Caddy 2.6 or newer.`,
    '#',
    '# 1. At the top of the file, below its global options:',
    '',
    ...shared(balancer),
    '',
    '# 2. In the site that gets the requests, in place of its own `reverse_proxy`. The pools are yours: deployctl needs their',
    '#    names, and checks their members itself.',
    '',
    ...site(balancer),
  ];
}

function renderFull(balancer: BalancerDeclared, bind: string): readonly string[] {
  const cut = bind.lastIndexOf(':');
  const address = bind.slice(0, cut).replaceAll(/[[\]]/g, '');
  return [
    prepare(readFlagsDir(balancer)),
    `# A whole Caddyfile for ${balancer.address} (deployctl snippet ${snippetVersion}, Caddy 2.6 or newer). Start it with:`,
    '#     caddy run --adapter caddyfile --config THIS_FILE',
    ...shared(balancer),
    '',
    ...block(`http://:${bind.slice(cut + 1)}`, [
      ...(address === '' || address === '*' ? [] : [`bind ${address}`]),
      ...site(balancer),
    ]),
  ];
}

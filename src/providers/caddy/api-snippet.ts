/** What the JSON configuration of Caddy must contain so that routes can be moved by its admin API. Pure. */
import {
  type AudienceRule,
  audienceToken,
  type BalancerDeclared,
  endpointText,
  type PoolDeclared,
} from '../../model/index.ts';
import { renderPools, snippetVersion } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { allRules, escaped, routeWords, variablePrefix, variableWord } from '../balancer/snippet-words.ts';
import type { SnippetOptions } from '../registry-entry.ts';
import { readApiSettings, routesId } from './settings.ts';

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** What `deployctl snippet` prints: for Caddy 2.6 or newer. */
export const renderApiSnippet = (balancer: BalancerDeclared, { full, bind }: SnippetOptions): string =>
  full ? `${asText(wholeConfig(balancer, bind))}\n` : renderPart(balancer);

const asText = (value: Json): string => JSON.stringify(value, undefined, 2);

/** The last two decimal digits of a text: of a random one, one of a hundred buckets, all as likely. */
const lastDigits: Json = { input_regexp: '^.*([0-9])[^0-9]*([0-9])[^0-9]*$', outputs: [`\${1}\${2}`] };

const vars = (values: Readonly<Record<string, string>>): Json => ({ handler: 'vars', ...values });
const map = (source: string, destination: string, mappings: readonly Json[], otherwise: string): Json => ({
  handler: 'map',
  source,
  destinations: [destination],
  mappings,
  defaults: [otherwise],
});
const when = (match: Json, ...handle: readonly Json[]): Json => ({ match: [match], handle });
const always = (...handle: readonly Json[]): Json => ({ handle });

/** Only deployctl asks, from the host itself: a path and a header that nobody else has. */
const isProbe = ({ name }: BalancerDeclared): Json => ({
  path: [`/.well-known/deployctl/${name}`],
  header: { 'X-Deployctl-Route': ['*'] },
  remote_ip: { ranges: ['127.0.0.0/8'] },
});

/** Whose requests they are is the operator's to say; with one route it is all of them. */
function chooseRoute(balancer: BalancerDeclared): readonly Json[] {
  const p = variablePrefix(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  const byHost = routes.map(
    (route): Json => ({ input_regexp: `^${escaped(route)}(\\.|$)`, outputs: [route] }),
  );
  const byName = routes.map((route): Json => ({ input: route, outputs: [route] }));
  return [
    routes.length <= 1
      ? always(vars({ [`${p}_route`]: first }))
      : always(
          map('{http.request.host}', `{${p}_label}`, byHost, first),
          vars({ [`${p}_route`]: `{${p}_label}` }),
        ),
    when(
      isProbe(balancer),
      map('{http.request.header.X-Deployctl-Route}', `{${p}_asked}`, byName, first),
      vars({ [`${p}_route`]: `{${p}_asked}` }),
    ),
  ];
}

/** The one object that deployctl changes. */
const routesObject = (balancer: BalancerDeclared): Json => ({
  '@id': routesId(balancer),
  handler: 'map',
  source: `{http.vars.${variablePrefix(balancer)}_route}`,
  destinations: [`{${variablePrefix(balancer)}_cell}`],
  mappings: [],
  defaults: [''],
});

const condition = ({ by, name, value }: AudienceRule, p: string): { readonly [name: string]: Json } =>
  ({
    header: { header: { [name]: [value] } },
    cookie: {
      header_regexp: {
        Cookie: {
          name: `${p}_cookie`,
          pattern: `(?:^|;\\s*)${escaped(name)}=${escaped(value)}\\s*(?:;|$)`,
        },
      },
    },
    // As it was sent: Caddy's own matcher of queries compares what it means.
    query: {
      vars_regexp: {
        '{http.request.uri.query}': {
          name: `${p}_query`,
          pattern: `(?:^|&)${escaped(name)}=${escaped(value)}(?:&|$)`,
        },
      },
    },
  })[by];

/** From a route's name in a variable to a pool's name in another. */
function decide(balancer: BalancerDeclared): readonly Json[] {
  const p = variablePrefix(balancer);
  const word = routeWords(balancer);
  const toCanary = vars({ [`${p}_pool`]: `{http.vars.${p}_canary}` });
  const holds = (list: string, item: string): string =>
    `{http.vars.${p}_${list}}.contains("," + ${item} + ",")`;
  return [
    always(
      routesObject(balancer),
      {
        handler: 'map',
        source: `{${p}_cell}`,
        destinations: [`{${p}_1}`, `{${p}_2}`, `{${p}_3}`, `{${p}_4}`],
        mappings: [
          {
            input_regexp: '^([^|]+)\\|([^|]+)\\|([^|]*)\\|([^|]*)$',
            outputs: [`\${1}`, `\${2}`, `\${3}`, `\${4}`],
          },
        ],
        defaults: ['', '', '', ''],
      },
      vars({
        [`${p}_stable`]: `{${p}_1}`,
        [`${p}_canary`]: `{${p}_2}`,
        [`${p}_buckets`]: `{${p}_3}`,
        [`${p}_rules`]: `{${p}_4}`,
        [`${p}_pool`]: `{${p}_1}`,
      }),
      map('{http.request.uuid}', `{${p}_drawn}`, [lastDigits], '00'),
      vars({ [`${p}_bucket`]: `{${p}_drawn}` }),
    ),
    ...balancer.routes.flatMap(({ route, stickyCookie }) =>
      stickyCookie === undefined
        ? []
        : [
            when(
              { vars: { [`${p}_route`]: [route] } },
              map(
                `{http.request.cookie.${stickyCookie}}`,
                `{${p}_of_${word(route)}}`,
                [lastDigits],
                `{${p}_drawn}`,
              ),
              vars({ [`${p}_bucket`]: `{${p}_of_${word(route)}}` }),
            ),
          ],
    ),
    when({ expression: holds('buckets', `{http.vars.${p}_bucket}`) }, toCanary),
    ...allRules(balancer).map((rule) =>
      when(
        { ...condition(rule, p), expression: holds('rules', JSON.stringify(audienceToken(rule))) },
        toCanary,
      ),
    ),
  ];
}

function answerProbe(balancer: BalancerDeclared): Json {
  const p = variablePrefix(balancer);
  const known = balancer.routes.flatMap(({ route, audience = [] }): Json[] =>
    audience.length === 0 ? [] : [{ input: route, outputs: [audience.map(audienceToken).join('+')] }],
  );
  const told: Readonly<Record<string, string>> = {
    Snippet: String(snippetVersion),
    Name: balancer.name,
    Pool: `{http.vars.${p}_pool}`,
    Cell: `{${p}_cell}`,
    Audience: `{${p}_known}`,
    Pools: renderPools(balancer.pools),
  };
  const set = Object.fromEntries(
    Object.entries(told).map(([name, value]) => [`X-Deployctl-${name}`, [value]] as const),
  );
  return when(
    isProbe(balancer),
    map(`{http.vars.${p}_route}`, `{${p}_known}`, known, ''),
    { handler: 'headers', response: { set } },
    { handler: 'static_response', status_code: 204 },
  );
}

const nanoseconds = (ms: number): number => ms * 1_000_000;

/** Passes a request on. No connection to a member stays open between two: an open one is a request in hand. */
function proxy({ members, health }: PoolDeclared): Json {
  if (members.length === 0) return { handler: 'static_response', status_code: 503 };
  return {
    handler: 'reverse_proxy',
    upstreams: members.map((member) => ({ dial: endpointText(member.address, member.port) })),
    load_balancing: {
      selection_policy: { policy: 'round_robin' },
      try_duration: nanoseconds(2000),
      try_interval: nanoseconds(100),
    },
    transport: { protocol: 'http', dial_timeout: nanoseconds(2000), keep_alive: { enabled: false } },
    ...(health?.kind === 'http'
      ? {
          health_checks: {
            active: {
              uri: health.path,
              expect_status: health.status,
              interval: nanoseconds(Math.max(100, Math.min(health.intervalMs, 1000))),
              timeout: nanoseconds(health.timeoutMs),
            },
          },
        }
      : {}),
  };
}

/** What handles the requests of the site, whole. */
function site(balancer: BalancerDeclared): readonly Json[] {
  const p = variablePrefix(balancer);
  return [
    ...chooseRoute(balancer),
    ...decide(balancer),
    answerProbe(balancer),
    ...balancer.pools.map((pool) => when({ vars: { [`${p}_pool`]: [pool.name] } }, proxy(pool))),
    always({ handler: 'static_response', status_code: 503 }),
  ];
}

/** Where a canary cannot be reached, and nothing was sent to it yet, the stable pool answers. */
function errors(balancer: BalancerDeclared): readonly Json[] {
  const p = variablePrefix(balancer);
  const unreached = `({http.error.status_code} == 503 || {http.error.message}.contains("dial tcp")) && {http.vars.${p}_pool} != {http.vars.${p}_stable}`;
  return [
    when(
      { expression: unreached },
      {
        handler: 'subroute',
        routes: balancer.pools.map((pool) => when({ vars: { [`${p}_stable`]: [pool.name] } }, proxy(pool))),
      },
    ),
    always({ handler: 'static_response', status_code: '{http.error.status_code}' }),
  ];
}

function wholeConfig(balancer: BalancerDeclared, bind: string): Json {
  const { admin } = readApiSettings(balancer);
  const { address, port } = readProbeAddress(balancer);
  return {
    admin: { listen: endpointText(admin.address, admin.port) },
    apps: {
      http: {
        servers: {
          [variableWord(balancer.name)]: {
            listen: [bind.replace(/^\*:/, ':'), endpointText(address, port)],
            routes: site(balancer),
            errors: { routes: errors(balancer) },
          },
        },
      },
    },
  };
}

function renderPart(balancer: BalancerDeclared): string {
  const { admin, configFile } = readApiSettings(balancer);
  const { address, port } = readProbeAddress(balancer);
  return [
    `# deployctl snippet ${snippetVersion} for ${balancer.address}, for a JSON configuration of Caddy 2.6 or newer: ${configFile},`,
    `# with "admin": {"listen": "${endpointText(admin.address, admin.port)}"}. deployctl changes the one object with an "@id".`,
    '#',
    `# 1. The server that gets the requests listens on this address too:`,
    '',
    asText(endpointText(address, port)),
    '',
    '# 2. Its routes, in place of its own. The pools are yours: deployctl needs their names, and checks their members itself.',
    '',
    asText(site(balancer)),
    '',
    '# 3. Its "errors": {"routes": …}:',
    '',
    asText(errors(balancer)),
    '',
  ].join('\n');
}

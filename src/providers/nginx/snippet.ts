/** What the operator's configuration of nginx must contain so that routes can be moved without a reload. Pure. */
import {
  type AudienceRule,
  audienceToken,
  type BalancerDeclared,
  type PoolDeclared,
} from '../../model/index.ts';
import { renderPools, snippetVersion } from '../balancer/flags/probe.ts';
import { readFlagSettings } from '../balancer/flags/settings.ts';
import type { SnippetOptions } from '../registry-entry.ts';

/** What `deployctl snippet` prints. */
export const renderSnippet = (balancer: BalancerDeclared, options: SnippetOptions): string =>
  `${(options.full ? renderFull(balancer, options.bind) : renderPart(balancer)).join('\n')}\n`;

/** Variables of nginx have letters, digits and `_`. */
const prefixOf = ({ name }: BalancerDeclared): string => `$dc_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;

const endpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const indent = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => (line === '' ? '' : `    ${line}`));

const escaped = (text: string): string => text.replaceAll(/[.+*?^$()[\]{}|\\/]/g, '\\$&');

/** In `http { }`: what a request is, as variables that cost nothing where they are not used. */
function maps(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  const { probeAddress, probePort } = readFlagSettings(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  const names = routes.map(escaped).join('|');
  const capture = v.slice(1);
  const sticky = balancer.routes.filter(({ stickyCookie }) => stickyCookie !== undefined);
  return [
    '# Only deployctl asks at the probe address, which is decided by where a request came in and not by what it says.',
    `map "$server_addr:$server_port" ${v}_probe { default ""; "${probeAddress}:${probePort}" 1; }`,
    ...(routes.length <= 1
      ? [`map "" ${v}_route { default "${first}"; }`]
      : [
          '# Which requests belong to which route is yours to say: by host, by path, or as you like. The first line stays.',
          `# As it stands: the first label of the host name (${first}.example.org is ${first}), and else ${first}.`,
          `map "${v}_probe:$http_x_deployctl_route:$host" ${v}_route {`,
          `    "~^1:(?<${capture}_asked>${names}):" $${capture}_asked;`,
          `    "~^:[^:]*:(?<${capture}_label>${names})(\\.|$)" $${capture}_label;`,
          `    default "${first}";`,
          '}',
        ]),
    '# The last two decimal digits of a random number: one of a hundred buckets, all as likely.',
    `map $request_id ${v}_drawn { "~(?<${capture}_tens>[0-9])[^0-9]*(?<${capture}_ones>[0-9])[^0-9]*$" "$${capture}_tens$${capture}_ones"; default "00"; }`,
    ...(sticky.length === 0
      ? [`map $request_id ${v}_bucket { default ${v}_drawn; }`]
      : [
          '# Who has the cookie keeps his bucket, so that a growing share moves each user once.',
          `map "${v}_route;$http_cookie" ${v}_user {`,
          '    default "";',
          ...sticky.map(
            ({ route, stickyCookie = '' }) =>
              `    "~^${escaped(route)};(.*;)?\\s*${escaped(stickyCookie)}=(?<${capture}_of_${variableWord(route)}>[^;]+)" $${capture}_of_${variableWord(route)};`,
          ),
          '}',
          `split_clients ${v}_user ${v}_hashed {`,
          ...Array.from({ length: 10 }, (_, row) =>
            Array.from({ length: 10 }, (_each, column) => {
              const bucket = `${row}${column}`;
              return `${row * 10 + column === 99 ? '*' : '1%'} "${bucket}";`;
            }).join(' '),
          ).map((line) => `    ${line}`),
          '}',
          `map ${v}_user ${v}_bucket { "" ${v}_drawn; default ${v}_hashed; }`,
        ]),
    ...allRules(balancer).map(
      (rule, index) =>
        `map ${ruleSource(rule)} ${v}_rule_${index} { default "none"; ${rulePattern(rule)} "${audienceToken(rule)}"; }`,
    ),
    ...knownRules(balancer),
    `map $http_upgrade ${v}_connection { default upgrade; "" close; }`,
  ];
}

const variableWord = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, '_');

/** Each rule once, whichever routes name it. */
const allRules = ({ routes }: BalancerDeclared): readonly AudienceRule[] => [
  ...new Map(
    routes.flatMap(({ audience = [] }) => audience.map((rule) => [audienceToken(rule), rule] as const)),
  ).values(),
];

const ruleSource = ({ by, name }: AudienceRule): string =>
  by === 'header' ? `$http_${name.replaceAll('-', '_')}` : '$http_cookie';

/** Plain strings of a map have no case for nginx, patterns have. */
const rulePattern = ({ by, name, value }: AudienceRule): string =>
  by === 'header' ? `"~^${escaped(value)}$"` : `"~(^|;)\\s*${escaped(name)}=${escaped(value)}\\s*(;|$)"`;

/** What deployctl is told of the rules that are known, so that it asks for no other. */
function knownRules(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  return [
    `map ${v}_route ${v}_known {`,
    '    default "";',
    ...balancer.routes.flatMap(({ route, audience = [] }) =>
      audience.length === 0 ? [] : [`    "${route}" "${audience.map(audienceToken).join('+')}";`],
    ),
    '}',
  ];
}

/** In the location that passes requests on, in place of its own `proxy_pass`. */
function rules(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  const { flagsDir } = readFlagSettings(balancer);
  const pools = balancer.pools.map(({ name }) => name);
  return [
    '# `live` is resolved once, so that a request is decided by one revision only. Where it cannot be read, by none: 503.',
    `root ${flagsDir}/live;`,
    'open_file_cache off;',
    `set ${v}_revision $realpath_root;`,
    `set ${v}_stable "";`,
    ...pools.map((pool) => `if (-e ${v}_revision/${v}_route/stable/${pool}) { set ${v}_stable ${pool}; }`),
    `set ${v}_canary ${v}_stable;`,
    ...pools.map((pool) => `if (-e ${v}_revision/${v}_route/canary/${pool}) { set ${v}_canary ${pool}; }`),
    `set ${v}_pool ${v}_stable;`,
    `if (-e ${v}_revision/${v}_route/bucket/${v}_bucket) { set ${v}_pool ${v}_canary; }`,
    ...allRules(balancer).map(
      (_rule, index) =>
        `if (-e ${v}_revision/${v}_route/audience/${v}_rule_${index}) { set ${v}_pool ${v}_canary; }`,
    ),
    `if (${v}_probe) {`,
    `    add_header X-Deployctl-Snippet ${snippetVersion};`,
    `    add_header X-Deployctl-Name ${balancer.name};`,
    `    add_header X-Deployctl-Pool ${v}_pool;`,
    `    add_header X-Deployctl-Revision ${v}_revision;`,
    `    add_header X-Deployctl-Audience ${v}_known;`,
    `    add_header X-Deployctl-Pools ${renderPools(balancer.pools)};`,
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
      `    server ${endpoint(member.address, member.port)} max_fails=1 fail_timeout=1s; # ${member.name}`,
  ),
  ...(members.length === 0 ? ['    server 127.0.0.1:9 down;'] : []),
  '}',
];

const prepare = (flagsDir: string): string =>
  `# Once:  mkdir -p ${flagsDir}    (nginx must be able to read it)`;

function renderPart(balancer: BalancerDeclared): readonly string[] {
  const { flagsDir, probeAddress, probePort } = readFlagSettings(balancer);
  return [
    prepare(flagsDir),
    `# deployctl snippet ${snippetVersion} for ${balancer.address}. nginx 1.18 or newer, with its rewrite, map and proxy modules.`,
    '#',
    '# 1. In `http { }`. The pools are yours: deployctl needs their names, and checks their members itself.',
    '',
    ...balancer.pools.flatMap((pool) => [...upstream(pool), '']),
    ...maps(balancer),
    '',
    '# 2. In the `server { }` that gets the requests:',
    '',
    `listen ${probeAddress}:${probePort};`,
    ...fallback(balancer),
    '',
    '# 3. In its location that passes requests on, in place of its own `proxy_pass`, and with no other `if` or `rewrite`:',
    '',
    ...rules(balancer),
  ];
}

function renderFull(balancer: BalancerDeclared, bind: string): readonly string[] {
  const { flagsDir, probeAddress, probePort } = readFlagSettings(balancer);
  return [
    prepare(flagsDir),
    `# A whole configuration for ${balancer.address} (deployctl snippet ${snippetVersion}, nginx 1.18 or newer). Start it with:`,
    '#     nginx -c THIS_FILE',
    'user www-data;',
    'worker_processes auto;',
    'events { worker_connections 4096; }',
    'http {',
    ...indent([
      'access_log off;',
      'server_tokens off;',
      'keepalive_timeout 60s;',
      'keepalive_requests 10000;',
      '',
      ...balancer.pools.flatMap((pool) => [...upstream(pool), '']),
      ...maps(balancer),
      '',
      'server {',
      ...indent([
        `listen ${bind};`,
        `listen ${probeAddress}:${probePort};`,
        '',
        'location / {',
        ...indent(rules(balancer)),
        '}',
        ...fallback(balancer),
      ]),
      '}',
    ]),
    '}',
  ];
}

/** What the operator's configuration of HAProxy must contain so that routes can be moved without a reload. Pure. */
import { posix } from 'node:path';
import {
  type AudienceRule,
  audienceToken,
  type BalancerDeclared,
  type RouteDeclared,
  unreachable,
} from '../../model/index.ts';
import type { SnippetOptions } from '../registry-entry.ts';
import { renderBackend, renderResolvedBackend, renderResolvers, word } from './config-text.ts';
import { probePath, snippetVersion } from './probe.ts';
import { readSettings } from './settings.ts';

/** Tells a request on the probe socket from all others: the `id` of that `bind`, which no client can choose. */
const probeSocketId = 77001;
/** HAProxy takes at most 64 words on a line. */
const wordsPerLine = 20;

/** What `deployctl snippet` prints. */
export function renderSnippet(balancer: BalancerDeclared, options: SnippetOptions): string {
  return options.full ? renderFull(balancer, options.bind) : renderPart(balancer);
}

const prepare = (mapFile: string): string => `mkdir -p ${posix.dirname(mapFile)} && touch ${mapFile}`;

const probeBind = (balancer: BalancerDeclared): string =>
  `    bind unix@${readSettings(balancer).probeSocket} mode 660 id ${probeSocketId}`;

/** The decision, from a route's name in txn.route to a pool. */
function decision(balancer: BalancerDeclared): readonly string[] {
  const { mapFile } = readSettings(balancer);
  const isProbe = `{ so_id ${probeSocketId} }`;
  return [
    "    # One line of the map holds the whole decision: stable pool, canary pool, the canary's share in 1/100 percent.",
    `    http-request set-var(txn.route) req.hdr(X-Deployctl-Route) if ${isProbe}`,
    `    http-request set-var(txn.decision) var(txn.route),map(${mapFile})`,
    '    http-request set-var(txn.stable) var(txn.decision),field(1,:)',
    '    http-request set-var(txn.share) var(txn.decision),field(3,:)',
    '    http-request set-var(txn.bucket) rand(10000)',
    ...stickiness(balancer),
    '    http-request set-var(txn.pool) var(txn.stable)',
    '    http-request set-var(txn.pool) var(txn.decision),field(2,:) if { var(txn.bucket),sub(txn.share) lt 0 }',
    ...audiences(balancer),
    '    # A canary without a healthy member is left out. A stable pool without one answers 503. A worker that a reload retires',
    '    # counts no members at all: the last requests of clients that kept their connection go where they went before.',
    '    http-request set-var(txn.pool) var(txn.stable) unless { var(txn.pool),nbsrv gt 0 } || { stopping }',
    '    # deployctl asks these very rules before and after a switch. Only its own socket can.',
    `    http-request return status 204 hdr X-Deployctl-Snippet ${snippetVersion} hdr X-Deployctl-Pool %[var(txn.pool)] hdr X-Deployctl-Audience %[var(txn.known)] if ${isProbe} { path ${probePath(balancer.name)} }`,
    '    use_backend %[var(txn.pool)] if { var(txn.decision) -m found }',
    '    default_backend deployctl_no_route',
  ];
}

/** With several routes, a line that is one route's alone says so. */
const onlyFor = ({ routes }: BalancerDeclared, { route }: RouteDeclared): string =>
  routes.length > 1 ? ` { var(txn.route) -m str ${route} }` : '';

/** A user's bucket is the hash of his cookie: a growing share takes each user over once. */
const stickiness = (balancer: BalancerDeclared): readonly string[] =>
  balancer.routes.flatMap((each) => {
    const { stickyCookie } = each;
    if (stickyCookie === undefined) return [];
    const cookie = `req.cook(${stickyCookie})`;
    return [
      `    # Who has the cookie ${stickyCookie} stays on one side of a canary.`,
      `    http-request set-var(txn.bucket) ${cookie},crc32(1),mod(10000) if { ${cookie} -m found }${onlyFor(balancer, each)}`,
    ];
  });

/** Requests that always get the canary while the route's line names the rule that they meet. */
const audiences = (balancer: BalancerDeclared): readonly string[] =>
  balancer.routes.flatMap((each) => {
    const { audience = [] } = each;
    if (audience.length === 0) return [];
    return [
      '    # Those that a step of the canary names get it always. What is not named here cannot be asked for.',
      `    http-request set-var(txn.known) str(${audience.map(audienceToken).join('+')})${onlyFor(balancer, each) === '' ? '' : ` if${onlyFor(balancer, each)}`}`,
      ...audience.map((rule) => {
        return `    http-request set-var(txn.pool) var(txn.decision),field(2,:) if { ${condition(rule)} } { var(txn.decision),field(4,:) -m sub ,${audienceToken(rule)}, }`;
      }),
    ];
  });

const condition = ({ by, name, value }: AudienceRule): string => {
  switch (by) {
    case 'header':
      return `req.hdr(${name}) -m str ${word(value)}`;
    case 'cookie':
      return `req.cook(${name}) -m str ${word(value)}`;
    case 'query':
      // url_param would see only the first of that name.
      return `query -m reg '(^|&)${name}=${value.replaceAll('.', '\\.')}(&|$)'`;
    default:
      return unreachable(by);
  }
};

/** Whose requests they are is the operator's to say; with one route it is all of them. */
function routeChoice(balancer: BalancerDeclared): readonly string[] {
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  if (routes.length <= 1) return [`    http-request set-var(txn.route) str(${first})`];
  const chunks = Array.from({ length: Math.ceil(routes.length / wordsPerLine) }, (_, index) =>
    routes.slice(index * wordsPerLine, (index + 1) * wordsPerLine),
  );
  return [
    '    # Which requests belong to which route is yours to say: set txn.route to one of the names below, by host, by',
    '    # path, or as you like, for example:  http-request set-var(txn.route) str(api) if { path_beg /api/ }',
    `    # As it stands: the first label of the host name (${first}.example.org is ${first}), and else ${first}.`,
    '    http-request set-var(txn.route) req.hdr(host),lower,field(1,:),field(1,.)',
    ...chunks.map((chunk) => `    acl deployctl_route_known var(txn.route) -m str ${chunk.join(' ')}`),
    `    http-request set-var(txn.route) str(${first}) unless deployctl_route_known`,
  ];
}

const noRoute: readonly string[] = [
  '# A request whose route is not known is not sent to whatever comes first.',
  'backend deployctl_no_route',
  '    mode http',
  '    http-request return status 503',
];

/** A worker that is new knows nothing of names: measured with 2.6, 5 reloads under 900 requests/s cost 5 of them. */
const forgetfulReload = ({ resolved = [], settings }: BalancerDeclared): readonly string[] =>
  resolved.length === 0 || settings.server_state_file !== undefined
    ? []
    : [
        '# After a reload HAProxy answers 503 until it has asked for the names that it follows, unless the system resolves them',
        '# as well: set server_state_file, and it goes on with the addresses that it had.',
      ];

/** What decides about a request. Without routes there is nothing to decide: a pool that follows DNS is the same for all. */
function rules(balancer: BalancerDeclared): readonly string[] {
  const [first, ...others] = balancer.resolved ?? [];
  if (balancer.routes.length === 0 && first !== undefined) {
    return [
      ...others.map(
        ({ name }) =>
          `    # Whose requests go to ${name} is yours to say:  use_backend ${backendWord(balancer, name)} if …`,
      ),
      ...(isWritten(balancer)
        ? [`    use_backend ${backendWord(balancer, first.name)}`, '    default_backend deployctl_no_route']
        : [`    default_backend ${first.name}`]),
    ];
  }
  return [
    ...(balancer.resolved ?? []).map(
      ({ name }) =>
        `    # ${name} has no route. Whose requests go there is yours to say:  use_backend ${backendWord(balancer, name)} if …`,
    ),
    probeBind(balancer),
    ...routeChoice(balancer),
    ...decision(balancer),
  ];
}

const isWritten = (balancer: BalancerDeclared): boolean => readSettings(balancer).configFile !== undefined;

/** A pool that deployctl writes is not there before the first deployment: HAProxy refuses its name, not an expression. */
const backendWord = (balancer: BalancerDeclared, name: string): string =>
  isWritten(balancer) ? `%[str(${name})]` : name;

/** What stands beside the frontend, but for the pools. */
const besides = (balancer: BalancerDeclared): readonly string[] =>
  rulesNeedMap(balancer) || isWritten(balancer) ? [...noRoute, ''] : [];

const rulesNeedMap = ({ routes, resolved = [] }: BalancerDeclared): boolean =>
  routes.length > 0 || resolved.length === 0;

const pools = (balancer: BalancerDeclared): readonly string[] => [
  ...balancer.pools.flatMap((pool) => [renderBackend(pool), '']),
  ...renderResolvers(balancer.resolved ?? []).flatMap((section) => [section, '']),
  ...(balancer.resolved ?? []).flatMap((pool) => [renderResolvedBackend(pool), '']),
];

function renderPart(balancer: BalancerDeclared): string {
  const { mapFile, masterSocket, configFile, serverStateFile } = readSettings(balancer);
  return [
    ...forgetfulReload(balancer),
    `# Once, before HAProxy is started with this, because it refuses a map that is missing:  ${prepare(mapFile)}`,
    `# deployctl snippet ${snippetVersion} for ${balancer.address}. HAProxy 2.4 or newer, started with:  haproxy -W -S ${masterSocket} …`,
    '#',
    '# 1. In `global` and in `defaults`. Without the first, one open websocket keeps an old worker for ever; without the',
    '#    second, a reload resets clients that keep their connection.',
    '#',
    '#    global',
    '#        hard-stop-after 10m',
    ...(serverStateFile === undefined ? [] : [`#        server-state-file ${serverStateFile}`]),
    '#    defaults',
    '#        option idle-close-on-response',
    '#        option redispatch 1',
    ...(serverStateFile === undefined ? [] : ['#        load-server-state-from-file global']),
    '#',
    '# 2. In the frontend that gets the requests, in place of its own `use_backend` and `default_backend`:',
    '',
    ...rules(balancer),
    '',
    ...(besides(balancer).length > 0 ? ['# 3. Beside it:', '', ...besides(balancer)] : []),
    ...(configFile === undefined
      ? [
          "# 4. The pools. A server is called by its host's name; `check` is needed, the rest is yours.",
          '',
          ...pools(balancer),
        ]
      : [
          `# 4. deployctl writes the pools into ${configFile}: give it to HAProxy as the last -f. It must exist, and may be empty.`,
          '',
        ]),
  ].join('\n');
}

function renderFull(balancer: BalancerDeclared, bind: string): string {
  const { mapFile, masterSocket, configFile, serverStateFile } = readSettings(balancer);
  const touched =
    configFile === undefined ? prepare(mapFile) : `${prepare(mapFile)} && ${prepare(configFile)}`;
  return [
    ...forgetfulReload(balancer),
    `# Once, before the first start, because HAProxy refuses a map that is missing:  ${touched}`,
    `# A whole configuration for ${balancer.address} (deployctl snippet ${snippetVersion}, HAProxy 2.4 or newer). Start it with:`,
    `#     haproxy -W -S ${masterSocket} -f THIS_FILE${configFile === undefined ? '' : ` -f ${configFile}`}`,
    'global',
    '    # Else one open websocket keeps an old worker for ever.',
    '    hard-stop-after 10m',
    ...(serverStateFile === undefined
      ? []
      : ['    # Who is out of service stays so over a reload.', `    server-state-file ${serverStateFile}`]),
    '',
    'defaults',
    '    mode http',
    '    # A reload lets clients that keep their connection finish.',
    '    option idle-close-on-response',
    '    option redispatch 1',
    '    retries 3',
    '    timeout connect 2s',
    '    timeout client 60s',
    '    timeout server 60s',
    '    timeout http-request 10s',
    '    timeout http-keep-alive 60s',
    '    timeout queue 10s',
    '    timeout tunnel 1h',
    ...(serverStateFile === undefined ? [] : ['    load-server-state-from-file global']),
    '',
    `frontend ${balancer.name}`,
    `    bind ${bind}`,
    ...rules(balancer),
    '',
    ...besides(balancer),
    ...(configFile === undefined
      ? pools(balancer)
      : [`# The pools are in ${configFile}, which deployctl writes.`, '']),
  ].join('\n');
}

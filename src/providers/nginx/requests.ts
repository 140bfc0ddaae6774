/** What a request is, as variables of nginx: its route, its bucket, the rules of audiences that it meets. Pure. */
import { type AudienceRule, audienceToken, type BalancerDeclared } from '../../model/index.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { allRules, escaped, routeWords, variablePrefix } from '../balancer/snippet-words.ts';

/** With the sign that nginx has before its variables. */
export const prefixOf = (balancer: BalancerDeclared): string => `$${variablePrefix(balancer)}`;

/** In `http { }`: what a request is, as variables that cost nothing where they are not used. */
export function requestMaps(balancer: BalancerDeclared): readonly string[] {
  const v = prefixOf(balancer);
  const { address, port } = readProbeAddress(balancer);
  const routes = balancer.routes.map(({ route }) => route);
  const [first = balancer.name] = routes;
  const names = routes.map(escaped).join('|');
  const capture = v.slice(1);
  const word = routeWords(balancer);
  const sticky = balancer.routes.filter(({ stickyCookie }) => stickyCookie !== undefined);
  return [
    '# Only deployctl asks at the probe address, which is decided by where a request came in and not by what it says.',
    `map "$server_addr:$server_port" ${v}_probe { default ""; "${address}:${port}" 1; }`,
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
              `    "~^${escaped(route)};(.*;)?\\s*${escaped(stickyCookie)}=(?<${capture}_of_${word(route)}>[^;]+)" $${capture}_of_${word(route)};`,
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

/** Variables of single arguments have no `-` in their names, and no case. */
const ruleSource = ({ by, name }: AudienceRule): string =>
  ({ header: `$http_${name.replaceAll('-', '_')}`, cookie: '$http_cookie', query: '$args' })[by];

/** Plain strings of a map have no case for nginx, patterns have. */
const rulePattern = ({ by, name, value }: AudienceRule): string =>
  ({
    header: `"~^${escaped(value)}$"`,
    cookie: `"~(^|;)\\s*${escaped(name)}=${escaped(value)}\\s*(;|$)"`,
    query: `"~(^|&)${escaped(name)}=${escaped(value)}(&|$)"`,
  })[by];

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

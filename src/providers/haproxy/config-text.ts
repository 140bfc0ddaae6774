/** The configuration that deployctl writes: the backends of the pools, with their checks. Pure. */
import { createHash } from 'node:crypto';
import {
  type BalancerDeclared,
  endpointText,
  type HealthDeclared,
  type PoolDeclared,
  type ResolvedPoolDeclared,
} from '../../model/index.ts';

/** How often HAProxy checks a member at most, in ms: a switch waits for two rounds of it. */
const slowestCheckMs = 1_000;

/** A word of the configuration; in quotes where it holds what would mean something there. */
export const word = (text: string): string =>
  /^[A-Za-z0-9_./:@=,+?&-]+$/.test(text) ? text : `"${text.replaceAll(/[\\"$]/g, '\\$&')}"`;

const isName = (address: string): boolean => !/^[0-9.]+$/.test(address) && !address.includes(':');

/** One pool as a backend of its own, whatever the operator's `defaults` say. */
export function renderBackend(pool: PoolDeclared): string {
  const { name, members, health } = pool;
  // From the host itself a check may go to another address; from here it goes to the member's. A port of its own stays.
  const checkPort = health?.kind === 'http' || health?.kind === 'tcp' ? health.port : undefined;
  return [
    ...backendHead(name, health),
    // weight 100: a share of a lower one could not be told. init-addr: a name that is not known yet must not stop a start.
    `    default-server ${checkWords(health)}`,
    ...members.map(({ name: member, address, port }) =>
      [
        `    server ${member} ${endpointText(address, port)}`,
        ...(checkPort === undefined || checkPort === port ? [] : [`port ${checkPort}`]),
        ...(isName(address) ? ['init-addr last,libc,none'] : []),
      ].join(' '),
    ),
  ].join('\n');
}

const backendHead = (name: string, health: HealthDeclared | undefined): readonly string[] => [
  `backend ${name}`,
  '    mode http',
  '    balance roundrobin',
  ...(health?.kind === 'http'
    ? [
        '    option httpchk',
        `    http-check send meth GET uri ${word(health.path)} ver HTTP/1.1 hdr Host localhost`,
        `    http-check expect status ${health.status}`,
      ]
    : []),
  ...(health === undefined ? [] : [`    timeout check ${health.timeoutMs}ms`]),
];

const checkWords = (health: HealthDeclared | undefined): string => {
  const intervalMs = Math.max(100, Math.min(health?.intervalMs ?? slowestCheckMs, slowestCheckMs));
  return `check inter ${intervalMs}ms fall 2 rise 2 weight 100`;
};

const resolversName = ({ zone }: ResolvedPoolDeclared): string => `deployctl_${zone}`;

/** Who is asked for the names of these pools, one section for each zone. */
export function renderResolvers(pools: readonly ResolvedPoolDeclared[]): readonly string[] {
  const byName = new Map(pools.map((pool) => [resolversName(pool), pool]));
  return [...byName].map(([name, { nameServers }]) =>
    [
      `resolvers ${name}`,
      "    # The zone's own servers. A resolver of your network may stand here in their place.",
      ...nameServers.map(
        ({ host, port }, index) => `    nameserver ns${index + 1} ${endpointText(host, port)}`,
      ),
      '    accepted_payload_size 8192',
      '    resolve_retries 3',
      '    timeout resolve 1s',
      '    timeout retry 1s',
      '    hold valid 1s',
      '    # While nobody answers, the addresses of before go on.',
      ...['nx', 'refused', 'timeout', 'other'].map((what) => `    hold ${what} 1h`),
    ].join('\n'),
  );
}

/**
 * A pool whose servers follow a record. `pool-max-conn 0`: a server that gets another address keeps its idle connections
 * to the one before, and sends requests there for as long as they come (measured with 2.6).
 */
export function renderResolvedBackend(pool: ResolvedPoolDeclared): string {
  const { name, record, size, port, health } = pool;
  const host = record.name.replace(/\.$/, '');
  const family = record.type === 'AAAA' ? 'ipv6' : 'ipv4';
  return [
    ...backendHead(name, health),
    '    # No idle connections: they would lead to the address of before, when a server has got another one.',
    `    default-server ${checkWords(health)} pool-max-conn 0`,
    `    server-template ${name}- ${size} ${host}${port === undefined ? '' : `:${port}`} resolvers ${resolversName(pool)} resolve-prefer ${family} init-addr last,libc,none`,
  ].join('\n');
}

const markerOf = (balancerName: string, body: string): string =>
  `deployctl_${balancerName}_${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;

/**
 * The whole file. Its last section is an empty backend whose name holds the digest of everything before it: the running
 * proxy can be asked for its backends, and so for the text that it was loaded with.
 */
export function renderConfigText(balancer: BalancerDeclared): string {
  const pools = balancer.pools.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const body = `# Written by deployctl for ${balancer.address}. What is changed here by hand is shown by the next plan, and undone.\n\n${pools
    .map((pool) => `${renderBackend(pool)}\n\n`)
    .join('')}${[
    ...renderResolvers(balancer.resolved ?? []),
    ...(balancer.resolved ?? []).map(renderResolvedBackend),
  ]
    .map((section) => `${section}\n\n`)
    .join('')}`;
  return `${body}# Says which text is loaded.\nbackend ${markerOf(balancer.name, body)}\n`;
}

/**
 * Whether a proxy with these backends was loaded with this very text. A text without a digest, or with one that is not
 * its own, was not written by deployctl as it stands: then it counts as loaded only if nothing of ours is.
 */
export function isLoaded(balancerName: string, text: string, backends: ReadonlySet<string>): boolean {
  const form = /^([\s\S]*)# Says which text is loaded\.\nbackend (deployctl_\S+_[0-9a-f]{16})\n$/;
  const [, body, marker] = form.exec(text) ?? [];
  if (body !== undefined && marker === markerOf(balancerName, body)) return backends.has(marker);
  if (marker !== undefined) return false;
  const ours = new RegExp(`^deployctl_${balancerName.replaceAll(/[.\\]/g, '\\$&')}_[0-9a-f]{16}$`);
  return ![...backends].some((name) => ours.test(name));
}

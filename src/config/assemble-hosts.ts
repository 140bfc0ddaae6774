/** Hosts with their connections: which ssh block applies, through which host, under which name. */
import { didYouMean } from '../hcl/eval/suggestion.ts';
import type { Connection, HostDeclared } from '../model/index.ts';
import type { Decoded } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import type { ModuleInstance } from './modules.ts';
import type { Place } from './problems.ts';
import type { hostShape, sshShape } from './schema/reaching.ts';
import type { Entry, World } from './world.ts';

export interface Operator {
  /** Absolute. */
  readonly homeFolder: string;
  /** The user who runs deployctl. */
  readonly userName: string;
}

type HostEntry = Entry<typeof hostShape>;
type SshEntry = Entry<typeof sshShape>;

/** The hosts by name. Lookups of names that do not exist are reported with the names that are near. */
export class HostTable {
  readonly declared: readonly HostDeclared[];
  readonly #byName: ReadonlyMap<string, HostDeclared | undefined>;
  readonly #incomplete: boolean;
  readonly #report: Reporter;

  /** `byName` has undefined for hosts that are not among the declared ones; the table is incomplete then. */
  constructor(
    hosts: readonly HostDeclared[],
    byName: ReadonlyMap<string, HostDeclared | undefined>,
    incomplete: boolean,
    report: Reporter,
  ) {
    this.declared = hosts;
    this.#byName = byName;
    this.#incomplete = incomplete;
    this.#report = report;
  }

  /** The host of that name; if there is none, that is reported once for `place`. */
  find(name: string, place: Place): HostDeclared | undefined {
    const host = this.#byName.get(name);
    if (host !== undefined) return host;
    // A host block that could not be read may well be the one that is meant.
    if (this.#incomplete) return undefined;
    const names = [...this.#byName.keys()];
    const meant = didYouMean(name, names);
    const shown = names.slice(0, 8).join(', ');
    this.#report.error(place, {
      code: 'unknown-host',
      summary: 'Unknown host',
      detail: `There is no host named "${name}".${meant === undefined ? '' : ` ${meant}`}`,
      hint:
        meant !== undefined
          ? undefined
          : names.length === 0
            ? 'No host is declared.'
            : `Declared: ${shown}${names.length > 8 ? ` and ${names.length - 8} more` : ''}.`,
    });
    return undefined;
  }
}

export function assembleHosts(
  world: World,
  operator: Operator,
  absolutePath: (path: string) => string,
  report: Reporter,
): HostTable {
  const ssh = new Map(world.ssh.map((entry) => [entry.address as string, entry]));
  // Once for each ssh block, not for each host.
  const settings = new Map<SshEntry | undefined, SshSettings>();
  const settingsOf = (entry: SshEntry | undefined): SshSettings => {
    const known = settings.get(entry);
    if (known !== undefined) return known;
    const made = sshSettings(entry, operator, absolutePath);
    settings.set(entry, made);
    return made;
  };
  const byName = new Map<string, HostDeclared | undefined>();
  const hosts: HostDeclared[] = [];
  for (const entry of world.hosts) {
    const connection = connectionOf(entry, ssh, settingsOf, report);
    const host = connection === undefined ? undefined : declaredHost(entry, connection);
    if (host !== undefined) hosts.push(host);
    const known = byName.size;
    byName.set(entry.name, host);
    if (byName.size === known) reportSameName(entry, world, report);
  }
  const unread = world.unread.has('host') || world.unread.has('module');
  const table = new HostTable(hosts, byName, unread || hosts.length < world.hosts.length, report);
  checkJumps(table, world, ssh, report);
  return table;
}

function declaredHost({ address, name, decoded }: HostEntry, connection: Connection): HostDeclared {
  const { args, place } = decoded;
  const own = connection.kind === 'local' ? (args.address ?? '127.0.0.1') : connection.address;
  return {
    address,
    name,
    connection,
    networkAddress: args.network_address ?? own,
    labels: args.labels ?? {},
    origin: place.source.rangeOf(place.span),
  };
}

function reportSameName(entry: HostEntry, world: World, report: Reporter): void {
  const other = world.hosts.find(({ name }) => name === entry.name) ?? entry;
  const at = other.decoded.place.source.rangeOf(other.decoded.place.span);
  report.error(entry.decoded.place, {
    code: 'duplicate-host-name',
    summary: 'Duplicate host name',
    detail: `${entry.address} and ${other.address} (${at.file}:${at.start.line}) are both named "${entry.name}". Pools, flags and reports call a host by its name, so it must be the only one.`,
    hint: 'The name is the label, or with for_each the key.',
  });
}

/** `ssh.default` of the module, or of the module around it. */
function defaultSsh(instance: ModuleInstance, ssh: ReadonlyMap<string, SshEntry>): SshEntry | undefined {
  for (let at: ModuleInstance | undefined = instance; at !== undefined; at = at.caller?.instance) {
    const found = ssh.get(`${at.prefix}ssh.default`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function connectionOf(
  { name, decoded, instance }: HostEntry,
  ssh: ReadonlyMap<string, SshEntry>,
  settingsOf: (entry: SshEntry | undefined) => SshSettings,
  report: Reporter,
): Connection | undefined {
  const { args } = decoded;
  if (args.connection === 'local') {
    for (const argument of ['ssh', 'port']) {
      if (!decoded.has(argument)) continue;
      report.error(decoded.at(argument), {
        code: 'local-host-with-ssh',
        summary: 'Invalid combination of arguments',
        detail: `The argument "${argument}" says how a host is reached over SSH, and this host has connection = "local".`,
      });
    }
    return { kind: 'local' };
  }
  if (args.address === undefined) {
    if (decoded.sound) {
      report.error(decoded.place, {
        code: 'missing-argument',
        summary: 'Missing required argument',
        detail: 'The argument "address" is required, but no definition was found.',
        hint: 'address: where SSH connects to. For this machine, write connection = "local" instead.',
      });
    }
    return undefined;
  }
  const entry = args.ssh === undefined ? defaultSsh(instance, ssh) : ssh.get(args.ssh);
  if (entry === undefined && args.ssh !== undefined) return undefined;
  const settings = settingsOf(entry);
  const connection = { ...settings, address: args.address, port: args.port ?? settings.port };
  if (connection.jump !== name) return connection;
  // A host never goes through itself: the bastion of `ssh "default"` is one of the hosts that it applies to.
  const { jump: _, ...direct } = connection;
  return direct;
}

type SshSettings = Extract<Connection, { kind: 'ssh' }>;

/** What an ssh block says of every host that it applies to, but for the address; without one, the defaults. */
function sshSettings(
  entry: SshEntry | undefined,
  operator: Operator,
  absolutePath: (path: string) => string,
): SshSettings {
  const args: Partial<Decoded<typeof sshShape>['args']> = entry?.decoded.args ?? {};
  return {
    kind: 'ssh',
    address: '',
    port: args.port ?? 22,
    user: args.user ?? operator.userName,
    ...(args.identity_file === undefined ? {} : { identityFile: absolutePath(args.identity_file) }),
    knownHosts: (args.known_hosts ?? ['~/.ssh/known_hosts']).map(absolutePath),
    become: args.become ?? 'sudo',
    ...(args.jump === undefined ? {} : { jump: args.jump }),
    connectTimeoutMs: args.connect_timeout ?? 5_000,
    transport: args.transport ?? 'ssh2',
  };
}

/** Each jump leads to a host over SSH, and no chain of jumps leads back to itself. */
function checkJumps(
  table: HostTable,
  world: World,
  ssh: ReadonlyMap<string, SshEntry>,
  report: Reporter,
): void {
  let entries: Map<string, HostEntry> | undefined;
  const jumpOf = new Map<string, string>();
  const placeOfJump = (name: string): Place => {
    entries ??= new Map(world.hosts.map((each) => [each.name, each]));
    const entry = entries.get(name);
    const own = entry?.decoded.args.ssh;
    const by =
      entry === undefined ? undefined : own === undefined ? defaultSsh(entry.instance, ssh) : ssh.get(own);
    return by?.decoded.at('jump') ?? (entry?.decoded.place as Place);
  };
  for (const { name, connection } of table.declared) {
    if (connection.kind !== 'ssh' || connection.jump === undefined) continue;
    const through = table.find(connection.jump, placeOfJump(name));
    if (through === undefined) continue;
    if (through.connection.kind === 'local') {
      report.error(placeOfJump(name), {
        code: 'jump-through-local',
        summary: 'Jump host without SSH',
        detail: `Connections to ${name} go through ${through.name}, which is this machine (connection = "local") and needs no jump.`,
      });
      continue;
    }
    jumpOf.set(name, connection.jump);
  }
  const reported = new Set<string>();
  for (const start of jumpOf.keys()) {
    const chain = [start];
    for (let next = jumpOf.get(start); next !== undefined; next = jumpOf.get(next)) {
      const from = chain.indexOf(next);
      if (from < 0) {
        chain.push(next);
        continue;
      }
      const cycle = chain.slice(from);
      if (!cycle.some((name) => reported.has(name))) {
        for (const name of cycle) reported.add(name);
        report.error(placeOfJump(next), {
          code: 'jump-cycle',
          summary: 'Jump hosts in a circle',
          detail: `Each of these is reached through the next, so none of them can be reached: ${[...cycle, next].join(' -> ')}.`,
        });
      }
      break;
    }
  }
}

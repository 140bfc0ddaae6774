/** Real DNS servers on loopback, each in a folder of its own: BIND, Knot DNS, PowerDNS, with the same zones and keys. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DnsEndpoint } from '../../src/model/index.ts';
import { key, readerKey } from './dns-keys.ts';
import { freePort } from './haproxy.ts';
import { type LabDnsTold, labDnsProgram } from './lab-dns.ts';

export type DnsKind = 'bind' | 'knot' | 'pdns' | 'lab';

const pdnsSchema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
export const hasDns: Readonly<Record<DnsKind, boolean>> = {
  bind: existsSync('/usr/sbin/named'),
  knot: existsSync('/usr/sbin/knotd'),
  pdns: existsSync('/usr/sbin/pdns_server') && existsSync(pdnsSchema),
  lab: true,
};

/** `shop` has a record; `web` an alias; `below.sub` lies in another zone. */
export const zoneText = (zone: string, records = ''): string => `$ORIGIN ${zone}
$TTL 60
@ 60 IN SOA ns1 hostmaster 10 3600 600 86400 2
@ IN NS ns1
ns1 IN A 127.0.0.1
shop 60 IN A 10.0.1.11
shop 60 IN A 10.0.1.12
web 60 IN CNAME shop
busy 60 IN TXT "hands off"
*.wild 60 IN A 10.9.9.9
sub IN NS ns.sub
ns.sub IN A 10.9.9.1
${records}`;

export interface RunningDns extends AsyncDisposable {
  readonly kind: DnsKind;
  readonly endpoint: DnsEndpoint;
  /** SIGSTOP: connections are taken by the kernel, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  kill9(): Promise<void>;
  start(): Promise<void>;
  log(): string;
}

export interface DnsOptions {
  /** More records of `internal.test.`, as in a zone file. */
  readonly records?: string;
  /** BIND only: the port of a secondary that is notified. */
  readonly notify?: number;
  readonly port?: number;
  /** Keys may not transfer zones. */
  readonly withoutTransfer?: boolean;
  /** PowerDNS only: no key is named for updates, so that it takes those of anyone. */
  readonly openToAll?: boolean;
}

export const startDns = (kind: DnsKind, options: DnsOptions = {}): Promise<RunningDns> =>
  starters[kind](options);

const keyBlocks = [key, readerKey]
  .map(({ name, secret }) => `key "${name}" { algorithm hmac-sha256; secret "${secret}"; };`)
  .join('\n');

async function startBind({ records, notify, port, withoutTransfer }: DnsOptions): Promise<RunningDns> {
  const folder = await mkdtemp(join(tmpdir(), 'bind-'));
  const own = port ?? (await freePort());
  await writeFile(join(folder, 'internal.zone'), zoneText('internal.test.', records));
  await writeFile(join(folder, 'static.zone'), zoneText('static.test.'));
  const transfer = withoutTransfer === true ? 'none;' : `key "${key.name}"; key "${readerKey.name}";`;
  await writeFile(
    join(folder, 'named.conf'),
    `${keyBlocks}
options { directory "${folder}"; pid-file none; session-keyfile "${folder}/session.key"; listen-on port ${own} { 127.0.0.1; };
  listen-on-v6 { none; }; allow-transfer { ${transfer} }; recursion no; dnssec-validation no; notify explicit; notify-delay 0; };
controls {};
zone "internal.test" { type primary; file "internal.zone"; update-policy { grant "${key.name}" zonesub ANY; };
  ${notify === undefined ? '' : `also-notify { 127.0.0.1 port ${notify} key "${key.name}"; };`} };
zone "static.test" { type primary; file "static.zone"; };
`,
  );
  return launch(
    'bind',
    folder,
    own,
    '/usr/sbin/named',
    ['-g', '-n', '1', '-c', join(folder, 'named.conf')],
    'all zones loaded',
  );
}

/** A BIND that copies `internal.test.` from a primary. `pinned`: it never hears of changes. */
export async function startSecondary(
  primary: DnsEndpoint,
  port: number,
  pinned = false,
): Promise<RunningDns> {
  const folder = await mkdtemp(join(tmpdir(), 'bind2-'));
  await writeFile(
    join(folder, 'named.conf'),
    `${keyBlocks}
options { directory "${folder}"; pid-file none; session-keyfile "${folder}/session.key"; listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; }; recursion no; dnssec-validation no; ${pinned ? 'allow-notify { none; };' : ''} };
controls {};
zone "internal.test" { type secondary; file "internal.zone"; ${pinned ? 'min-refresh-time 86400;' : ''}
  primaries { ${primary.host} port ${primary.port} key "${key.name}"; }; };
`,
  );
  return launch(
    'bind',
    folder,
    port,
    '/usr/sbin/named',
    ['-g', '-n', '1', '-c', join(folder, 'named.conf')],
    'Transfer status: success',
  );
}

async function startKnot({ records, port, withoutTransfer }: DnsOptions): Promise<RunningDns> {
  const folder = await mkdtemp(join(tmpdir(), 'knot-'));
  const own = port ?? (await freePort());
  await writeFile(join(folder, 'internal.zone'), zoneText('internal.test.', records));
  await writeFile(join(folder, 'static.zone'), zoneText('static.test.'));
  const transfer = withoutTransfer === true ? 'update' : 'transfer, update';
  await writeFile(
    join(folder, 'knot.conf'),
    `server:
  rundir: "${folder}"
  listen: 127.0.0.1@${own}
  udp-workers: 1
  tcp-workers: 2
  background-workers: 1
database:
  storage: "${folder}"
log:
  - target: stderr
    any: info
key:
${[key, readerKey].map(({ name, secret }) => `  - id: ${name}\n    algorithm: hmac-sha256\n    secret: ${secret}`).join('\n')}
acl:
  - id: all
    key: ${key.name}
    action: [${transfer}]
  - id: read
    key: [${withoutTransfer === true ? readerKey.name : `${key.name}, ${readerKey.name}`}]
    action: transfer
template:
  - id: default
    storage: "${folder}"
zone:
  - domain: internal.test
    file: internal.zone
    zonefile-sync: -1
    journal-content: all
    acl: [all${withoutTransfer === true ? '' : ', read'}]
  - domain: static.test
    file: static.zone
    acl: [read]
`,
  );
  return launch('knot', folder, own, '/usr/sbin/knotd', ['-c', join(folder, 'knot.conf')], 'server started');
}

async function startPdns({ records, port, withoutTransfer, openToAll }: DnsOptions): Promise<RunningDns> {
  const folder = await mkdtemp(join(tmpdir(), 'pdns-'));
  const own = port ?? (await freePort());
  const database = join(folder, 'pdns.sqlite3');
  const db = new DatabaseSync(database);
  db.exec(readFileSync(pdnsSchema, 'utf8'));
  db.close();
  await mkdir(join(folder, 'run'));
  await writeFile(
    join(folder, 'pdns.conf'),
    `launch=gsqlite3
gsqlite3-database=${database}
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=0
socket-dir=${folder}/run
local-address=127.0.0.1
local-port=${own}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
allow-axfr-ips=
disable-axfr=no
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
receiver-threads=1
distributor-threads=1
secondary=no
primary=no
`,
  );
  const util = (...args: string[]): void => {
    execFileSync('/usr/bin/pdnsutil', [`--config-dir=${folder}`, ...args], { stdio: 'pipe' });
  };
  for (const { name, secret } of [key, readerKey])
    util('import-tsig-key', name.replace(/\.$/, ''), 'hmac-sha256', secret);
  for (const zone of ['internal.test', 'static.test']) {
    const file = join(folder, `${zone}.zone`);
    await writeFile(file, zoneText(`${zone}.`, zone === 'internal.test' ? records : ''));
    util('load-zone', zone, file);
    util('set-meta', zone, 'SOA-EDIT-DNSUPDATE', 'INCREASE');
    const readers =
      withoutTransfer === true ? [] : [key, readerKey].map(({ name }) => name.replace(/\.$/, ''));
    if (readers.length > 0) util('set-meta', zone, 'TSIG-ALLOW-AXFR', ...readers);
    // Without an allowed key, PowerDNS takes unsigned updates from allowed addresses (#12234).
    if (openToAll !== true)
      util('set-meta', zone, 'TSIG-ALLOW-DNSUPDATE', zone === 'internal.test' ? 'deployctl' : 'nobody');
  }
  return launch(
    'pdns',
    folder,
    own,
    '/usr/sbin/pdns_server',
    [`--config-dir=${folder}`, '--daemon=no', '--guardian=no'],
    'operating unthreaded',
  );
}

/** The lab's own server in a process of its own, so that it can be frozen and killed as the others. */
async function startLab({ port, withoutTransfer }: DnsOptions): Promise<RunningDns> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-dns-'));
  const own = port ?? (await freePort());
  const told: LabDnsTold = {
    folder,
    port: own,
    keys: [key, readerKey],
    withoutTransfer: withoutTransfer === true,
  };
  return launch('lab', folder, own, process.execPath, [labDnsProgram, JSON.stringify(told)], 'ready');
}

const starters: Readonly<Record<DnsKind, (options: DnsOptions) => Promise<RunningDns>>> = {
  bind: startBind,
  knot: startKnot,
  pdns: startPdns,
  lab: startLab,
};

/** Starts it, and resolves when its log says that it is ready. */
async function launch(
  kind: DnsKind,
  folder: string,
  port: number,
  program: string,
  args: readonly string[],
  ready: string,
): Promise<RunningDns> {
  let output = '';
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    const from = output.length;
    const started = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    exited = new Promise((resolve) => started.once('exit', () => resolve()));
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    const deadline = Date.now() + 30_000;
    while (!output.slice(from).includes(ready)) {
      if (Date.now() > deadline || started.exitCode !== null)
        throw new Error(`${kind} did not start\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const kill9 = async (): Promise<void> => {
    child?.kill('SIGKILL');
    await exited;
  };
  try {
    await start();
  } catch (error) {
    await kill9();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    kind,
    endpoint: { host: '127.0.0.1', port },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    kill9,
    start,
    log: () => output,
    async [Symbol.asyncDispose]() {
      await kill9();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

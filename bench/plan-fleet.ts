/**
 * What it takes to look at a fleet: `deployctl plan` over 100 and 1,000 hosts, side by side with Ansible and with ssh,
 * on the same real sshd in one run; then with dead hosts among the live ones.
 *
 *   node bench/plan-fleet.ts [hosts,...] [rounds]
 *
 * Needs root on Linux, sshd, and ansible-core for its part. Everything shares the cores with sshd, so ratios count.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoteArguments } from '../src/transport/index.ts';
import { type Death, deaths, inOwnNetwork, LoopbackFleet, type LoopbackHost } from './fleet/loopback.ts';
import { type Figures, measured } from './fleet/measured.ts';

const sizes = (process.argv[2] ?? '100,1000').split(',').map(Number);
const rounds = Number(process.argv[3] ?? 3);
const wanted = new Set((process.env['BENCH_ONLY'] ?? 'deployctl,ansible,ssh,pinned,dead').split(','));
const program = join(import.meta.dirname, '../bin/deployctl');

interface Row extends Figures {
  readonly sshdSeconds: number;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-bench-'));
  try {
    using fleet = new LoopbackFleet(folder);
    await fleet.start();
    for (const size of sizes) await compare(fleet, folder, size);
    if (wanted.has('dead')) for (const size of sizes) await withDead(fleet, folder, size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(fleet: LoopbackFleet, folder: string, size: number): Promise<void> {
  const hosts = fleet.hosts(size);
  const ways: [string, () => Promise<Row>][] = [['deployctl plan', () => byDeployctl(fleet, folder, hosts)]];
  if (!wanted.has('deployctl')) ways.pop();
  if (wanted.has('ansible') && existsSync('/usr/bin/ansible'))
    ways.push(['ansible -m command, 50 forks', () => byAnsible(fleet, folder, hosts)]);
  if (wanted.has('ssh')) ways.push(['ssh, 50 at once', () => bySsh(fleet, folder, hosts, [])]);
  if (wanted.has('pinned'))
    ways.push([
      'ssh, 50 at once, curve25519',
      () => bySsh(fleet, folder, hosts, ['-o', 'KexAlgorithms=curve25519-sha256']),
    ]);
  const results = new Map<string, Row[]>(ways.map(([name]) => [name, []]));
  // Interleaved, so that a busy minute of this machine meets all of them. Beyond 300 hosts the others go once.
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of ways) {
      if (round > 0 && size > 300 && name !== 'deployctl plan') continue;
      results.get(name)?.push(await run());
    }
  }
  console.log(`\n${size} hosts, ${rounds} rounds, medians`);
  console.log(header);
  const rows = ways.map(([name]) => [name, median(results.get(name) ?? [])] as const);
  for (const [name, row] of rows) console.log(line(name, row));
  const [, own] = rows[0] ?? [];
  if (own === undefined || !wanted.has('deployctl')) return;
  for (const [name, row] of rows.slice(1)) {
    console.log(
      `  against ${name}: ${ratio(row.wallSeconds, own.wallSeconds)} times faster, ${ratio(row.cpuSeconds, own.cpuSeconds)} times less CPU here`,
    );
  }
  const floor = (own.sshdSeconds + own.cpuSeconds) / availableParallelism();
  console.log(
    `  wall time / ((sshd's CPU + our CPU) / ${availableParallelism()} cores): ${(own.wallSeconds / floor).toFixed(2)}`,
  );
}

async function withDead(fleet: LoopbackFleet, folder: string, size: number): Promise<void> {
  const count = Math.ceil(size / 10);
  console.log(`\n${size} hosts, ${count} of them dead`);
  console.log(`${header}  called dead wrongly`);
  const alive = await byDeployctl(fleet, folder, fleet.hosts(size - count));
  console.log(line(`${size - count} live ones alone`, alive));
  const each = Math.floor(count / 3);
  const mixed = { 'black-holed': count - 2 * each, silent: each, stalled: each };
  const fates: readonly (readonly [string, Partial<Record<Death, number>>])[] = [
    ...deaths.map((death) => [death, { [death]: count }] as const),
    ['all three', mixed],
  ];
  for (const [name, dead] of fates) {
    const row = await byDeployctl(fleet, folder, fleet.hosts(size, dead));
    const wrong = new Set(row.output.match(/\bweb-\d+(?= \([^)]*\) (did|does|accepted|closed|refused))/g))
      .size;
    console.log(`${line(name, row)}  ${wrong}   +${(row.wallSeconds - alive.wallSeconds).toFixed(1)} s`);
  }
}

// ── the ways ───────────────────────────────────────────────────────────────────────────────────────

const limitMs = 500_000;

async function run(
  fleet: LoopbackFleet,
  name: string,
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Row> {
  const before = fleet.cpuSeconds;
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const figures = await measured(name, argv, { cwd, env: { ...inherited, NO_COLOR: '1', ...env }, limitMs });
  // Sessions end a moment after their clients.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { ...figures, sshdSeconds: fleet.cpuSeconds - before };
}

async function byDeployctl(
  fleet: LoopbackFleet,
  folder: string,
  hosts: readonly LoopbackHost[],
): Promise<Row> {
  const project = join(folder, 'project');
  const environment = join(project, 'environments', 'bench');
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'app'), 'an artifact\n');
  const list = hosts.map(
    ({ name, address, port }) => `    "${name}" = { address = "${address}", port = ${port} }\n`,
  );
  writeFileSync(
    join(environment, 'main.hcl'),
    `ssh "default" {
  user          = "root"
  identity_file = "${fleet.identityFile}"
  known_hosts   = "${fleet.knownHosts}"
  become        = "none"
}
host "web" {
  for_each = {
${list.join('')}  }
  address = each.value.address
  port    = each.value.port
}
release "app" {
  version  = "1.0.0"
  artifact = "app"
}
service "app" {
  release = release.app
  slot "main" {
    hosts = [for h in host.web : h.name]
  }
  install { root = "${join(folder, 'srv')}" }
  process "exec" { command = ["sleep", "60"] }
  strategy "in_place" {}
}
`,
  );
  const row = await run(fleet, 'deployctl', [program, 'plan', 'bench', '--concise'], project);
  const isDead = hosts.some(({ name }) => !name.startsWith('web-'));
  if (row.code !== (isDead ? 1 : 0))
    throw new Error(`deployctl plan: exit ${row.code}\n${row.output.slice(-3000)}`);
  return row;
}

async function byAnsible(fleet: LoopbackFleet, folder: string, hosts: readonly LoopbackHost[]): Promise<Row> {
  const inventory = join(folder, 'inventory');
  writeFileSync(
    inventory,
    hosts.map(({ name, address, port }) => `${name} ansible_host=${address} ansible_port=${port}\n`).join(''),
  );
  const settings = join(folder, 'ansible.cfg');
  writeFileSync(settings, '[defaults]\n');
  const row = await run(
    fleet,
    'ansible',
    ['/usr/bin/ansible', 'all', '-i', inventory, '-f', '50', '-m', 'command', '-a', 'true'],
    folder,
    {
      ANSIBLE_CONFIG: settings,
      ANSIBLE_HOME: join(folder, 'ansible'),
      ANSIBLE_LOCAL_TEMP: join(folder, 'ansible', 'tmp'),
      ANSIBLE_PIPELINING: 'True',
      ANSIBLE_REMOTE_USER: 'root',
      ANSIBLE_PRIVATE_KEY_FILE: fleet.identityFile,
      ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
      ANSIBLE_SSH_COMMON_ARGS: `-o UserKnownHostsFile=${fleet.knownHosts}`,
      ANSIBLE_NOCOLOR: '1',
    },
  );
  if (row.code !== 0) throw new Error(`ansible: exit ${row.code}\n${row.output.slice(-3000)}`);
  return row;
}

async function bySsh(
  fleet: LoopbackFleet,
  folder: string,
  hosts: readonly LoopbackHost[],
  more: readonly string[],
): Promise<Row> {
  const list = join(folder, 'addresses');
  writeFileSync(list, hosts.map(({ address }) => `${address}\n`).join(''));
  const [first] = hosts;
  const command = quoteArguments([
    'ssh',
    ...['-F', '/dev/null', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${fleet.knownHosts}`],
    ...['-o', 'StrictHostKeyChecking=yes', '-i', fleet.identityFile, '-p', String(first?.port), '-l', 'root'],
    ...more,
    '{}',
    'true',
  ]);
  const row = await run(fleet, 'ssh', ['sh', '-c', `xargs -P 50 -I {} ${command} <${list}`], folder);
  if (row.code !== 0) throw new Error(`ssh: exit ${row.code}\n${row.output.slice(-3000)}`);
  return row;
}

// ── the table ──────────────────────────────────────────────────────────────────────────────────────

const header = `${''.padEnd(30)}   wall s  CPU here s  CPU sshd s  largest MB  together MB`;

const line = (name: string, row: Row): string =>
  [
    name.padEnd(30),
    row.wallSeconds.toFixed(2).padStart(8),
    row.cpuSeconds.toFixed(2).padStart(11),
    row.sshdSeconds.toFixed(2).padStart(11),
    row.largestMb.toFixed(0).padStart(11),
    row.togetherMb.toFixed(0).padStart(12),
  ].join(' ');

const ratio = (theirs: number, ours: number): string => (theirs / ours).toFixed(1);

function median(rows: readonly Row[]): Row {
  const sorted = rows.toSorted((a, b) => a.wallSeconds - b.wallSeconds);
  const row = sorted[Math.floor(sorted.length / 2)];
  if (row === undefined) throw new Error('nothing was measured');
  return row;
}

if (inOwnNetwork()) await main();

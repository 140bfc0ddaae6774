/**
 * An artifact to many hosts at once: by deployctl, which also reads it back and checks it on each host, unpacks nothing twice
 * and flushes it to the disk, and by `ssh 'cat >'`, scp, rsync and Ansible's copy, side by side in one run, on the same real
 * sshd, one a host on loopback addresses. Then the same artifact again, where every host has it.
 *
 *   node bench/upload.ts [hosts] [megabytes] [rounds]
 *   BENCH_ONLY=cat,deployctl node bench/upload.ts 100 50 1
 *
 * Prints wall time of each, CPU of the client and of the hosts (where there are control groups to count it), and the
 * ratio to `ssh 'cat >'` (ciphers alike). Ways whose program is not installed are left out, and said. 100 hosts want
 * 5 GB in TMPDIR.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHostProvider } from '../src/providers/host/index.ts';
import { openHostChannels } from '../src/transport/index.ts';
import { realClock } from '../test/rig/clock.ts';
import { declaredWith, placeOn, releaseOf, SlotOperations, testContext } from '../test/rig/host-world.ts';
import { type SshdHost, startSshd } from '../test/rig/sshd.ts';
import { Group } from './fleet/measured.ts';

const hostCount = Number(process.argv[2] ?? 10);
const megabytes = Number(process.argv[3] ?? 50);
const rounds = Number(process.argv[4] ?? 3);
/** As many at once as deployctl sends: more only take memory. */
const atOnce = 16;
const cipher = 'aes128-gcm@openssh.com';
const wanted = new Set((process.env['BENCH_ONLY'] ?? 'cat,deployctl,program,scp,rsync,ansible').split(','));

interface Measured {
  readonly wallS: number;
  readonly cpuS: number;
  /** Of everything on the hosts; NaN where it cannot be counted. */
  readonly hostCpuS: number;
}

const isInstalled = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const folder = await mkdtemp(join(tmpdir(), 'deployctl-bench-upload-'));
using servers = serversGroup();
await using fleet = await startSshd({ hosts: hostCount, config: ['Subsystem sftp internal-sftp'] });
for (const host of fleet.hosts) servers?.add(Number(readFileSync(join(host.root, '../pid'), 'utf8')));
const file = join(folder, 'shop.bin');
await writeFile(file, randomBytes(megabytes * 1_000_000));

/** For all servers and what they start; undefined: there are no control groups to be had. */
function serversGroup(): Group | undefined {
  try {
    return new Group('servers');
  } catch (error) {
    console.log(`CPU of the hosts is not counted: ${(error as Error).message}`);
    return undefined;
  }
}

/** CPU of the children of this process that have ended, in seconds. */
function childCpuS(): number {
  const ticks = execFileSync('sh', ['-c', `cut -d' ' -f16,17 /proc/${process.pid}/stat`], {
    encoding: 'utf8',
  });
  return ticks.split(' ').reduce((sum, each) => sum + Number(each), 0) / 100;
}

async function timed(work: () => Promise<void>, ownCpu: boolean): Promise<Measured> {
  const children = childCpuS();
  const own = process.cpuUsage();
  const hosts = servers?.cpuSeconds ?? Number.NaN;
  const begun = performance.now();
  await work();
  const wallS = (performance.now() - begun) / 1000;
  const hostCpuS = (servers?.cpuSeconds ?? Number.NaN) - hosts;
  const { user, system } = process.cpuUsage(own);
  const ownS = ownCpu ? (user + system) / 1e6 : 0;
  return { wallS, cpuS: ownS + childCpuS() - children, hostCpuS };
}

/** Runs a program for each host, so many at once. */
async function onEach(run: (host: SshdHost) => Promise<void>): Promise<void> {
  const waiting = [...fleet.hosts];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) await run(host);
    }),
  );
}

function program(argv: readonly string[]): Promise<void> {
  const [name = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}: ${said.slice(-500)}`)),
    );
  });
}

const sshOptions = (host: SshdHost): readonly string[] => [
  ...['-F', 'none', '-i', host.identityFile, '-o', `UserKnownHostsFile=${host.knownHosts}`],
  ...['-o', 'BatchMode=yes', '-o', `Ciphers=${cipher}`, '-o', 'KexAlgorithms=curve25519-sha256'],
];
const target = (host: SshdHost): string => join(host.root, 'target.bin');
const login = (host: SshdHost): string => `${host.user}@${host.address}`;
const installRoot = (host: SshdHost, round: number): string => join(host.root, `srv-${round}`);
const removeTargets = (round: number): Promise<void> =>
  onEach(async (host) => {
    await rm(target(host), { force: true });
    await rm(installRoot(host, round), { recursive: true, force: true });
  });

const byCat = (): Promise<void> =>
  onEach((host) =>
    // Through sh's own redirection, as people write it.
    program([
      'sh',
      '-c',
      'file=$1; shift; exec "$@" <"$file"',
      'sh',
      file,
      'ssh',
      ...sshOptions(host),
      '-p',
      String(host.port),
      login(host),
      `cat > ${target(host)}`,
    ]),
  );
const byScp = (): Promise<void> =>
  onEach((host) =>
    program([
      'scp',
      '-q',
      ...sshOptions(host),
      '-P',
      String(host.port),
      file,
      `${login(host)}:${target(host)}`,
    ]),
  );
const byRsync = (): Promise<void> =>
  onEach((host) =>
    program([
      ...['rsync', '--whole-file', '-e', ['ssh', ...sshOptions(host), '-p', String(host.port)].join(' ')],
      ...[file, `${login(host)}:${target(host)}`],
    ]),
  );

async function byAnsible(): Promise<void> {
  const inventory = fleet.hosts.map(
    (host) =>
      `${host.name} ansible_host=${host.address} ansible_port=${host.port} ansible_user=${host.user} ansible_ssh_private_key_file=${host.identityFile} target=${target(host)}`,
  );
  const path = join(folder, 'inventory');
  await writeFile(path, `[all]\n${inventory.join('\n')}\n`);
  const [host] = fleet.hosts;
  await program([
    ...[
      'env',
      `ANSIBLE_SSH_ARGS=-o UserKnownHostsFile=${host?.knownHosts} -o Ciphers=${cipher} -o KexAlgorithms=curve25519-sha256`,
    ],
    ...[
      'ANSIBLE_PIPELINING=1',
      `ANSIBLE_LOCAL_TEMP=${folder}`,
      'ansible',
      'all',
      '-i',
      path,
      '-f',
      String(atOnce),
    ],
    ...['-m', 'copy', '-a', `src=${file} dest={{ target }}`],
  ]);
}

/** Through the provider, as a run's steps do it: a look, the step, and a look at what is there. */
async function byDeployctl(round: number, transport: 'ssh2' | 'openssh'): Promise<Measured> {
  const hosts = fleet.hosts.map(({ declared }) =>
    declared.connection.kind === 'ssh'
      ? { ...declared, connection: { ...declared.connection, transport } }
      : declared,
  );
  await using channels = openHostChannels(hosts, { clock: realClock });
  await using provider = openHostProvider(
    declaredWith(hosts, folder, undefined, { root: '/none', keep: 3 }, []),
    channels,
    { clock: realClock, operatorFolder: folder, resolveSecret: async () => '' },
  );
  const release = await releaseOf(file, '1.0.0');
  return await timed(
    () =>
      onEach(async (host) => {
        const slot = new SlotOperations(
          placeOn(host.name, { root: installRoot(host, round), keep: 3 }),
          'blue',
        );
        const put = slot.put(release);
        const before = await provider.look(put, testContext());
        if (before.at === 'after') return;
        await provider.perform(put, testContext());
        const after = await provider.look(put, testContext());
        if (after.at !== 'after') throw new Error(`${host.name} is ${after.at}`);
      }),
    true,
  );
}

interface Way {
  /** In BENCH_ONLY. */
  readonly key: string;
  readonly name: string;
  readonly needs: string;
  readonly run: (round: number) => Promise<Measured>;
}

const ways: readonly Way[] = [
  { key: 'cat', name: "ssh 'cat >'", needs: 'ssh', run: () => timed(byCat, false) },
  { key: 'deployctl', name: 'deployctl', needs: 'ssh', run: (round) => byDeployctl(round, 'ssh2') },
  {
    key: 'deployctl',
    name: 'deployctl again: it is there',
    needs: 'ssh',
    run: (round) => byDeployctl(round, 'ssh2'),
  },
  {
    key: 'program',
    name: 'deployctl over the ssh program',
    needs: 'ssh',
    run: (round) => byDeployctl(round, 'openssh'),
  },
  { key: 'scp', name: 'scp', needs: 'scp', run: () => timed(byScp, false) },
  { key: 'rsync', name: 'rsync --whole-file', needs: 'rsync', run: () => timed(byRsync, false) },
  { key: 'rsync', name: 'rsync again: it is there', needs: 'rsync', run: () => timed(byRsync, false) },
  { key: 'ansible', name: 'ansible copy', needs: 'ansible', run: () => timed(byAnsible, false) },
  {
    key: 'ansible',
    name: 'ansible copy again: it is there',
    needs: 'ansible',
    run: () => timed(byAnsible, false),
  },
];

const found = new Map<string, Measured[]>();
try {
  const missing = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    for (const { key, name, needs, run } of ways) {
      if (!wanted.has(key)) continue;
      if (!isInstalled(needs)) {
        missing.add(needs);
        continue;
      }
      if (!name.includes('again')) await removeTargets(round);
      found.set(name, [...(found.get(name) ?? []), await run(round)]);
    }
    await removeTargets(round);
  }
  print();
  for (const each of missing) console.log(`not installed, so left out: ${each}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(): void {
  const load = loadavg()[0]?.toFixed(1);
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${megabytes} MB to ${hostCount} hosts, ${atOnce} at once, median of ${rounds}; load ${load}\n`,
  );
  const floor = median((found.get("ssh 'cat >'") ?? []).map(({ wallS }) => wallS));
  console.log(`${'way'.padEnd(34)}   wall s    x cat   client CPU s   host CPU s`);
  for (const [name, measured] of found) {
    const wall = median(measured.map(({ wallS }) => wallS));
    const cpu = median(measured.map(({ cpuS }) => cpuS));
    const hostCpu = median(measured.map(({ hostCpuS }) => hostCpuS));
    const all = measured.map((each) => each.wallS.toFixed(2)).join(' ');
    console.log(
      `${name.padEnd(34)} ${wall.toFixed(2).padStart(8)} ${(wall / floor).toFixed(2).padStart(8)} ${cpu.toFixed(2).padStart(14)} ${hostCpu.toFixed(2).padStart(12)}   ${measured.length > 1 ? `(${all})` : ''}`,
    );
  }
  console.log(`\nmemory of this process, at most: ${peak.toFixed(0)} MB`);
}

/**
 * What the hosts of a fleet stand in: one process in mount, network and PID namespaces of its own, with a bridge that
 * all cables go to and the disks of all hosts. When that process ends, however it or the test ends, the kernel takes
 * everything with it: hosts, disks, cables. Only empty cgroups can be left over, and the next rack sweeps them.
 *
 *        this machine                     the rack                                  a host
 *   operator 198.18.N.1 ──uplink── bridge, clients at 198.18.N.2 ──cable── eth0 198.18.N.11, systemd as its PID 1
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * 198.18.0.0/15 is for tests of networks, RFC 2544: nobody's real network has these addresses. Each rack takes one of
 * its 512 networks of 254 addresses; the name of its uplink says which, so the kernel sees to it that no two take the same.
 */
const networks = 512;

export interface Rack extends AsyncDisposable {
  /** Absolute; `disks` in it is seen by the rack only, as `inside` shows. */
  readonly folder: string;
  /** The rack's view of a path, for whoever is outside. */
  inside(path: string): string;
  /** An address of the rack's network; 1 is the operator, 2 are the clients. */
  address(number: number): string;
  /** Runs a script in the rack, `set -eu`, and gives its output. Throws with what it said. */
  run(script: string, values?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts a script in the rack, which lives as long as it does, or the rack. */
  start(script: string, values: Readonly<Record<string, string>>, log: number): ChildProcess;
  /** What starts a program of this machine on the clients' side of the network. */
  readonly amongClients: readonly string[];
  /** The operator's own cable. */
  pullUplink(): Promise<void>;
  plugUplink(): Promise<void>;
}

/** Ends when its standard input does, which is when the test ends, whatever ends it. */
const keeper = `set -eu
mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/disks" "$folder/cgroup"
mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns
mount -t cgroup -o none,name=systemd cgroup "$folder/cgroup"
mkdir "$folder/cgroup$cgroup" "$folder/cgroup$cgroup/keeper"
echo 0 >"$folder/cgroup$cgroup/keeper/cgroup.procs"
ln -s "cgroup$cgroup" "$folder/hosts"
ip link set lo up
ip link add bridge type bridge forward_delay 0
ip link set bridge up
echo ready
exec cat >/dev/null
`;

/**
 * Removes this rack's cgroups, and those of racks that were killed: a rack that lives has its keeper in a group, and one
 * that is about to be is younger than a minute.
 */
const sweep = `mount -t cgroup -o none,name=systemd cgroup /mnt
for group in "/mnt$above"/deployctl-fleet-*; do
  [ -d "$group" ] && [ -z "$(cat "$group/keeper/cgroup.procs" 2>/dev/null)" ] || continue
  [ "\${group##*/}" = "$own" ] || [ -n "$(find "$group" -maxdepth 0 -mmin +1)" ] || continue
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
done`;

export async function startRack(): Promise<Rack> {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-fleet-'));
  const above = ownCgroup();
  const cgroup = `${above === '/' ? '' : above}/${basename(folder)}`;
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', keeper], {
    env: { PATH: process.env.PATH, folder, cgroup },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const dispose = async (): Promise<void> => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
    const values = { PATH: process.env.PATH, above, own: basename(folder) };
    await run('unshare', ['--mount', 'sh', '-c', sweep], { env: values });
  };
  try {
    const said = text(child.stderr);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      void ended.then(async () => reject(new Error(`the rack did not start: ${await said}`)));
    });
    const pid = await onlyChild(child);
    const network = await connectUplink(pid);
    return rackOf(folder, pid, network, dispose);
  } catch (error) {
    await dispose();
    throw error;
  }
}

function rackOf(folder: string, pid: number, network: Network, dispose: () => Promise<void>): Rack {
  const enter = ['--target', String(pid), '--mount', '--net', '--pid'];
  const environment = (values: Readonly<Record<string, string>>) => ({
    PATH: process.env.PATH,
    LC_ALL: 'C',
    folder,
    ...values,
  });
  const inRack = async (script: string, values: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { stdout } = await run('nsenter', [...enter, 'sh', '-euc', script], { env: environment(values) });
    return stdout;
  };
  return {
    folder,
    inside: (path) => join('/proc', String(pid), 'root', path),
    address: (number) => `${network.prefix}.${number}`,
    run: inRack,
    start: (script, values, log) =>
      spawn('nsenter', [...enter, 'sh', '-euc', script], {
        env: environment(values),
        stdio: ['ignore', log, log],
      }),
    amongClients: ['nsenter', '--target', String(pid), '--net'],
    pullUplink: async () => void (await inRack('ip link set uplink down')),
    plugUplink: async () => void (await inRack('ip link set uplink up')),
    [Symbol.asyncDispose]: dispose,
  };
}

interface Network {
  /** The first three numbers of its addresses. */
  readonly prefix: string;
}

/** Takes a network that no other rack has, and lays the operator's cable to the bridge. */
async function connectUplink(rack: number): Promise<Network> {
  const first = Math.floor(Math.random() * networks);
  for (let turn = 0; turn < networks; turn += 1) {
    const index = (first + turn) % networks;
    const uplink = `dctl-${index}`;
    const prefix = `198.${18 + (index >> 8)}.${index & 255}`;
    const peer = ['type', 'veth', 'peer', 'name', 'uplink', 'netns', String(rack)];
    const isTaken = await run('ip', ['link', 'add', uplink, ...peer]).then(
      () => false,
      (error: { stderr?: string }) => {
        if (error.stderr?.includes('File exists') === true) return true;
        throw error;
      },
    );
    if (isTaken) continue;
    await run('ip', ['address', 'add', `${prefix}.1/24`, 'dev', uplink]);
    await run('ip', ['link', 'set', uplink, 'up']);
    const connect = `ip link set uplink master bridge up && ip address add ${prefix}.2/24 dev bridge`;
    await run('nsenter', ['--target', String(rack), '--net', 'sh', '-euc', connect]);
    return { prefix };
  }
  throw new Error('every network of 198.18.0.0/15 is taken by another fleet');
}

/** Our own place in systemd's hierarchy of cgroups: what we make goes below it. */
function ownCgroup(): string {
  const line = readFileSync('/proc/self/cgroup', 'utf8').match(/^\d+:name=systemd:(.*)$/m);
  return line?.[1] ?? '/';
}

/** unshare stays outside of the namespaces that it makes; its child is in them. */
async function onlyChild(parent: ChildProcess): Promise<number> {
  const path = `/proc/${parent.pid}/task/${parent.pid}/children`;
  const [pid] = readFileSync(path, 'utf8').trim().split(' ');
  if (pid === undefined || pid === '') throw new Error('the rack ended');
  return Number(pid);
}

/**
 * Hosts as real as one machine can make them: each with systemd, sshd, sudo, an address, a host key and a disk of its
 * own, which survives a power cut. Root on Linux only; `whyNoFleet` says whether there can be one.
 *
 *   await using fleet = await startFleet(['lb-1', 'web-1', 'web-2']);
 *   await fleet.host('web-1').cutPower();
 *
 * Not what a real host is: the page cache outlives a power cut, so what was not yet flushed is not lost; time cannot be
 * set (the kernel's time namespaces leave the real-time clock out), so `shiftClock` changes what `date` says and no more.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { asAddress, type Connection, type HostDeclared } from '../../src/model/index.ts';
import { imageFolder } from './image.ts';
import { type Rack, startRack } from './rack.ts';

const run = promisify(execFile);

export interface FleetHost {
  readonly name: string;
  readonly address: string;
  /** As the configuration would declare it: the user `deploy`, with sudo. */
  readonly declared: HostDeclared;
  /** Its disk as this machine sees it: `join(host.disk, 'srv/shop')`. Without /run and /tmp, which are memory. */
  readonly disk: string;
  /** Runs a script on the host as root, past SSH and the network. Throws with what it said. */
  run(script: string, values?: Readonly<Record<string, string>>): Promise<string>;
  /** At once and without a word to anybody: no connection is closed, nothing is stopped. */
  cutPower(): Promise<void>;
  /** Starts it again from the same disk; resolves when whoever has an account may log in. */
  boot(): Promise<void>;
  pullCable(): Promise<void>;
  plugCable(): Promise<void>;
  /**
   * Drops a share of the packets that come in or go out, of one peer or of all.
   * `in`: the host is deaf, and can be heard. `out`: it hears, and is mute.
   */
  losePackets(direction: 'in' | 'out', percent?: number, peer?: string): Promise<void>;
  losePacketsNoMore(): Promise<void>;
  /** So many bits a second each way, and a queue of half a second before packets are dropped. */
  slowLink(kilobitsPerSecond: number): Promise<void>;
  fastLink(): Promise<void>;
  /** Leaves so much on its disk; usually not one block. */
  fillDisk(leftKilobytes?: number): Promise<void>;
  emptyDisk(): Promise<void>;
  /** Gives it another host key, as setting it up anew would; the fleet's known_hosts still has the old one. */
  changeHostKey(): Promise<void>;
  /** What `date` says from now on, in seconds before or after the truth. */
  shiftClock(seconds: number): Promise<void>;
}

export interface Fleet extends AsyncDisposable {
  readonly hosts: readonly FleetHost[];
  readonly rack: Rack;
  readonly identityFile: string;
  readonly knownHosts: string;
  /** For files of the test; removed with the fleet. */
  readonly folder: string;
  host(name: string): FleetHost;
}

/** More than a host of these tests ever writes; a host's disk is memory. */
const diskSize = '512m';
const bootMs = 60_000;

const makeDisk = `
own=$folder/disks/$name
mkdir "$own"
mount -t tmpfs -o "size=$size,mode=755" tmpfs "$own"
mkdir "$own/upper" "$own/work" "$own/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$own/upper,workdir=$own/work" "$own/root"
cd "$own/root"
echo "$name" >etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n%s\\n' "$name" "$names" >etc/hosts
echo "$machine_id" >etc/machine-id
# Each boot and each daemon-reload would run a dozen of them, for disks, consoles and kernels that no host here has.
mkdir -p etc/systemd/system-generators
for generator in lib/systemd/system-generators/*; do
  ln -s /dev/null "etc/systemd/system-generators/\${generator##*/}"
done
install -d -m 700 home/deploy/.ssh
cp "$identity.pub" home/deploy/.ssh/authorized_keys
chroot . chown -R deploy:deploy /home/deploy
ssh-keygen -q -t ed25519 -N '' -C "$name" -f etc/ssh/ssh_host_ed25519_key
cat etc/ssh/ssh_host_ed25519_key.pub
`;

/** The address of the card stays the same over a reboot, as a real one does: nobody's neighbour table goes stale. */
const makeCable = `
ip netns add "$name"
ip link add "v-$name" type veth peer name eth0 address "$card" netns "$name"
ip link set "v-$name" master bridge up
ip -n "$name" address add "$address/24" dev eth0
ip -n "$name" link set lo up
ip -n "$name" link set eth0 up
`;

/**
 * The first process moves to a cgroup of its own before it makes the namespace that has this one as its root; without
 * that all hosts would share theirs, and one's systemd would count and kill the processes of another. For the same reason
 * systemd is kept to this one hierarchy, by words that it would otherwise find on the kernel's command line.
 */
const bootHost = `
find "$folder/hosts/$name" -depth -type d -exec rmdir {} + 2>/dev/null || :
mkdir "$folder/hosts/$name"
echo 0 >"$folder/hosts/$name/cgroup.procs"
root=$folder/disks/$name/root
export root
exec setsid ip netns exec "$name" unshare --mount --pid --uts --ipc --cgroup --fork --kill-child=SIGKILL \
  --mount-proc="$root/proc" sh -euc '
hostname "$name"
mount --rbind "$root" "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/\${stream#*:}" "$root/dev/\${stream%:*}"; done
touch "$root/usr/local/bin/node"
mount --bind "$node" "$root/usr/local/bin/node"
cd "$root"
mkdir -p old
pivot_root . old
umount -l old
exec env -i container=fleet PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no \
  systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
'`;

/** The process that the host calls 1, by the rack's numbers. */
const findInit = `
for pid in $(ip netns pids "$name"); do
  grep -q '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" 2>/dev/null && echo "$pid" && break
done
:`;

/** Boots them side by side. Whatever fails, nothing of the fleet is left. */
export async function startFleet(
  names: readonly string[],
  connection: Partial<Extract<Connection, { kind: 'ssh' }>> = {},
): Promise<Fleet> {
  const rack = await startRack();
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-fleet-files-'));
  const dispose = async (): Promise<void> => {
    await rack[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const identityFile = join(folder, 'id_ed25519');
    const knownHosts = join(folder, 'known_hosts');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'operator', '-f', identityFile]);
    const places = names.map(
      (name, index): Place => ({
        ...{ name, index, address: rack.address(11 + index), identityFile, knownHosts, folder },
        names: names.map((each, at) => `${rack.address(11 + at)} ${each}`).join('\n'),
      }),
    );
    const keys: string[] = [];
    for (const place of places) keys.push(await setUp(rack, place));
    writeFileSync(knownHosts, keys.join(''));
    const hosts = places.map((place) => new Host(rack, place, connection));
    await Promise.all(hosts.map((host) => host.boot()));
    return {
      ...{ hosts, rack, identityFile, knownHosts, folder },
      host(name) {
        const found = hosts.find((each) => each.name === name);
        if (found === undefined) throw new Error(`the fleet has no ${name}`);
        return found;
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Place {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly identityFile: string;
  readonly knownHosts: string;
  readonly folder: string;
  /** Lines of /etc/hosts. */
  readonly names: string;
}

/** The host's line of known_hosts. */
async function setUp(rack: Rack, { name, address, identityFile, names }: Place): Promise<string> {
  const key = await rack.run(makeDisk, {
    ...{ name, names, identity: identityFile, image: imageFolder, size: diskSize },
    machine_id: randomBytes(16).toString('hex'),
  });
  const [type, blob] = key.split(' ');
  return `${address} ${type} ${blob}\n`;
}

const origin = { line: 1, column: 1, byte: 0 };

class Host implements FleetHost {
  readonly name: string;
  readonly address: string;
  readonly declared: HostDeclared;
  readonly disk: string;
  readonly #rack: Rack;
  readonly #place: Place;
  readonly #log: string;
  #running:
    | { readonly child: ChildProcess; readonly ended: Promise<void>; readonly init: string }
    | undefined;

  constructor(rack: Rack, place: Place, connection: Partial<Extract<Connection, { kind: 'ssh' }>>) {
    const { name, address, identityFile, knownHosts, folder } = place;
    this.name = name;
    this.address = address;
    this.disk = rack.inside(join(rack.folder, 'disks', name, 'root'));
    this.#rack = rack;
    this.#place = place;
    mkdirSync(join(folder, 'consoles'), { recursive: true });
    this.#log = join(folder, 'consoles', name);
    this.declared = {
      ...{ address: asAddress(`host.${name}`), name, networkAddress: address, labels: {} },
      origin: { file: 'hosts.hcl', start: origin, end: origin },
      connection: {
        ...{ kind: 'ssh', address, port: 22, user: 'deploy', identityFile, knownHosts: [knownHosts] },
        ...{ become: 'sudo', connectTimeoutMs: 5_000, transport: 'ssh2' },
        ...connection,
      },
    };
  }

  async boot(): Promise<void> {
    if (this.#running !== undefined) throw new Error(`${this.name} runs`);
    const { name, address } = this;
    const card = `02:dc:00:00:00:${(11 + this.#place.index).toString(16).padStart(2, '0')}`;
    await this.#rack.run(makeCable, { name, address, card });
    const log = openSync(this.#log, 'a');
    const child = this.#rack.start(bootHost, { name, node: process.execPath }, log);
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const deadline = Date.now() + bootMs;
    while (!(await hasSshd(address))) {
      if (child.exitCode === null && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const said = readFileSync(this.#log, 'utf8').trim().split('\n').slice(-20).join('\n');
      throw new Error(`${name} did not boot:\n${said}`);
    }
    const init = (await this.#rack.run(findInit, { name })).trim();
    this.#running = { child, ended, init };
    // Until then pam_nologin lets sshd take connections and turn them away after the login.
    await this.run('until systemctl -q is-active systemd-user-sessions; do sleep 0.05; done');
  }

  run(script: string, values: Readonly<Record<string, string>> = {}): Promise<string> {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`);
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const inside = `exec nsenter --target ${this.#running.init} --all env -i ${path} "$@"`;
    const given = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    return this.#rack.run(`set -- "$@" sh -euc "$host_script"\n${withValues(given)}${inside}`, {
      host_script: script,
    });
  }

  async cutPower(): Promise<void> {
    const running = this.#running;
    if (running === undefined) throw new Error(`${this.name} does not run`);
    // The cable first: the kernel, which goes on here, would say farewell on each connection of a process that is killed.
    await this.pullCable();
    this.#running = undefined;
    await this.#rack.run('kill -KILL "$init"', { init: running.init });
    await running.ended;
    await this.#rack.run('ip link delete "v-$name"\nip netns delete "$name"', { name: this.name });
  }

  async pullCable(): Promise<void> {
    await this.#rack.run('ip link set "v-$name" down', { name: this.name });
  }

  async plugCable(): Promise<void> {
    await this.#rack.run('ip link set "v-$name" up', { name: this.name });
  }

  async losePackets(direction: 'in' | 'out', percent = 100, peer?: string): Promise<void> {
    const [hook, device, side] =
      direction === 'in' ? ['input', 'iifname', 'saddr'] : ['output', 'oifname', 'daddr'];
    const rule = [
      `${device} != lo`,
      ...(peer === undefined ? [] : [`ip ${side} ${peer}`]),
      ...(percent < 100 ? [`numgen random mod 100 < ${percent}`] : []),
      'drop',
    ].join(' ');
    const table = `table inet loss {
  chain ${hook} {
    type filter hook ${hook} priority 0
    ${rule}
  }
}`;
    await this.#rack.run('printf "%s\\n" "$table" | ip netns exec "$name" nft -f -', {
      name: this.name,
      table,
    });
  }

  async losePacketsNoMore(): Promise<void> {
    await this.#rack.run('ip netns exec "$name" nft delete table inet loss', { name: this.name });
  }

  async slowLink(kilobitsPerSecond: number): Promise<void> {
    const queue = `root tbf rate ${kilobitsPerSecond}kbit burst 32kb latency 500ms`;
    await this.#rack.run(
      `tc qdisc replace dev "v-$name" ${queue}\nip netns exec "$name" tc qdisc replace dev eth0 ${queue}`,
      { name: this.name },
    );
  }

  async fastLink(): Promise<void> {
    const none = 'tc qdisc delete dev "v-$name" root\nip netns exec "$name" tc qdisc delete dev eth0 root';
    await this.#rack.run(none, { name: this.name });
  }

  async fillDisk(leftKilobytes = 0): Promise<void> {
    // A file system that is not one block larger than what is on it and what is to be left.
    const shrink = `own=$folder/disks/$name
mount -o "remount,size=$(($(df -k --output=used "$own" | tail -n 1) + left))k" "$own"`;
    await this.#rack.run(shrink, { name: this.name, left: String(leftKilobytes) });
  }

  async emptyDisk(): Promise<void> {
    const grow = 'mount -o "remount,size=$size" "$folder/disks/$name"';
    await this.#rack.run(grow, { name: this.name, size: diskSize });
  }

  async changeHostKey(): Promise<void> {
    await this.run(`rm /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
systemctl restart ssh`);
  }

  async shiftClock(seconds: number): Promise<void> {
    // First in every PATH that sshd and sudo give.
    await this.run(
      `install -d /usr/local/sbin
for place in /usr/local/bin /usr/local/sbin; do
  printf '#!/bin/sh\\nexec /bin/date -d "%s seconds" "$@"\\n' "$seconds" >$place/date
  chmod 755 $place/date
done`,
      { seconds: String(seconds) },
    );
  }
}

/** Words of a script's argument list, each quoted for it. */
const withValues = (words: readonly string[]): string =>
  words.length === 0
    ? ''
    : `set -- ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')} "$@"\n`;

/** sshd greets whoever connects; a port that only takes connections is not it yet. */
function hasSshd(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1_000 });
    const end = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('data', () => end(true));
    for (const event of ['error', 'close', 'timeout']) socket.once(event, () => end(false));
  });
}

/**
 * The disk that every host of the fleet starts from: a small Debian with systemd, sshd, sudo, HAProxy, BIND and Unbound,
 * made once by debootstrap and kept between runs, outside of the clone. Root on Linux only.
 *
 * Its name is a digest of its recipe, so that another recipe makes another image. It is made beside its place, in
 * namespaces of its own, and moved there when it is whole: a run that is killed leaves nothing that could be taken for an
 * image. Of two runs at once the second waits for the first.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../rig/other-host.ts';

const run = promisify(execFile);

/** systemd 252. From 256 on it refuses the cgroups of version 1 that the hosts get, see rack.ts. */
const suite = 'bookworm';
const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'sudo'],
  ...['iproute2', 'procps', 'haproxy', 'bind9', 'unbound', 'ca-certificates'],
];

/**
 * Runs in the new system. One journal for all users: of lines that came in the same microsecond, journalctl 252 loses some
 * where it has to merge a user's own journal with the system's. What waits for hardware or the network would only make
 * each boot slower.
 */
const finish = `
useradd -m -s /bin/bash deploy && usermod -p '*' deploy
useradd -r -m -d /home/shop -s /usr/sbin/nologin shop
echo 'deploy ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/deploy && chmod 440 /etc/sudoers.d/deploy
systemctl disable haproxy named unbound unbound-resolvconf
systemctl enable ssh
systemctl mask systemd-logind getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-udevd.service systemd-firstboot.service
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
printf '[Journal]\\nSplitMode=none\\n' >/etc/systemd/journald.conf
mkdir -p /var/log/journal
apt-get clean
rm -rf /var/lib/apt/lists/*
`;

/**
 * CACHE, IMAGE, MIRROR, SUITE, PACKAGES and FINISH come by the environment. Made in memory, where dpkg's thousands of
 * fsyncs cost nothing, and copied when it is whole.
 */
const recipe = `set -eu
exec 9>"$CACHE/lock"
flock 9
[ ! -d "$IMAGE" ] || exit 0
mount -t tmpfs -o size=2g tmpfs /mnt
made=/mnt/image
debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$made" $MIRROR >"$IMAGE.log" 2>&1 9>&-
chroot "$made" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -euc "$FINISH" >>"$IMAGE.log" 2>&1 9>&-
umount "$made/proc" "$made/sys" 2>/dev/null || :
rm -rf "$IMAGE.making"
cp -a "$made" "$IMAGE.making"
mv "$IMAGE.making" "$IMAGE"
`;

const cache = process.env.DEPLOYCTL_TEST_CACHE ?? '/var/cache/deployctl-test';
const key = createHash('sha256')
  .update(JSON.stringify([suite, packages, finish, recipe]))
  .digest('hex')
  .slice(0, 12);

/** Absolute path of the image's folder; it is there when {@link whyNoFleet} has said nothing. */
export const imageFolder: string = join(cache, `fleet-${key}`);

const longestMs = 15 * 60_000;

/** What a fleet needs of this machine, and who brings it. */
const programs = ['unshare', 'nsenter', 'flock', 'setsid', 'ip', 'nft', 'ssh-keygen', 'debootstrap'];

/**
 * Why there can be no fleet here, in a few words; undefined: there can, and its image is ready. The first call on a
 * machine makes the image, which takes a minute or two and needs Debian's archive.
 */
export async function whyNoFleet(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  return (await whyNoNamespaces()) ?? (await makeImage());
}

/** A container's root may be no more than a name. */
async function whyNoNamespaces(): Promise<string | undefined> {
  const probe = `
mount -t tmpfs tmpfs /mnt && mkdir /mnt/cgroup && mount -t cgroup -o none,name=systemd cgroup /mnt/cgroup &&
ip link add dctl-probe type bridge && ip link add dctl-a type veth peer name dctl-b`;
  try {
    await run('unshare', ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'sh', '-c', probe]);
    return undefined;
  } catch (error) {
    return `namespaces, cgroups or bridges are not permitted here: ${lastLine(error)}`;
  }
}

async function makeImage(): Promise<string | undefined> {
  if (existsSync(imageFolder)) return undefined;
  mkdirSync(cache, { recursive: true });
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    http_proxy: process.env.http_proxy ?? '',
    CACHE: cache,
    IMAGE: imageFolder,
    MIRROR: await mirror(),
    SUITE: suite,
    PACKAGES: packages.join(','),
    FINISH: finish,
  };
  const inside = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];
  try {
    await run('unshare', [...inside, 'sh', '-c', recipe], { env: environment, timeout: longestMs });
    return undefined;
  } catch (error) {
    const log = existsSync(`${imageFolder}.log`) ? readFileSync(`${imageFolder}.log`, 'utf8') : '';
    const said = log.split('\n').findLast((line) => /^(E|W):/.test(line)) ?? lastLine(error);
    return `debootstrap failed: ${said} (${imageFolder}.log)`;
  }
}

/** Where this machine gets the same packages from; empty: debootstrap's own choice. */
async function mirror(): Promise<string> {
  const asked = process.env.DEPLOYCTL_TEST_MIRROR;
  if (asked !== undefined) return asked;
  const targets = ['indextargets', '--format', '$(CODENAME) $(REPO_URI)', 'Component: main'];
  const { stdout } = await run('apt-get', targets).catch(() => ({ stdout: '' }));
  const found = stdout.split('\n').find((line) => line.startsWith(`${suite} `));
  return found?.slice(suite.length + 1) ?? '';
}

function lastLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return said.trim().split('\n').at(-1) ?? '';
}

// bin/test runs this file by itself first, so that minutes of silence have a reason.
if (import.meta.main) {
  if (!existsSync(imageFolder))
    console.log('test: looking whether hosts with systemd can be made (minutes, once)');
  const why = await whyNoFleet();
  if (why !== undefined) {
    console.log(`test: without the fleet of hosts with systemd (${why}); the tests on it are skipped.`);
  }
}

/**
 * A host with users of its own, so that sudo and login shells can be tried without touching this machine's users: a
 * copy-on-write view of this system in a mount namespace, with sshd in it. Root on Linux only.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HostDeclared } from '../../src/model/index.ts';
import { asAddress } from '../../src/model/index.ts';
import { findSshd, freeAddress } from './sshd.ts';

const run = promisify(execFile);

export interface OtherUser {
  readonly name: string;
  readonly shell: string;
  /** `all`: any command as root without a password. `none`: sudo asks for one. */
  readonly sudo: 'all' | 'none';
}

export interface OtherHost extends AsyncDisposable {
  /** The host as seen by each of its users; its name is the user's. */
  readonly users: readonly HostDeclared[];
  readonly folder: string;
}

/** Where a program is; undefined: it is not installed. */
export const findProgram = (name: string): string | undefined =>
  ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Why there can be no such host here; undefined: there can. */
export function whyNoOtherHost(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (findSshd() === undefined) return 'needs sshd';
  return ['unshare', 'useradd', 'chroot']
    .map((name) => (findProgram(name) === undefined ? `needs ${name}` : undefined))
    .find(Boolean);
}

export async function startOtherHost(users: readonly OtherUser[]): Promise<OtherHost> {
  const folder = await mkdtemp(join(tmpdir(), 'deployctl-other-'));
  // sshd reads the keys of its users with their rights.
  await chmod(folder, 0o755);
  const { address, port } = await freeAddress();
  const key = join(folder, 'key');
  const hostKey = join(folder, 'host_key');
  for (const path of [key, hostKey]) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  const knownHosts = join(folder, 'known_hosts');
  const [type, blob] = (await readFile(`${hostKey}.pub`, 'utf8')).split(' ');
  await writeFile(knownHosts, `[${address}]:${port} ${type} ${blob}\n`);
  await writeFile(join(folder, 'authorized_keys'), await readFile(`${key}.pub`));
  const sudoers = users
    .filter((user) => user.sudo === 'all')
    .map((user) => `${user.name} ALL=(root) NOPASSWD: ALL`);
  await writeFile(join(folder, 'sudoers'), ['Defaults !syslog', ...sudoers, ''].join('\n'));
  await writeFile(
    join(folder, 'inside.sh'),
    [
      'set -e',
      ...users.map((user) => `useradd -m -s ${user.shell} ${user.name} && usermod -p '*' ${user.name}`),
      `if [ -e /usr/bin/sudo ]; then cp ${folder}/sudoers /etc/sudoers; rm -rf /etc/sudoers.d; chmod 440 /etc/sudoers; fi`,
      'printf "127.0.1.1 %s\\n" "$(hostname)" >>/etc/hosts',
      'mkdir -p /run/sshd',
      `exec ${findSshd()} -D -E ${folder}/log -f /dev/null -h ${hostKey} -o ListenAddress=${address}:${port} ` +
        `-o PidFile=none -o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=${folder}/authorized_keys -o MaxStartups=100`,
      '',
    ].join('\n'),
  );
  const outside = [
    'set -e',
    'mount --make-rprivate /',
    `mkdir ${folder}/disk`,
    `mount -t tmpfs tmpfs ${folder}/disk`,
    `cd ${folder}/disk`,
    'mkdir up work root',
    'mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root',
    ...['proc', 'dev', 'sys', 'tmp'].map((name) => `mount --rbind /${name} root/${name}`),
    `exec chroot root sh ${folder}/inside.sh`,
  ].join('\n');
  const server = spawn('unshare', ['--mount', 'sh', '-c', outside], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = new Promise((resolve) => server.once('exit', resolve));
  const stop = async (): Promise<void> => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; !(await answers(address, port)); attempt += 1) {
    if (server.exitCode !== null || attempt > 600) {
      await stop();
      throw new Error(`the other host did not start: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const start = { line: 1, column: 1, byte: 0 };
  return {
    folder,
    users: users.map(({ name }) => ({
      address: asAddress(`host.${name}`),
      name,
      networkAddress: address,
      labels: {},
      origin: { file: 'hosts.hcl', start, end: start },
      connection: {
        kind: 'ssh',
        address,
        port,
        user: name,
        identityFile: key,
        knownHosts: [knownHosts],
        become: 'sudo',
        connectTimeoutMs: 10_000,
        transport: 'ssh2',
      },
    })),
    [Symbol.asyncDispose]: stop,
  };
}

function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

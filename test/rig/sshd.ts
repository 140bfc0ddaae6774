/**
 * Real OpenSSH servers on loopback, one process a host, each with its own address, port, host key and configuration.
 * The login user is whoever runs the tests; the client key is made for the fleet and goes away with it.
 *
 *   await using fleet = await startSshd({ hosts: 3 });
 *   fleet.hosts[0].address
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection, HostDeclared } from '../../src/model/index.ts';
import { asAddress } from '../../src/model/index.ts';

const run = promisify(execFile);

export interface SshdHost {
  readonly name: string;
  /** A loopback address of its own, so that applications can listen on it beside those of other hosts. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHosts: string;
  /** A folder of its own, for install roots and sockets; removed with the fleet. */
  readonly root: string;
  /** Declared as the configuration would. */
  readonly declared: HostDeclared;
  /** Ends the server and every connection to it, as a power cut would. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Gives it another host key, as setting it up anew would. */
  changeHostKey(): Promise<void>;
  /** What the server logged. */
  log(): Promise<string>;
}

export interface Fleet extends AsyncDisposable {
  readonly hosts: readonly SshdHost[];
  readonly identityFile: string;
  readonly knownHosts: string;
  /** The fleet's folder. */
  readonly folder: string;
}

export interface SshdOptions {
  /** Default 1. */
  readonly hosts?: number;
  /** Lines for each server's configuration: `AllowTcpForwarding no`. They come first, so they win. */
  readonly config?: readonly string[];
  readonly connection?: Partial<Extract<Connection, { kind: 'ssh' }>>;
  readonly names?: readonly string[];
  /** The command that starts each server, and with it all that is done there, where it is to be. */
  readonly by?: readonly string[];
}

const sshdPaths = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd', '/sbin/sshd'];

/** Where sshd is; undefined: it is not installed. */
export const findSshd = (): string | undefined =>
  sshdPaths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const nowhere = { line: 1, column: 1, byte: 0 };
const origin = { file: 'hosts.hcl', start: nowhere, end: nowhere };

/** Starts the servers and waits until each takes connections. */
export async function startSshd(options: SshdOptions = {}): Promise<Fleet> {
  const sshd = findSshd();
  if (sshd === undefined) throw new Error('sshd is not installed: apt-get install openssh-server');
  if (process.getuid?.() === 0) {
    // Privilege separation needs it, and outside of systemd nobody makes it.
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  }
  const folder = await mkdtemp(join(tmpdir(), 'deployctl-sshd-'));
  const identityFile = join(folder, 'id_ed25519');
  const knownHosts = join(folder, 'known_hosts');
  await makeKey(identityFile);
  await writeFile(knownHosts, '');
  await copyFile(`${identityFile}.pub`, join(folder, 'authorized_keys'));
  await chmod(join(folder, 'authorized_keys'), 0o600);

  const hosts: SshdHost[] = [];
  try {
    for (let index = 0; index < (options.hosts ?? 1); index += 1) {
      const name = options.names?.[index] ?? `web-${index + 1}`;
      hosts.push(await startHost(sshd, folder, name, { identityFile, knownHosts }, options));
    }
  } catch (error) {
    for (const host of hosts) await host.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    hosts,
    identityFile,
    knownHosts,
    folder,
    async [Symbol.asyncDispose]() {
      for (const host of hosts) await host.stop();
      await endProcesses(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startHost(
  sshd: string,
  folder: string,
  name: string,
  files: { readonly identityFile: string; readonly knownHosts: string },
  options: SshdOptions,
): Promise<SshdHost> {
  const own = join(folder, name);
  const root = join(own, 'root');
  await mkdir(root, { recursive: true });
  const home = join(own, 'home');
  await mkdir(home);
  const hostKey = join(own, 'host_key');
  await makeKey(hostKey);
  const { address, port } = await freeAddress();
  const user = userInfo().username;
  const config = join(own, 'sshd_config');
  const log = join(own, 'log');
  await writeFile(
    config,
    [
      ...(options.config ?? []),
      `ListenAddress ${address}:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      `PidFile ${join(own, 'pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      // The start files of whoever runs the tests are no part of the test, and can take 150 ms for each command.
      `SetEnv HOME=${home}`,
      'StrictModes no',
      'PrintMotd no',
      'MaxStartups 500:30:1000',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  );
  const remember = async (): Promise<void> => {
    const [type, key] = (await readFile(`${hostKey}.pub`, 'utf8')).split(' ');
    await appendFile(files.knownHosts, `[${address}]:${port} ${type} ${key}\n`);
  };
  await remember();

  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const [program = sshd, ...before] = [...(options.by ?? []), sshd];
    const child = spawn(program, [...before, '-D', '-E', log, '-f', config], { stdio: 'ignore' });
    server = child;
    for (let attempt = 0; attempt < 400; attempt += 1) {
      if (child.exitCode !== null) {
        throw new Error(`sshd ended: ${await readFile(log, 'utf8').catch(() => 'no log')}`);
      }
      if (await answers(address, port)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('sshd did not start');
  };
  const stop = async (): Promise<void> => {
    const child = server;
    server = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // The connections have processes of their own, which outlive the listener.
    for (const pid of await childrenOf(child.pid)) kill(pid);
    child.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    name,
    address,
    port,
    user,
    ...files,
    root,
    declared: {
      address: asAddress(`host.${name}`),
      name,
      networkAddress: address,
      labels: {},
      origin,
      connection: {
        kind: 'ssh',
        address,
        port,
        user,
        identityFile: files.identityFile,
        knownHosts: [files.knownHosts],
        become: 'none',
        connectTimeoutMs: 5_000,
        transport: 'ssh2',
        ...options.connection,
      },
    },
    stop,
    start,
    async changeHostKey() {
      await stop();
      await rm(hostKey);
      await rm(`${hostKey}.pub`);
      await makeKey(hostKey);
      await start();
    },
    log: () => readFile(log, 'utf8').catch(() => ''),
  };
}

/** Ends what deployctl keeps running on hosts below this folder, at once: it outlives their servers, as it should. */
export async function endProcesses(folder: string): Promise<void> {
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const isSupervisor = command.includes('/supervise.sh\0') || command.includes('/runner.sh\0');
    if (!isSupervisor || !command.includes(`${folder}/`)) continue;
    try {
      process.kill(-Number(name), 'SIGKILL');
    } catch {
      // Not the leader of its group, or already gone.
    }
  }
}

const makeKey = (path: string): Promise<unknown> =>
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'deployctl test', '-f', path]);

/** An address of 127.0.0.0/8 that hardly anyone else uses at the same time, and a port that is free on it. */
export async function freeAddress(): Promise<{ readonly address: string; readonly port: number }> {
  const byte = (): number => 1 + Math.floor(Math.random() * 253);
  const address = process.platform === 'linux' ? `127.${byte()}.${byte()}.${byte()}` : '127.0.0.1';
  return { address, port: await freePort(address) };
}

export function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });
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

/** The direct children of a process, and theirs. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.trim().split(/\s+/).filter(Boolean).map(Number);
  // Only sshd's own two levels: what a session started lives on, as it does when a connection breaks.
  const monitors: number[] = [];
  for (const child of children) {
    monitors.push(child);
    const below = await readFile(`/proc/${child}/task/${child}/children`, 'utf8').catch(() => '');
    for (const each of below.trim().split(/\s+/).filter(Boolean).map(Number)) {
      const name = await readFile(`/proc/${each}/comm`, 'utf8').catch(() => '');
      if (name.startsWith('sshd')) monitors.push(each);
    }
  }
  return monitors;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

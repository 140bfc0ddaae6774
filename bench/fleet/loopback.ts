/**
 * One real sshd that listens on every loopback address, in a network of its own, so that nothing outside of this bench can
 * reach it; and three ways to be dead: addresses that swallow each packet, a port that accepts and says nothing, and
 * one that shows a banner and then stalls.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Group } from './measured.ts';

export const deaths = ['black-holed', 'silent', 'stalled'] as const;
export type Death = (typeof deaths)[number];

export interface LoopbackHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

const ports = { live: 2222, silent: 2223, stalled: 2224 };

/** Starts this program again in a network namespace with loopback and a black hole; true in there. */
export function inOwnNetwork(): boolean {
  if (process.env['DEPLOYCTL_BENCH_NETWORK'] === 'own') return true;
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    console.error('This bench needs root on Linux: a network namespace, and an sshd that logs somebody in.');
    process.exitCode = 1;
    return false;
  }
  const setUp = [
    'ip link set lo up',
    // A cable whose other end belongs to nobody.
    'ip link add hole type veth peer name end',
    'ip link set hole arp off',
    'ip address add 10.99.0.1/16 dev hole',
    'ip link set hole up',
    'ip link set end up',
    'exec "$@"',
  ].join(' && ');
  const { status } = spawnSync(
    'unshare',
    ['--net', 'sh', '-c', setUp, 'sh', process.execPath, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, DEPLOYCTL_BENCH_NETWORK: 'own' } },
  );
  process.exitCode = status ?? 1;
  return false;
}

export class LoopbackFleet implements Disposable {
  readonly identityFile: string;
  readonly knownHosts: string;
  readonly #folder: string;
  readonly #sshd = new Group('sshd');

  constructor(folder: string) {
    this.#folder = folder;
    this.identityFile = join(folder, 'id_ed25519');
    this.knownHosts = join(folder, 'known_hosts');
  }

  /** CPU time of the server and all its sessions so far. */
  get cpuSeconds(): number {
    return this.#sshd.cpuSeconds;
  }

  /** `count` hosts, the given number of each death among them, spread evenly. */
  hosts(count: number, dead: Partial<Record<Death, number>> = {}): readonly LoopbackHost[] {
    const fates: (Death | 'live')[] = Array.from({ length: count }, () => 'live');
    const doomed = deaths.flatMap((death) => Array.from({ length: dead[death] ?? 0 }, () => death));
    doomed.forEach((death, index) => {
      fates[Math.floor((index * count) / doomed.length)] = death;
    });
    return fates.map((fate, index) => {
      const end = `${1 + (index >> 8)}.${index & 255}`;
      return {
        name: `${fate === 'live' ? 'web' : fate}-${index}`,
        address: fate === 'black-holed' ? `10.99.${end}` : `127.1.${end}`,
        port: fate === 'black-holed' || fate === 'live' ? ports.live : ports[fate],
      };
    });
  }

  async start(): Promise<void> {
    mkdirSync('/run/sshd', { recursive: true });
    const home = join(this.#folder, 'home');
    mkdirSync(home);
    const hostKey = join(this.#folder, 'host_key');
    for (const path of [this.identityFile, hostKey]) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    }
    const [type, key] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ');
    const known = this.hosts(4_000).map(({ address, port }) => `[${address}]:${port} ${type} ${key}\n`);
    writeFileSync(this.knownHosts, known.join(''));
    const config = join(this.#folder, 'sshd_config');
    writeFileSync(
      config,
      [
        `ListenAddress 0.0.0.0:${ports.live}`,
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${this.identityFile}.pub`,
        'PidFile none',
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'UsePAM no',
        // Nobody's start files are part of the figures.
        `SetEnv HOME=${home}`,
        'StrictModes no',
        'PrintMotd no',
        // One server plays a thousand: what each of them would take must not be refused by their sum.
        'MaxStartups 5000',
        '',
      ].join('\n'),
    );
    const [program, ...args] = this.#sshd.wrap(['/usr/sbin/sshd', '-D', '-f', config]);
    spawn(program, args, { stdio: 'ignore', detached: true }).unref();
    for (let attempt = 0; !(await answers()); attempt += 1) {
      if (attempt > 500) throw new Error('sshd did not start');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const [port, words] of [
      [ports.silent, ''],
      [ports.stalled, 'SSH-2.0-OpenSSH_9.2\r\n'],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        if (words !== '') socket.write(words);
      });
      server.listen(port, '0.0.0.0').unref();
    }
  }

  [Symbol.dispose](): void {
    this.#sshd[Symbol.dispose]();
  }
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(ports.live, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

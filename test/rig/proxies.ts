/** Real web servers as proxies, each with a configuration of its own in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './haproxy.ts';

export interface ProxyPaths {
  readonly folder: string;
  /** Where its configuration is written. */
  readonly config: string;
  readonly flagsDir: string;
  readonly port: number;
  readonly probePort: number;
  /** For a program that is told to reload over a port. */
  readonly adminPort: number;
}

export interface ProxyProgram {
  readonly name: string;
  readonly file: string;
  /** Its arguments to run in the foreground. */
  arguments(paths: ProxyPaths): readonly string[];
  /** Its arguments to have the running one load its configuration again. */
  reload(paths: ProxyPaths): readonly string[];
  /** Lines before the configuration, so that it does not share a port with another one on this machine. */
  readonly preface?: (paths: ProxyPaths) => string;
  readonly environment?: (paths: ProxyPaths) => Readonly<Record<string, string>>;
}

export interface RunningProxy extends AsyncDisposable {
  readonly paths: ProxyPaths;
  start(): Promise<void>;
  /** SIGKILL to all of its processes. */
  kill9(): Promise<void>;
  reload(): Promise<void>;
  /** Replaces its configuration; it takes it at the next reload or start. */
  rewrite(config: string): Promise<void>;
}

/** Its worker processes have a user of their own, so it is started by root. */
export const isInstalled = ({ file }: ProxyProgram): boolean => existsSync(file) && process.getuid?.() === 0;

export const nginxProgram: ProxyProgram = {
  name: 'nginx',
  file: '/usr/sbin/nginx',
  arguments: ({ folder, config }) => [
    '-e',
    join(folder, 'error.log'),
    '-c',
    config,
    '-g',
    `daemon off; pid ${join(folder, 'pid')};`,
  ],
  reload: ({ folder, config }) => [
    '-e',
    join(folder, 'error.log'),
    '-c',
    config,
    '-g',
    `pid ${join(folder, 'pid')};`,
    '-s',
    'reload',
  ],
};

export const caddyProgram: ProxyProgram = {
  name: 'caddy',
  file: '/usr/bin/caddy',
  preface: ({ adminPort }) => `{\n\tadmin 127.0.0.1:${adminPort}\n}\n`,
  arguments: ({ config }) => ['run', '--adapter', 'caddyfile', '--config', config],
  reload: ({ config, adminPort }) => [
    'reload',
    '--adapter',
    'caddyfile',
    '--config',
    config,
    '--address',
    `127.0.0.1:${adminPort}`,
  ],
  environment: ({ folder }) => ({ HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }),
};

const apacheArguments = ({ folder, config }: ProxyPaths): readonly string[] => [
  '-f',
  config,
  ...['DefaultRuntimeDir', 'PidFile', 'ErrorLog'].flatMap((name) => [
    '-c',
    `${name} ${name === 'DefaultRuntimeDir' ? folder : join(folder, name)}`,
  ]),
];

export const apacheProgram: ProxyProgram = {
  name: 'apache',
  file: '/usr/sbin/apache2',
  arguments: (paths) => [...apacheArguments(paths), '-DFOREGROUND'],
  reload: (paths) => [...apacheArguments(paths), '-k', 'graceful'],
};

/** With a configuration in its own form, which says its admin address itself. */
export const caddyJsonProgram: ProxyProgram = {
  name: 'caddy',
  file: '/usr/bin/caddy',
  arguments: ({ config }) => ['run', '--config', config],
  reload: ({ config, adminPort }) => ['reload', '--config', config, '--address', `127.0.0.1:${adminPort}`],
  environment: ({ folder }) => ({ HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }),
};

/**
 * `config` says the whole configuration. The folder can be read by everybody, as one in /etc can. `by`: the command that
 * starts its programs where they are to be: `['taskset', '-c', '1']`.
 */
export async function startProxy(
  program: ProxyProgram,
  config: (paths: ProxyPaths) => string | Promise<string>,
  by: readonly string[] = [],
): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), `${program.name}-`));
  await chmod(folder, 0o755);
  const paths: ProxyPaths = {
    folder,
    config: join(folder, 'proxy.conf'),
    flagsDir: join(folder, 'flags'),
    port: await freePort(),
    probePort: await freePort(),
    adminPort: await freePort(),
  };
  await mkdir(paths.flagsDir);
  await writeFile(paths.config, `${program.preface?.(paths) ?? ''}${await config(paths)}`);
  let output = '';
  let child: ChildProcess | undefined;
  const run = (args: readonly string[]): ChildProcess => {
    const [file = program.file, ...before] = [...by, program.file];
    const started = spawn(file, [...before, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...program.environment?.(paths) },
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-20_000);
      });
    }
    return started;
  };
  const until = async (isThere: () => Promise<boolean>, what: string): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (!(await isThere())) {
      if (Date.now() > deadline) throw new Error(`${program.name}: ${what} did not come to be\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const start = async (): Promise<void> => {
    const started = run(program.arguments(paths));
    child = started;
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`${program.name} ended\n${output}`);
      return (await isOpen(paths.port)) && (await isOpen(paths.probePort));
    }, 'an open port');
  };
  const kill9 = async (): Promise<void> => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    // A process group of its own: its workers go with it.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
    await until(async () => !(await isOpen(paths.port)), 'the end of its workers');
  };
  /** Asked first: Apache that is killed leaves its shared memory behind on the machine. */
  const end = async (): Promise<void> => {
    const running = child;
    if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGTERM');
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    }
    await kill9();
  };
  try {
    await start();
  } catch (error) {
    await kill9();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    paths,
    start,
    kill9,
    async reload() {
      const told = run(program.reload(paths));
      const code = await new Promise((resolve) => told.once('exit', resolve));
      if (code !== 0) throw new Error(`${program.name} does not reload\n${output}`);
    },
    rewrite: (text) => writeFile(paths.config, `${program.preface?.(paths) ?? ''}${text}`),
    async [Symbol.asyncDispose]() {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

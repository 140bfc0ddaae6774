/** A real HAProxy in master-worker mode, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const haproxy = '/usr/sbin/haproxy';
export const hasHaproxy = existsSync(haproxy);

export interface HaproxyPaths {
  readonly folder: string;
  readonly masterSocket: string;
  readonly mapFile: string;
  readonly probeSocket: string;
  readonly configFile: string;
  readonly serverStateFile: string;
  readonly port: number;
}

export interface RunningHaproxy extends AsyncDisposable {
  readonly paths: HaproxyPaths;
  /** One command on the master socket, as a person would type it. */
  master(command: string): Promise<string>;
  /** Process ids of the workers, the serving one last. */
  workers(): Promise<readonly number[]>;
  reload(): Promise<void>;
  /** SIGKILL to the master and all its workers, as the kernel would when memory is short. */
  kill9(): Promise<void>;
  start(): Promise<void>;
  log(): string;
}

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** `config` gets the paths and says the whole configuration. `by`: the command that starts it where it is to be. */
export async function startHaproxy(options: {
  readonly config: (paths: HaproxyPaths) => string;
  readonly map?: string;
  readonly withConfigFile?: boolean;
  readonly by?: readonly string[];
}): Promise<RunningHaproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'hap-'));
  const paths: HaproxyPaths = {
    folder,
    masterSocket: join(folder, 'master.sock'),
    mapFile: join(folder, 'edge.map'),
    probeSocket: join(folder, 'edge.probe.sock'),
    configFile: join(folder, 'edge.cfg'),
    serverStateFile: join(folder, 'edge.servers'),
    port: await freePort(),
  };
  const main = join(folder, 'haproxy.cfg');
  await writeFile(paths.mapFile, options.map ?? '');
  await writeFile(main, options.config(paths));
  if (options.withConfigFile === true) await writeFile(paths.configFile, '');
  let output = '';
  let child: ChildProcess | undefined;

  const master = async (command: string): Promise<string> => {
    const socket = connect({ path: paths.masterSocket });
    socket.end(`${command}\n`);
    return text(socket);
  };
  const workers = async (): Promise<readonly number[]> =>
    [...(await master('show proc')).matchAll(/^(\d+)\s+worker/gm)]
      .map(([, pid]) => Number(pid))
      .toSorted((a, b) => a - b);
  const until = async (isThere: () => Promise<boolean>, what: string): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (!(await isThere().catch(() => false))) {
      if (Date.now() > deadline) throw new Error(`HAProxy: ${what} did not come to be\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const start = async (): Promise<void> => {
    const [file = haproxy, ...before] = [...(options.by ?? []), haproxy];
    const started = spawn(
      file,
      [
        ...before,
        '-W',
        '-S',
        paths.masterSocket,
        '-f',
        main,
        ...(options.withConfigFile === true ? ['-f', paths.configFile] : []),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-20_000);
      });
    }
    await until(async () => {
      if (started.exitCode !== null) throw new Error('it ended');
      return (await workers()).length > 0;
    }, 'a worker');
  };
  const kill9 = async (): Promise<void> => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    // A process group of its own: its workers go with it.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
    await until(async () => !(await answers(paths.port)), 'the end of its workers');
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
    master,
    workers,
    start,
    kill9,
    async reload() {
      const before = new Set(await workers());
      await master('reload').catch(() => '');
      await until(async () => (await workers()).some((pid) => !before.has(pid)), 'a new worker');
    },
    log: () => output,
    async [Symbol.asyncDispose]() {
      await kill9();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

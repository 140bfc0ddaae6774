/**
 * A whole environment of real parts: OpenSSH hosts on loopback, a HAProxy that runs the configuration which
 * `deployctl snippet --full` printed, releases as archives, and the built program.
 *
 *   await using scene = await startScene();
 *   await scene.cli('apply', '--auto-approve');
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, type Program, programIn } from './program.ts';
import { type Fleet, type SshdHost, startSshd } from './sshd.ts';

export interface SceneOptions {
  readonly webHosts?: number;
  /** Replaces the whole service block; `default`: blue-green over process "exec". */
  readonly service?: (scene: Names) => string;
  readonly more?: string;
  /** Without a balancer nothing of HAProxy is started. */
  readonly balancer?: boolean;
  /** deployctl writes the pools. */
  readonly configFile?: boolean;
  /** The web hosts are labelled in turn with the zones a, b, c, ...: so many. */
  readonly zones?: number;
  /** What the operator changes in the configuration that `snippet --full` printed. */
  readonly adjust?: (config: string) => string;
}

export interface Names {
  readonly folder: string;
  readonly bluePort: number;
  readonly greenPort: number;
}

export interface Scene extends AsyncDisposable, Names, Program {
  readonly fleet: Fleet;
  readonly web: readonly SshdHost[];
  readonly lb: SshdHost;
  readonly environment: string;
  readonly port: number;
  /** Writes the configuration anew, with these options in place of those that the scene began with. */
  declare(options: Pick<SceneOptions, 'service' | 'more'>): void;
  /** Sets the `version` variable for the commands that follow, by the auto file. */
  setVersion(version: string): void;
  /** What a fresh request through the balancer is answered by; undefined: no answer, or not 200. */
  servedBy(): Promise<string | undefined>;
  readonly haproxy: {
    master(command: string): Promise<string>;
    kill9(): Promise<void>;
    start(): Promise<void>;
    /** Resolves when a new worker has taken over, and the old ones take no connection any more. */
    reload(): Promise<void>;
    readonly mapFile: string;
  };
}

export const versions = ['1.0.0', '2.0.0', '3.0.0-broken'];

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'dctl-'));
  chmodSync(folder, 0o755);
  const count = options.webHosts ?? 3;
  const names = ['lb-1', ...Array.from({ length: count }, (_, index) => `web-${index + 1}`)];
  const fleet = await startSshd({ hosts: names.length, names });
  const [lb, ...web] = fleet.hosts;
  if (lb === undefined) throw new Error('no hosts');
  const [port, bluePort, greenPort] = (await Promise.all([
    freePort('127.0.0.1'),
    freePort('127.0.0.1'),
    freePort('127.0.0.1'),
  ])) as [number, number, number];
  const paths: Names = { folder, bluePort, greenPort };
  const environment = join(folder, 'environments', 'prod');
  mkdirSync(environment, { recursive: true });
  mkdirSync(join(folder, 'proxy'));
  for (const version of versions) packRelease(folder, version);

  const withBalancer = options.balancer !== false;
  const declare = (instead: Pick<SceneOptions, 'service' | 'more'>): void =>
    writeFileSync(
      join(environment, 'prod.hcl'),
      configuration(fleet, lb, web, paths, { ...options, ...instead }, withBalancer),
    );
  declare({});
  const setVersion = (version: string): void =>
    writeFileSync(join(environment, 'version.auto.vars.hcl'), `version = "${version}"\n`);
  setVersion('1.0.0');

  const { cli, cliWith, start } = programIn(folder);

  const clearUp = async (): Promise<void> => {
    stopProcesses(fleet.folder);
    await fleet[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const starting = withBalancer ? startProxy(folder, port, cli, options) : undefined;
  const proxy = await starting?.catch(async (cause: unknown) => {
    await clearUp();
    throw cause;
  });
  return {
    ...paths,
    fleet,
    web,
    lb,
    environment,
    port,
    cli,
    cliWith,
    start,
    declare,
    setVersion,
    servedBy: () => servedBy(port),
    haproxy: proxy ?? noProxy,
    async [Symbol.asyncDispose]() {
      await proxy?.stop();
      await clearUp();
    },
  };
}

function configuration(
  fleet: Fleet,
  lb: SshdHost,
  web: readonly SshdHost[],
  names: Names,
  options: SceneOptions,
  withBalancer: boolean,
): string {
  const zoneOf = (host: SshdHost): string =>
    options.zones === undefined || host === lb
      ? ''
      : `\n  labels  = { zone = "${String.fromCharCode(97 + (web.indexOf(host) % options.zones))}" }`;
  const hosts = [lb, ...web]
    .map(
      (host) => `
ssh "${host.name}" {
  user          = "${host.user}"
  port          = ${host.port}
  identity_file = "${fleet.identityFile}"
  known_hosts   = "${fleet.knownHosts}"
  become        = "none"
  connect_timeout = "3s"
}
host "${host.name}" {
  address = "${host.address}"
  ssh     = ssh.${host.name}${zoneOf(host)}
}`,
    )
    .join('\n');
  const balancer = `
load_balancer "haproxy" "edge" {
  hosts         = [host.lb-1]
  master_socket = "${names.folder}/proxy/master.sock"
  map_file      = "${names.folder}/proxy/edge.map"
  ${options.configFile === true ? `config_file   = "${names.folder}/proxy/edge.cfg"` : ''}
}`;
  return `variable "version" {
  type    = string
  default = "1.0.0"
}
${hosts}
${withBalancer ? balancer : ''}
release "shop" {
  version  = var.version
  artifact = "../../dist/shop-\${var.version}.tar.gz"
}
${(options.service ?? defaultService(web))(names)}
${options.more ?? ''}
`;
}

/** The hosts share this machine, and each has a home of its own: what is installed below ~ is in nobody else's way. */
export const defaultService =
  (
    web: readonly SshdHost[],
    more = '',
    strategy = 'strategy "blue_green" {\n    on_failure = "revert"\n  }',
  ) =>
  ({ bluePort, greenPort }: Names): string =>
    `
service "shop" {
  release = release.shop
  slot "blue" {
    hosts = [${web.map((host) => `host.${host.name}`).join(', ')}]
    port  = ${bluePort}
  }
  slot "green" {
    hosts = [${web.map((host) => `host.${host.name}`).join(', ')}]
    port  = ${greenPort}
  }
  install {
    root = "~/srv/shop"
    keep = 3
  }
  process "exec" {
    command      = ["${process.execPath}", "serve.mjs"]
    environment  = { HOST = host.address, PORT = slot.port }
    stop_timeout = "8s"
  }
  health "http" {
    path     = "/health"
    interval = "100ms"
    passes   = 2
    timeout  = "2s"
    deadline = "20s"
  }
  traffic "load_balancer" {
    load_balancer = load_balancer.edge
  }
  ${more}
  ${strategy}
}`;

/** Makes a release of its own: the service, and the version that it says. */
export function packRelease(folder: string, version: string): void {
  const from = join(folder, 'build', version);
  mkdirSync(from, { recursive: true });
  mkdirSync(join(folder, 'dist'), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'shop/serve.mjs'), join(from, 'serve.mjs'));
  writeFileSync(join(from, 'version'), `${version}\n`);
  execFileSync('tar', [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '-czf',
    join(folder, 'dist', `shop-${version}.tar.gz`),
    '-C',
    from,
    '.',
  ]);
}

async function startProxy(
  folder: string,
  port: number,
  cli: (...args: string[]) => Promise<Ended>,
  { configFile: withConfigFile = false, adjust = (printed) => printed }: SceneOptions,
) {
  const mapFile = join(folder, 'proxy/edge.map');
  closeSync(openSync(mapFile, 'a'));
  const snippet = await cli('snippet', 'prod', 'load_balancer.edge', '--full', '--bind', `127.0.0.1:${port}`);
  if (snippet.code !== 0) throw new Error(`snippet: ${snippet.stderr}`);
  const config = join(folder, 'proxy/haproxy.cfg');
  writeFileSync(config, adjust(snippet.stdout));
  const extra = withConfigFile ? ['-f', join(folder, 'proxy/edge.cfg')] : [];
  if (withConfigFile && !existsSync(join(folder, 'proxy/edge.cfg')))
    writeFileSync(join(folder, 'proxy/edge.cfg'), '');
  let child: ChildProcess | undefined;
  let log = '';
  const master = (command: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(join(folder, 'proxy/master.sock'));
      let answer = '';
      socket.on('connect', () => socket.end(`${command}\n`));
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const start = async (): Promise<void> => {
    child = spawn(
      '/usr/sbin/haproxy',
      ['-W', '-S', join(folder, 'proxy/master.sock'), '-f', config, ...extra],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    child.stdout?.on('data', (chunk) => {
      log += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    for (let turn = 0; turn < 200; turn += 1) {
      const isUp = await master('show proc').then(
        (answer) => answer.includes('worker'),
        () => false,
      );
      if (isUp && (await canConnect(port))) return;
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`haproxy does not start: ${log}\n${snippet.stdout}`);
  };
  const workers = async (): Promise<readonly number[]> =>
    (await master('show proc').catch(() => ''))
      .split('\n')
      .flatMap((line) => (/^\d+\s+worker/.test(line) ? [Number.parseInt(line, 10)] : []));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const pids = await workers();
    const gone = new Promise<void>((resolve) =>
      child === undefined || child.exitCode !== null || child.signalCode !== null
        ? resolve()
        : child.once('exit', () => resolve()),
    );
    child?.kill(signal);
    for (const pid of pids) kill(pid, signal);
    await gone;
    for (const pid of pids) kill(pid, 'SIGKILL');
  };
  await start();
  return {
    master,
    mapFile,
    start,
    kill9: () => end('SIGKILL'),
    async reload() {
      const before = await workers();
      await master('reload');
      const deadline = Date.now() + 60_000;
      // The master does not answer while it starts anew; its list names the old ones until they have gone.
      const old = async (): Promise<readonly number[]> => {
        const now = await workers();
        const listed = now.length === 0 ? before : before.filter((pid) => now.includes(pid));
        const isAccepting = await Promise.all(
          listed.map(
            async (pid) => !/^Stopping: 1$/m.test(await master(`@!${pid} show info`).catch(() => '')),
          ),
        );
        return listed.filter((_, index) => isAccepting[index]);
      };
      while ((await old()).length > 0) {
        if (Date.now() > deadline) throw new Error(`haproxy does not reload: ${log}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    stop: () => end('SIGTERM'),
  };
}

const noProxy: Scene['haproxy'] = {
  mapFile: '',
  master: () => Promise.reject(new Error('no balancer')),
  kill9: async () => {},
  start: async () => {},
  reload: async () => {},
};

/** Ends what the scene's hosts run. A supervisor may start something while it is being ended, so it is looked at again. */
function stopProcesses(folder: string): void {
  for (let turn = 0; turn < 20; turn += 1) {
    const pids = processesBelow(folder);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid, 'SIGKILL');
  }
}

/** Every process whose working folder is below it, by /proc. */
export function processesBelow(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readLink(`/proc/${pid}/cwd`)?.startsWith(`${folder}/`) === true)
    .map(Number);
}

/** Where it leads; undefined: it is not there (any more), or not ours to see. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended by itself
  }
}

export const freePort = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

async function servedBy(port: number): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).catch(
    () => undefined,
  );
  return answer?.status === 200 ? (answer.headers.get('x-served-by') ?? undefined) : undefined;
}

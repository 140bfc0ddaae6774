/** Bringing the lab up and down, and how it is. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Diagnostic, Outcome } from '../model/index.ts';
import { hostMark } from './hosts/command.ts';
import { supervised } from './hosts/supervised.ts';
import {
  balancerHost,
  controlSocket,
  dnsPort,
  dnsZone,
  hostAddress,
  hostFolder,
  type LabPlace,
  labHosts,
  logFile,
  runningFile,
  sshPort,
  trafficFile,
  trafficPort,
} from './layout.ts';
import {
  end,
  identify,
  isAlive,
  type ProcessIdentity,
  processesMarked,
  processesWithin,
} from './process-identity.ts';
import type { TrafficFigures } from './traffic/figures.ts';

/** What `lab.json` says. */
interface Running {
  readonly network: string;
  readonly hosts: ProcessIdentity;
  readonly edge: ProcessIdentity;
  readonly traffic: (ProcessIdentity & { readonly rate: number }) | undefined;
}

export interface LabStatus {
  readonly folder: string;
  readonly up: boolean;
  readonly network: string;
  readonly hosts: readonly { readonly name: string; readonly address: string; readonly port: number }[];
  readonly url: string;
  readonly dns: { readonly address: string; readonly port: number; readonly zone: string };
  readonly traffic: { readonly running: boolean; readonly figures: TrafficFigures } | undefined;
}

export interface UpOptions {
  readonly place: LabPlace;
  /** Requests a second; undefined: no traffic of its own. Live traffic at another rate is replaced. */
  readonly traffic: number | undefined;
}

const readyWithinMs = 20_000;
/** Longer than the traffic waits for its last answers. */
const endWithinMs = 35_000;

/** Starts what is not running yet; resolves when hosts, balancer, DNS server and traffic are at work. */
export async function labUp({ place, traffic }: UpOptions): Promise<Outcome<LabStatus>> {
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const before = runningIn(place.folder);
  if (before !== undefined && isUp(before)) {
    if (before.network !== place.network) {
      return refuse({
        code: 'lab-network-differs',
        summary: 'The lab is up on another network',
        detail: `It uses ${before.network}, and ${place.network} was asked for.`,
        hint: 'Run "deployctl lab down" first.',
      });
    }
  } else {
    await endLeftovers(place.folder, before);
    // What the traffic of an earlier lab saw would be told as this one's.
    rmSync(trafficFile(place.folder), { force: true });
    const refused = await startBoth(place);
    if (refused !== undefined) return refuse(refused);
  }
  if (traffic !== undefined) {
    const refused = await trafficUp(place, traffic);
    if (refused !== undefined) return refuse(refused);
  }
  return { ok: true, value: labStatus(place), diagnostics: [] };
}

const isUp = ({ hosts, edge }: Running): boolean => isAlive(hosts) && isAlive(edge);

/** The hosts first: the balancer's folder is one of theirs. Nothing is left of them where either does not start. */
async function startBoth(place: LabPlace): Promise<Omit<Diagnostic, 'severity'> | undefined> {
  const hosts = await start(new URL('./hosts/hosts-process.ts', import.meta.url), place, place.folder);
  if (!hosts.ok) return notStarted(place, hosts);
  const edge = await start(new URL('./edge-process.ts', import.meta.url), place, place.folder);
  if (!edge.ok) {
    await end(hosts.identity, endWithinMs);
    return notStarted(place, edge);
  }
  write(place.folder, {
    network: place.network,
    hosts: hosts.identity,
    edge: edge.identity,
    traffic: undefined,
  });
  return undefined;
}

async function trafficUp(place: LabPlace, rate: number): Promise<Omit<Diagnostic, 'severity'> | undefined> {
  const lab = runningIn(place.folder);
  if (lab === undefined) throw new Error('the lab went down while it was brought up');
  const running = lab.traffic;
  if (running !== undefined && isAlive(running)) {
    if (running.rate === rate) return undefined;
    await end(running, endWithinMs);
  }
  const options = {
    file: trafficFile(place.folder),
    address: hostAddress(place, balancerHost),
    port: trafficPort,
    host: 'shop.lab.test',
    rate,
  };
  const started = await start(
    new URL('./traffic/traffic-process.ts', import.meta.url),
    options,
    place.folder,
  );
  if (!started.ok) {
    return {
      code: 'lab-traffic-not-started',
      summary: 'The traffic of the lab did not start',
      detail: `${started.message}. The hosts and the load balancer are up.`,
      hint: `Its log is ${logFile(place.folder)}.`,
    };
  }
  write(place.folder, { ...lab, traffic: { ...started.identity, rate } });
  return undefined;
}

/** Ends the lab, its traffic and what its hosts run: only processes that are provably its own. */
export async function labDown(
  folder: string,
  options: { readonly wipe: boolean },
): Promise<{ readonly ended: number; readonly figures: TrafficFigures | undefined }> {
  const running = runningIn(folder);
  const ended = await endLeftovers(folder, running);
  const figures = figuresIn(folder);
  if (running !== undefined) {
    rmSync(dirname(controlSocket({ folder, network: running.network })), { recursive: true, force: true });
  }
  rmSync(runningFile(folder), { force: true });
  if (options.wipe) rmSync(folder, { recursive: true, force: true });
  return { ended, figures };
}

/** How it is, looked at afresh. */
export function labStatus({ folder, network }: LabPlace): LabStatus {
  const running = runningIn(folder);
  const place: LabPlace = { folder, network: running?.network ?? network };
  const figures = figuresIn(folder);
  return {
    folder,
    up: running !== undefined && isUp(running),
    network: place.network,
    hosts: labHosts.map(({ name }) => ({ name, address: hostAddress(place, name), port: sshPort })),
    dns: { address: hostAddress(place, balancerHost), port: dnsPort, zone: dnsZone },
    url: `http://${hostAddress(place, balancerHost)}:${trafficPort}/`,
    traffic:
      figures === undefined
        ? undefined
        : { running: running?.traffic !== undefined && isAlive(running.traffic), figures },
  };
}

/** Traffic first, then the balancer: neither counts a failure that is only the end of the lab. */
async function endLeftovers(folder: string, running: Running | undefined): Promise<number> {
  let ended = 0;
  for (const identity of [running?.traffic, running?.edge, running?.hosts]) {
    if (identity === undefined || !isAlive(identity)) continue;
    await end(identity, endWithinMs);
    ended += 1;
  }
  const folders = labHosts.map(({ name }) => hostFolder(folder, name));
  const left = [
    ...folders.flatMap(supervised),
    ...processesMarked(hostMark, new Set(folders)),
    ...processesWithin(folders.filter((each) => existsSync(each)).map((each) => realpathSync(each))),
  ];
  await Promise.all(left.map((identity) => end(identity, endWithinMs)));
  return ended + left.length;
}

type Started =
  | { readonly ok: true; readonly identity: ProcessIdentity }
  | { readonly ok: false; readonly message: string; readonly code: string | undefined };

/** Starts a file of ours detached, with its output in the log, and waits until it says that it is ready. */
function start(file: URL, argument: unknown, folder: string): Promise<Started> {
  const log = openSync(logFile(folder), 'a', 0o600);
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(file), JSON.stringify(argument)], {
    detached: true,
    cwd: folder,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return new Promise((resolve) => {
    const settle = (result: Started): void => {
      clearTimeout(late);
      child.removeAllListeners();
      if (child.connected) child.disconnect();
      child.unref();
      resolve(result);
    };
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      settle({ ok: false, message: `not ready within ${readyWithinMs / 1000} s`, code: undefined });
    }, readyWithinMs);
    child.on(
      'message',
      (message: { readonly ready: boolean; readonly message?: string; readonly code?: string }) => {
        const identity = child.pid === undefined ? undefined : identify(child.pid);
        if (message.ready && identity !== undefined) settle({ ok: true, identity });
        else settle({ ok: false, message: message.message ?? 'it ended at once', code: message.code });
      },
    );
    child.on('error', (error) => settle({ ok: false, message: error.message, code: undefined }));
    child.on('exit', (code) => settle({ ok: false, message: `it ended with code ${code}`, code: undefined }));
  });
}

function notStarted(
  place: LabPlace,
  { message, code }: { readonly message: string; readonly code: string | undefined },
): Omit<Diagnostic, 'severity'> {
  const other = place.network === '127.7.1' ? '127.7.2' : '127.7.1';
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `Another lab, or something else, is there. Take other addresses: "deployctl lab up --network ${other}", and "--var network=${other}" with plan and apply.`,
    EADDRNOTAVAIL: `This system gives ${place.network}.* to the loopback interface only when asked: for each number from 10 to 13, "sudo ifconfig lo0 alias ${place.network}.10".`,
  };
  return {
    code: 'lab-not-started',
    summary: 'The lab did not start',
    detail: `${message}. Nothing of it is left running.`,
    hint: hints[code ?? ''] ?? `Its log is ${logFile(place.folder)}.`,
  };
}

const refuse = (diagnostic: Omit<Diagnostic, 'severity'>): Outcome<never> => ({
  ok: false,
  diagnostics: [{ severity: 'error', ...diagnostic }],
});

function runningIn(folder: string): Running | undefined {
  return readJson<Running>(runningFile(folder));
}

const figuresIn = (folder: string): TrafficFigures | undefined =>
  readJson<TrafficFigures>(trafficFile(folder));

function readJson<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined; // half of a file of ours that a power cut left: as if it were not there
  }
}

function write(folder: string, running: Running): void {
  const file = runningFile(folder);
  writeFileSync(`${file}.next`, `${JSON.stringify(running)}\n`, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

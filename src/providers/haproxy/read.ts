/** One look at HAProxy on one host: every worker through the master socket, and the map file. */
import type { Address } from '../../model/index.ts';
import { refusal, stopIfAborted } from '../balancer/failure.ts';
import type { HostFiles } from '../balancer/host-files.ts';
import type { HostReading, WorkerReading } from '../balancer/reading.ts';
import {
  type Processes,
  type ProcessRow,
  parseMapFile,
  parsePools,
  parseProcesses,
  parseShownMap,
} from './parse.ts';
import { toWorker } from './render.ts';
import type { HaproxySettings } from './settings.ts';
import type { MasterSocket } from './socket.ts';

/** One host of the balancer, ready to be asked. */
export interface HaproxyHost {
  readonly host: string;
  readonly balancer: Address;
  readonly name: string;
  /** Whether it has routes at all: without, its configuration needs no map. */
  readonly hasRoutes: boolean;
  /** Whether servers of it are found by DNS. */
  readonly followsNames: boolean;
  readonly settings: HaproxySettings;
  readonly master: MasterSocket;
  readonly files: HostFiles;
}

/** A worker may end, or a new one start, between two questions; then the look is taken again. */
const tries = 5;

/** Reads the processes of the master. Throws when no worker is shown: without one nothing can be seen or told. */
export async function readProcesses(
  { balancer, host, master, settings }: HaproxyHost,
  signal: AbortSignal,
): Promise<Processes> {
  const [answer] = await master.ask(['show proc'], { signal, changes: false });
  const processes = parseProcesses(answer ?? '');
  if (processes === undefined) {
    throw refusal({
      code: 'balancer-not-a-master',
      summary: 'The socket is not a master socket of HAProxy',
      detail: `${settings.masterSocket} on ${host} did not answer \`show proc\` with a list of processes.`,
      hint: `Start HAProxy with \`-W -S ${settings.masterSocket}\`; a \`stats socket\` is another thing.`,
      address: balancer,
    });
  }
  if (!processes.workers.some(({ serving }) => serving)) {
    throw refusal({
      code: 'balancer-workers-hidden',
      summary: "HAProxy's master does not show its worker",
      detail: `The master ${processes.master} of HAProxy on ${host} lists no worker; ${processes.failedReloads} reloads have failed. Traffic may go on, but no worker can be told anything.`,
      hint: 'Mend the configuration (`haproxy -c -f …` says what is wrong) and reload HAProxy.',
      address: balancer,
    });
  }
  return processes;
}

export type Workers = HostReading['workers'];

/** Everything about one host. */
export async function readHost(target: HaproxyHost, signal: AbortSignal): Promise<HostReading> {
  const { settings, files } = target;
  const [workers, mapText] = await Promise.all([
    readRuntime(target, signal),
    files.read(settings.mapFile, signal),
  ]);
  return readingOf(target, workers, mapText);
}

/** What workers and the map file come to; undefined: there is no such file. */
export const readingOf = (
  { host, settings }: HaproxyHost,
  workers: Workers,
  mapText: string | undefined,
): HostReading => ({
  host,
  workers,
  persistedText: mapText,
  persisted: parseMapFile(mapText ?? ''),
  persistedIn: settings.mapFile,
});

/** Its workers alone, the serving one first. Those that ended meanwhile are left out. */
export async function readRuntime(target: HaproxyHost, signal: AbortSignal): Promise<Workers> {
  for (let attempt = 1; ; attempt += 1) {
    stopIfAborted(signal, `reading ${target.balancer}`);
    const { workers: rows } = await readProcesses(target, signal);
    const [first, ...rest] = await readWorkers(target, rows, signal);
    if (first?.serving === true) return [first, ...rest];
    if (attempt === tries) {
      throw refusal({
        code: 'balancer-unsteady',
        summary: 'HAProxy is being restarted all the time',
        detail: `The serving worker of HAProxy on ${target.host} ended ${tries} times while it was read.`,
        hint: 'See its log for why it ends.',
        address: target.balancer,
      });
    }
  }
}

async function readWorkers(
  target: HaproxyHost,
  rows: readonly ProcessRow[],
  signal: AbortSignal,
): Promise<readonly WorkerReading[]> {
  const { master } = target;
  const questions = questionsFor(target);
  const ordered = rows.toSorted((a, b) => Number(b.serving) - Number(a.serving) || b.pid - a.pid);
  const workers = await Promise.all(
    // A line for each worker, because an answer that is missing would shift those of the others.
    ordered.map(async (row) => {
      const asked = questions.map((question) => toWorker(row.pid, question));
      return readWorker(target, row, await master.ask(asked, { signal, changes: false }));
    }),
  );
  return workers.filter((worker) => worker !== undefined);
}

/** What each worker is asked. */
export const questionsFor = ({ settings, followsNames }: HaproxyHost): readonly string[] => [
  `show map ${settings.mapFile}`,
  'show servers state',
  'show stat',
  ...(followsNames ? ['show servers conn'] : []),
];

/** What it answered to {@link questionsFor}; undefined: it ended meanwhile. */
export function readWorker(
  target: HaproxyHost,
  { pid, serving }: ProcessRow,
  [map, servers, stat, connections]: readonly (string | undefined)[],
): WorkerReading | undefined {
  if (map === undefined || servers === undefined || stat === undefined) return undefined;
  // A generation that was loaded before the proxy decided by this map is not asked for routes, but counts for drains.
  const isUnknownMap = map.startsWith('Unknown map identifier');
  if (isUnknownMap && serving && target.hasRoutes) throw mapNotUsed(target);
  return {
    name: `worker ${pid}`,
    id: String(pid),
    serving,
    routes: isUnknownMap ? undefined : parseShownMap(map),
    pools: parsePools(stat, servers, connections),
  };
}

const mapNotUsed = ({ host, settings, balancer }: HaproxyHost) =>
  refusal({
    code: 'balancer-snippet-missing',
    summary: 'The load balancer does not decide by the routes of deployctl',
    detail: `The configuration that HAProxy on ${host} runs with does not use the map ${settings.mapFile}.`,
    hint: `Add what this prints to its configuration, and reload it:  deployctl snippet ENV ${balancer}`,
    address: balancer,
  });

/**
 * A proxy that decides by one file of whole decisions, and says by its probe which one it decides by. Some read it for
 * each request; others must be told that it changed.
 */
import type { BalancerDeclared, Context, Diagnostic, RouteValue } from '../../../model/index.ts';
import type { HostChannel, HostChannels } from '../../../transport/channel.ts';
import type { BalancerDriver, RouteWrite } from '../driver.ts';
import { refusal } from '../failure.ts';
import { type HostFiles, hostFiles } from '../host-files.ts';
import type { HostReading, PoolReading, RouteCell, WorkerReading } from '../reading.ts';
import { parseCell } from './cell.ts';
import { lookAtMembers, poolReadings } from './pools.ts';
import { type ProbePlace, probe, sampleProbe } from './probe.ts';
import { readProbeAddress } from './settings.ts';

/** What differs between such proxies. */
export interface RouteFile {
  /** As people write it: `nginx`. */
  readonly program: string;
  readonly path: string;
  parse(text: string): ReadonlyMap<string, RouteCell>;
  withRoute(text: string, route: string, to: RouteValue | null): string;
  /** What follows a new text, for a proxy that does not look by itself; undoes the text where it can be sure. */
  load?(at: LoadPlace, cx: Context): Promise<void>;
  /** Process ids of workers that only finish what they have begun. */
  retiring?(channel: HostChannel, signal: AbortSignal): Promise<readonly number[]>;
  /** What would make a load fail, for `doctor`. */
  check?(channel: HostChannel, signal: AbortSignal): Promise<readonly Diagnostic[]>;
}

export interface LoadPlace {
  readonly channel: HostChannel;
  readonly place: ProbePlace;
  readonly files: HostFiles;
  /** The text before; undefined: there was no file. */
  readonly was: string | undefined;
  /** The text that is there now. */
  readonly wanted: string;
}

export function fileDriver(
  declared: BalancerDeclared,
  channels: HostChannels,
  file: RouteFile,
): BalancerDriver {
  const { address: balancer, name, pools, routes } = declared;
  const place: ProbePlace = { balancer, name, program: file.program, ...readProbeAddress(declared) };
  const asked = routes.length === 0 ? [{ route: name }] : routes.map(({ route }) => ({ route }));
  const filesOf = (channel: HostChannel) => hostFiles(channel, balancer);

  async function read(host: string, signal: AbortSignal): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    const [retiring, answers, text, looks] = await Promise.all([
      file.retiring?.(channel, signal) ?? [],
      probe(channel, place, asked, signal),
      filesOf(channel).read(file.path, signal),
      lookAtMembers(channel, pools, signal),
    ]);
    const [first] = answers;
    if (first === undefined) throw new Error('a probe without an answer');
    const running = new Map<string, RouteCell>();
    for (const [index, { cell }] of answers.entries()) {
      const route = routes[index]?.route;
      if (route !== undefined && cell !== '') running.set(route, parseCell(cell));
    }
    const known = poolReadings(pools, first.pools, looks);
    return {
      host,
      workers: [
        { id: file.program, name: file.program, serving: true, routes: running, pools: known },
        ...retiring.map((pid) => retiringWorker(pid, known)),
      ],
      persisted: file.parse(text ?? ''),
      persistedText: text,
      persistedIn: file.path,
    };
  }

  async function writeRoute(
    host: string,
    { route, to, reading }: RouteWrite,
    cx: Context,
  ): Promise<undefined> {
    const channel = await channels.to(host, cx.signal);
    const files = filesOf(channel);
    const was = reading.persistedText;
    const wanted = file.withRoute(was ?? '', route, to);
    await files.replace(file.path, was, wanted, cx.signal);
    await file.load?.({ channel, place, files, was, wanted }, cx);
    return undefined;
  }

  return {
    read,
    readConfig: async () => undefined,
    async sample(host, ask, signal) {
      return sampleProbe(await channels.to(host, signal), place, ask, signal);
    },
    async locked(host, cx, body) {
      return filesOf(await channels.to(host, cx.signal)).locked(file.path, cx, () => body(undefined));
    },
    writeRoute,
    async writeMember() {
      throw new Error(`${balancer} cannot take a member out`);
    },
    async persistMembers() {
      // None is ever taken out.
    },
    async configure() {
      throw new Error(`${balancer} has no configuration file`);
    },
    async check(host, signal) {
      const channel = await channels.to(host, signal);
      const complaint = await filesOf(channel).mayReplace(file.path, signal);
      const text = await filesOf(channel).read(file.path, signal);
      return [
        ...(complaint === undefined ? [] : [complaint]),
        ...(text === undefined ? [missingFile(host)] : []),
        ...((await file.check?.(channel, signal)) ?? []),
      ];
    },
  };

  function missingFile(host: string): Diagnostic {
    return refusal({
      code: 'balancer-file-failed',
      summary: 'The file of the load balancer is not there',
      detail: `${file.path} on ${host} does not exist: ${file.program} would not start with it.`,
      hint: `touch ${file.path}`,
      address: balancer,
    }).diagnostic;
  }
}

/**
 * It finishes requests that it has begun to read, and decides them by the configuration of before: until it is gone, no
 * pool without open connections is known to stay without. Which of them its connections belong to, nobody tells.
 */
function retiringWorker(pid: number, known: ReadonlyMap<string, PoolReading>): WorkerReading {
  const name = `worker ${pid}`;
  const undecided = { admin: 'ready' as const, up: true, settled: true, sessions: 1, check: '' };
  return {
    id: String(pid),
    name,
    serving: false,
    routes: undefined,
    pools: new Map(
      [...known].map(([pool, { sessions }]): readonly [string, PoolReading] => [
        pool,
        sessions > 0
          ? { sessions: 0, requests: 0, failed: 0, members: new Map() }
          : { sessions: 1, requests: 0, failed: 0, members: new Map([[name, undecided]]) },
      ]),
    ),
  };
}

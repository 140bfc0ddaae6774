/**
 * A proxy that decides by one file of whole decisions, and says by its probe which one it decides by. Some read it for
 * each request; others must be told that it changed.
 */
import type { BalancerDeclared, Context, Diagnostic, RouteValue } from '../../../model/index.ts';
import type { HostChannel, HostChannels } from '../../../transport/channel.ts';
import type { BalancerDriver, RouteWrite } from '../driver.ts';
import { refusal, whileChanging } from '../failure.ts';
import { fileLook, type HostFiles, hostFiles } from '../host-files.ts';
import { type Following, inTurn } from '../host-scripts.ts';
import type { HostReading, PoolReading, RouteCell, WorkerReading } from '../reading.ts';
import type { SampleAsk } from '../sampling.ts';
import { parseCell } from './cell.ts';
import { type Look, type Looked, lookAt } from './look.ts';
import type { ProbePlace } from './probe.ts';
import { changesRoutesOnly, readsByOneLook } from './probed-driver.ts';
import { readProbeAddress } from './settings.ts';

/** What differs between such proxies. */
export interface RouteFile {
  /** As people write it: `nginx`. */
  readonly program: string;
  readonly path: string;
  parse(text: string): ReadonlyMap<string, RouteCell>;
  withRoute(text: string, route: string, to: RouteValue | null): string;
  /** For a proxy that does not look by itself. */
  readonly loading?: Loading;
}

/** How a proxy is told of a new text, and which of its workers still have the one before. */
export interface Loading {
  /** What follows a new text, call by call; undoes the text where it can be sure. */
  load(at: LoadPlace, cx: Context): Promise<void>;
  /**
   * The same in the exchange that writes the text: prints what `loaded` reads. undefined: too little is known of the
   * process that was seen under the lock.
   */
  together(channel: HostChannel, printed: ReadonlyMap<string, string>): Following | undefined;
  /** Whether it was loaded; else `load` follows. */
  loaded(printed: ReadonlyMap<string, string>): boolean;
  /** Prints what `seen` reads: the processes. */
  readonly look: Following;
  /** Process ids of workers that only finish what they have begun. */
  retiring(
    channel: HostChannel,
    printed: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
  /** What would make a load fail, for `doctor`. */
  check(channel: HostChannel, signal: AbortSignal): Promise<readonly Diagnostic[]>;
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

  /** What was seen of its processes: a write follows a look. */
  const printedFor = new WeakMap<HostReading, Looked['own']>();

  const lookOn = (channel: HostChannel, asks: readonly SampleAsk[]): Look =>
    lookAt({
      channel,
      place,
      pools,
      probes: asked,
      asks,
      own: inTurn(fileLook(file.path), file.loading?.look),
    });

  async function readingOf(channel: HostChannel, looked: Looked, signal: AbortSignal): Promise<HostReading> {
    const { own, answers, sampled, pools: known } = looked;
    const running = new Map<string, RouteCell>();
    for (const [index, { cell }] of answers.entries()) {
      const route = routes[index]?.route;
      if (route !== undefined && cell !== '') running.set(route, parseCell(cell));
    }
    // A newline was added, so that what follows begins on a line of its own.
    const text = own.get('file')?.slice(0, -1);
    const retiring = (await file.loading?.retiring(channel, own, signal)) ?? [];
    const reading: HostReading = {
      host: channel.host,
      workers: [
        { id: file.program, name: file.program, serving: true, routes: running, pools: known },
        ...retiring.map((pid) => retiringWorker(pid, known)),
      ],
      persisted: file.parse(text ?? ''),
      persistedText: text,
      persistedIn: file.path,
      sampled,
    };
    printedFor.set(reading, own);
    return reading;
  }

  async function writeRoute(
    host: string,
    { route, to, reading, asks }: RouteWrite,
    cx: Context,
  ): Promise<HostReading | undefined> {
    const channel = await channels.to(host, cx.signal);
    const files = filesOf(channel);
    const was = reading.persistedText;
    const wanted = file.withRoute(was ?? '', route, to);
    const { loading } = file;
    const look = lookOn(channel, asks);
    const load = loading?.together(channel, printedFor.get(reading) ?? new Map());
    // What cannot be loaded in the same exchange is not looked at in it either.
    const following = loading === undefined ? look.following : load && inTurn(load, look.following);
    const output = await files.replace(file.path, was, wanted, cx.signal, following);
    if (output !== undefined && loading?.loaded(look.printed(output)) !== false) {
      return whileChanging(async () => readingOf(channel, await look.finish(output, cx.signal), cx.signal));
    }
    await loading?.load({ channel, place, files, was, wanted }, cx);
    return undefined;
  }

  return {
    ...readsByOneLook({ channels, place, file: file.path, lookOn, readingOf }),
    ...changesRoutesOnly(balancer),
    writeRoute,
    async check(host, signal) {
      const channel = await channels.to(host, signal);
      const complaint = await filesOf(channel).mayReplace(file.path, signal);
      const text = await filesOf(channel).read(file.path, signal);
      return [
        ...(complaint === undefined ? [] : [complaint]),
        ...(text === undefined ? [missingFile(host)] : []),
        ...((await file.loading?.check(channel, signal)) ?? []),
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
        sessions === undefined || sessions > 0
          ? { sessions: sessions && 0, requests: 0, failed: 0, members: new Map() }
          : { sessions: 1, requests: 0, failed: 0, members: new Map([[name, undecided]]) },
      ]),
    ),
  };
}

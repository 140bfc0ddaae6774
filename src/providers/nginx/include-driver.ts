/**
 * nginx by a file that it includes, and a reload. An exit code says nothing here: `nginx -s reload` ends well with the
 * old configuration in effect, and for about 0.1 s workers of both answer. So a switch counts when every worker that was
 * there before takes no more requests, and fresh requests are answered by the file's own number.
 */
import { type BalancerDeclared, type Context, ProviderFailure } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver, RouteWrite } from '../balancer/driver.ts';
import { mishap, refusal, stopIfAborted, whileChanging } from '../balancer/failure.ts';
import { hostFiles } from '../balancer/host-files.ts';
import { parseCell } from '../balancer/probed/cell.ts';
import { lookAtMembers, poolReadings } from '../balancer/probed/pools.ts';
import { type ProbePlace, probe, sampleProbe } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import type { HostReading, PoolReading, RouteCell, WorkerReading } from '../balancer/reading.ts';
import { parseInclude, withRoute } from './include-file.ts';
import { nginxMaster } from './master.ts';
import { readIncludeSettings } from './settings.ts';

/** A large configuration takes seconds to load; one that cannot take a port is tried for 2.5 s by nginx itself. */
const loadMs = 20_000;
const pollMs = 30;

export function includeDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const { includeFile, pidFile } = readIncludeSettings(declared);
  const { address: balancer, name, pools, routes } = declared;
  const place: ProbePlace = { balancer, name, program: 'nginx', ...readProbeAddress(declared) };
  const asked = routes.length === 0 ? [{ route: name }] : routes.map(({ route }) => ({ route }));
  const filesOf = (channel: HostChannel) => hostFiles(channel, balancer);
  const masterOf = (channel: HostChannel) => nginxMaster(channel, pidFile, balancer);

  async function read(host: string, signal: AbortSignal): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    const [{ retiring }, answers, text, looks] = await Promise.all([
      masterOf(channel).read(signal),
      probe(channel, place, asked, signal),
      filesOf(channel).read(includeFile, signal),
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
        { id: 'nginx', name: 'nginx', serving: true, routes: running, pools: known },
        ...retiring.map((pid) => retiringWorker(pid, known)),
      ],
      persisted: parseInclude(text ?? '').routes,
      persistedText: text,
      persistedIn: includeFile,
    };
  }

  async function writeRoute(host: string, { route, to, reading }: RouteWrite, cx: Context): Promise<void> {
    const channel = await channels.to(host, cx.signal);
    const files = filesOf(channel);
    const master = masterOf(channel);
    const was = reading.persistedText;
    const wanted = withRoute(was ?? '', route, to);
    const before = await master.read(cx.signal);
    await files.replace(includeFile, was, wanted, cx.signal);
    try {
      await master.reload(before, cx.signal);
    } catch (error) {
      // Nothing was loaded: what a restart would bring must not differ from what runs.
      const isRefused = error instanceof ProviderFailure && error.effect === 'none';
      if (isRefused) await whileChanging(() => files.replace(includeFile, wanted, was, cx.signal));
      throw error;
    }
    await whileChanging(async () => {
      const left = await untilLoaded(channel, before.serving, parseInclude(wanted).revision, cx);
      if (left === undefined) return;
      // All are still there: nothing was loaded, and the file must not wait for somebody else's reload.
      const isUntouched = left.length === before.serving.length;
      if (isUntouched) await files.replace(includeFile, wanted, was, cx.signal);
      throw notLoaded(host, left, isUntouched);
    });
  }

  /**
   * Until no worker of before takes requests, and the new ones decide by this very file. At the deadline it gives those
   * that still do.
   */
  async function untilLoaded(
    channel: HostChannel,
    before: readonly number[],
    revision: string,
    cx: Context,
  ): Promise<readonly number[] | undefined> {
    const deadline = cx.clock.now() + loadMs;
    for (;;) {
      const { serving } = await masterOf(channel).read(cx.signal);
      const left = serving.filter((pid) => before.includes(pid));
      if (left.length === 0 && serving.length > 0) {
        const answers = await probe(channel, place, asked.slice(0, 1), cx.signal);
        const [seen] = answers;
        if (seen?.revision === revision) return undefined;
      }
      stopIfAborted(cx.signal, 'waiting for nginx to load its configuration');
      if (cx.clock.now() >= deadline) return left;
      await cx.clock.sleep(pollMs, cx.signal);
    }
  }

  const notLoaded = (host: string, left: readonly number[], isPutBack: boolean) =>
    mishap({
      code: 'reload-failed',
      summary: 'nginx did not load its configuration',
      detail: `${loadMs / 1000} s after nginx on ${host} was told to reload, ${left.length === 0 ? `its workers do not decide by ${includeFile}` : `${left.length} of its workers (${left.join(', ')}) still serve with the configuration before`}. ${isPutBack ? 'The file was put back.' : 'The file holds the new value, and a later reload would bring it.'}`,
      hint: "nginx's error log says why. Then plan again: what runs and what is in the file will be shown.",
      address: balancer,
    });

  return {
    read,
    readConfig: async () => undefined,
    async sample(host, ask, signal) {
      return sampleProbe(await channels.to(host, signal), place, ask, signal);
    },
    async locked(host, cx, body) {
      return filesOf(await channels.to(host, cx.signal)).locked(includeFile, cx, body);
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
      const complaint = await filesOf(channel).mayReplace(includeFile, signal);
      await masterOf(channel).mayReload(signal);
      const text = await filesOf(channel).read(includeFile, signal);
      return [
        ...(complaint === undefined ? [] : [complaint]),
        ...(text === undefined ? [noFile(host).diagnostic] : []),
      ];
    },
  };

  function noFile(host: string) {
    return refusal({
      code: 'balancer-file-failed',
      summary: 'The file that nginx includes is not there',
      detail: `${includeFile} on ${host} does not exist: nginx would not start with it.`,
      hint: `touch ${includeFile}`,
      address: balancer,
    });
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

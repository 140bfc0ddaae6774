/**
 * nginx that follows names: nothing of it is ever written, it is only seen to follow. What is remembered of a name is
 * each worker's own, and one answer of DNS is taken whole: so an address of a slot's set stands for that set.
 */
import type { BalancerDeclared, ResolvedPoolDeclared } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver } from '../balancer/driver.ts';
import { refusal } from '../balancer/failure.ts';
import { type CheckResult, checkTalks, readChecks } from '../balancer/probed/checks.ts';
import type { ProbePlace } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { talkFromHere } from '../balancer/probed/talk.ts';
import type { HostReading, MemberReading, PoolReading, WorkerReading } from '../balancer/reading.ts';
import { nginxMaster } from './master.ts';
import { askWorkers, type Seen } from './name-workers.ts';
import { readIncludeSettings } from './settings.ts';

/** How often its workers are listed anew because others took their place while they were asked. */
const tries = 5;

export function nameDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const { pidFile } = readIncludeSettings(declared);
  const { address: balancer, name, resolved = [] } = declared;
  const place: ProbePlace = { balancer, name, program: 'nginx', ...readProbeAddress(declared) };

  async function read(host: string, signal: AbortSignal): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    for (let turn = 1; ; turn += 1) {
      const workers = await lookAtWorkers(channel, signal);
      if (workers !== undefined)
        return { host, workers, persisted: new Map(), persistedText: undefined, persistedIn: pidFile };
      if (turn === tries) throw unsteady(host);
    }
  }

  /** undefined: a reload in between has put others in their place, of which nothing is known. */
  async function lookAtWorkers(
    channel: HostChannel,
    signal: AbortSignal,
  ): Promise<HostReading['workers'] | undefined> {
    const master = nginxMaster(channel, pidFile, balancer);
    const { serving } = await master.read(signal);
    if (serving.length === 0) throw withoutWorkers(channel.host);
    const stillServing = async () => (await master.read(signal)).serving;
    const asked = await Promise.all(
      resolved.map(async (pool) => ({
        pool,
        seen: await askWorkers(channel, place, pool.name, serving, stillServing, signal),
      })),
    );
    const checks = await checksOf(channel, asked, signal);
    // Those that came meanwhile have resolved nothing yet, or something else: all that serve now must have been asked.
    const now = await master.read(signal);
    const isAsked = (pid: number) => serving.includes(pid) && asked.every(({ seen }) => seen.has(pid));
    if (!now.serving.every(isAsked)) return undefined;
    const [first, ...others] = now.serving.map((pid): WorkerReading => {
      const pools = asked.map(({ pool, seen }) => [pool.name, poolOf(pool, seen.get(pid), checks)] as const);
      return { ...worker(pid), serving: true, routes: new Map(), pools: new Map(pools) };
    });
    // Those that retire take no new requests, and end what they have begun with whom they have begun it.
    return first && [first, ...others, ...now.retiring.map(retired)];
  }

  const unsteady = (host: string) =>
    refusal({
      code: 'balancer-unsteady',
      summary: 'nginx is being reloaded all the time',
      detail: `The workers of nginx on ${host} were replaced ${tries} times while they were asked.`,
      hint: 'See who reloads it, and plan again.',
      address: balancer,
    });

  const withoutWorkers = (host: string) =>
    refusal({
      code: 'balancer-unreachable',
      summary: 'The load balancer does not run',
      detail: `The nginx of ${pidFile} on ${host} has no worker that takes requests.`,
      hint: 'Start it, and see its error log.',
      address: balancer,
    });

  const nothingToChange = (what: string): never => {
    throw new Error(`${balancer} follows names: ${what}`);
  };
  return {
    read,
    readConfig: async () => undefined,
    sample: async () => nothingToChange('it has no routes to be sampled'),
    locked: async () => nothingToChange('nothing of it is changed under a lock'),
    writeRoute: async () => nothingToChange('it has no routes'),
    writeMember: async () => nothingToChange('it cannot take a member out'),
    persistMembers: async () => {
      // None is ever taken out.
    },
    configure: async () => nothingToChange('it has no configuration file'),
  };
}

const worker = (pid: number) => ({ id: String(pid), name: `worker ${pid}` });

const retired = (pid: number): WorkerReading => ({
  ...worker(pid),
  serving: false,
  routes: undefined,
  pools: new Map(),
});

type Checks = ReadonlyMap<string, CheckResult>;

/** Each address once, from the host, by the service's own check: nginx checks nothing itself. */
async function checksOf(
  channel: HostChannel,
  asked: readonly { readonly pool: ResolvedPoolDeclared; readonly seen: ReadonlyMap<number, Seen> }[],
  signal: AbortSignal,
): Promise<Checks> {
  const pools = asked.map(({ pool, seen }) => {
    const endpoints = new Set([...seen.values()].flatMap((each) => wholeAnswer(pool, each)));
    return {
      name: pool.name,
      service: pool.record.service,
      members: [...endpoints].map((endpoint) => ({ name: endpoint, ...splitEndpoint(endpoint) })),
      ...(pool.health === undefined ? {} : { health: pool.health }),
    };
  });
  return readChecks(pools, await talkFromHere(channel, checkTalks(pools), signal));
}

/** `[2001:db8::11]:8081` and `10.0.1.11:8081`, as a worker said it. */
function splitEndpoint(endpoint: string): { readonly address: string; readonly port: number } {
  const cut = endpoint.lastIndexOf(':');
  return { address: endpoint.slice(0, cut).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(cut + 1)) };
}

/** What a worker that was seen to use these holds. Addresses of no slot, or of two, are given as they were seen. */
export function wholeAnswer(pool: Pick<ResolvedPoolDeclared, 'endpoints'>, seen: Seen): readonly string[] {
  const used = [...seen];
  const slot = Object.values(pool.endpoints).find((endpoints) =>
    used.every((each) => endpoints.includes(each)),
  );
  return used.length === 0 || slot === undefined ? used : slot;
}

function poolOf(pool: ResolvedPoolDeclared, seen: Seen | undefined, checks: Checks): PoolReading {
  const members = wholeAnswer(pool, seen ?? new Set()).map((endpoint): [string, MemberReading] => {
    const { passed, words } = checks.get(`${pool.name}/${endpoint}`) ?? {
      passed: false,
      words: 'not checked',
    };
    return [endpoint, { admin: 'ready', up: passed, settled: passed, sessions: 0, endpoint, check: words }];
  });
  return { sessions: 0, requests: 0, failed: 0, members: new Map(members) };
}

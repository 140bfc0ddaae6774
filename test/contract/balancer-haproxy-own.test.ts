/** What only HAProxy has: generations of workers, a configuration file, a snippet that an operator must add. */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { between } from '../../src/analysis/latency.ts';
import {
  type BalancerDeclared,
  type Json,
  memberAddress,
  type Observation,
  type Operation,
  type PoolDeclared,
  type Provider,
  ProviderFailure,
  type RouteValue,
  routeAddress,
} from '../../src/model/index.ts';
import { openHaproxy, renderHaproxyConfig } from '../../src/providers/haproxy/index.ts';
import { renderSnippet } from '../../src/providers/haproxy/snippet.ts';
import type { HostChannels } from '../../src/transport/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import {
  balancer,
  channelsTo,
  context,
  counted,
  declaring,
  edge,
  far,
  helpless,
  localChannels,
  pool,
} from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { type HaproxyPaths, hasHaproxy, type RunningHaproxy, startHaproxy } from '../rig/haproxy.ts';
import { connectors, hasConnector, offering } from '../rig/offering.ts';
import { findSshd, startSshd } from '../rig/sshd.ts';
import { startTraffic } from '../rig/traffic.ts';

const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
const blue = allTo('shop_blue');
const green = allTo('shop_green');
const move = (from: RouteValue | null, to: RouteValue | null): Operation => ({
  op: 'route.set',
  balancer: edge,
  route: 'shop',
  from: { runtime: from, persisted: from },
  to,
});

interface Scene extends AsyncDisposable {
  readonly proxy: RunningHaproxy;
  readonly declared: BalancerDeclared;
  readonly provider: Provider;
  readonly blue: Backend;
  readonly green: Backend;
  observe(declared?: BalancerDeclared): Promise<readonly Observation[]>;
  route(): Promise<Observation | undefined>;
}

interface SceneOptions {
  readonly settings?: (paths: HaproxyPaths) => Readonly<Record<string, Json>>;
  readonly routes?: readonly string[];
  /** By default what `snippet --full` prints. */
  readonly config?: (declared: BalancerDeclared, paths: HaproxyPaths) => string;
  readonly withConfigFile?: boolean;
}

async function start(options: SceneOptions = {}): Promise<Scene> {
  const sides = { blue: await startBackend('blue'), green: await startBackend('green') };
  const pools = [
    pool('shop_blue', { 'web-1': sides.blue.port }),
    pool('shop_green', { 'web-1': sides.green.port }),
  ];
  const declare = (paths: HaproxyPaths): BalancerDeclared =>
    balancer(
      'haproxy',
      { master_socket: paths.masterSocket, map_file: paths.mapFile, ...options.settings?.(paths) },
      pools,
      options.routes,
    );
  const full = (declared: BalancerDeclared, paths: HaproxyPaths): string =>
    renderSnippet(declared, { full: true, bind: `127.0.0.1:${paths.port}` });
  const proxy = await startHaproxy({
    config: (paths) => (options.config ?? full)(declare(paths), paths),
    ...(options.withConfigFile === undefined ? {} : { withConfigFile: options.withConfigFile }),
  });
  const declared = declare(proxy.paths);
  // As over SSH; the contract suite has them as on this machine.
  const channels = far(localChannels());
  const provider = openHaproxy(declared, channels);
  const observe = async (as = declared): Promise<readonly Observation[]> =>
    (await provider.observe(declaring(as), new AbortController().signal)).observations;
  return {
    ...sides,
    proxy,
    declared,
    provider,
    observe,
    route: async () => (await observe()).find(({ address }) => address === routeAddress(edge, 'shop')),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
      await sides.blue[Symbol.asyncDispose]();
      await sides.green[Symbol.asyncDispose]();
    },
  };
}

const served = async (port: number, host = 'shop.test'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () =>
      socket.end(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(/^x-served-by: (\S+)/im.exec(text)?.[1] ?? text.slice(9, 12)));
  });

/** Channels where on one host one folder takes the place of another. */
const relocated = (channels: HostChannels, host: string, from: string, to: string): HostChannels => {
  const moved = (text: string): string => text.replaceAll(from, to);
  return {
    async to(name, signal) {
      const channel = await channels.to(name, signal);
      if (name !== host) return channel;
      return {
        ...channel,
        script: (text, values, options) =>
          channel.script(
            text,
            Object.fromEntries(Object.entries(values).map(([key, value]) => [key, moved(value)])),
            options,
          ),
        dial: async (target, options) => {
          const connection = await channel.dial(
            'path' in target ? { path: moved(target.path) } : target,
            options,
          );
          // The map's path stands in what is said to the master, too.
          const end = connection.end.bind(connection);
          connection.end = ((text: unknown) =>
            end(typeof text === 'string' ? moved(text) : text)) as typeof connection.end;
          return connection;
        },
      };
    },
    [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
  };
};

interface Pair extends AsyncDisposable {
  readonly first: Scene;
  readonly second: RunningHaproxy;
  readonly pair: BalancerDeclared;
  readonly provider: Provider;
  /** The same, with something between it and its hosts. */
  open(through: (channels: HostChannels) => HostChannels): Provider;
}

/** Two hosts of one balancer. Both are this machine: the paths of the second are those of the first, seen from lb-2. */
async function startPair(): Promise<Pair> {
  const first = await start();
  const second = await startHaproxy({
    config: (paths) =>
      renderSnippet(
        { ...first.declared, settings: { master_socket: paths.masterSocket, map_file: paths.mapFile } },
        { full: true, bind: `127.0.0.1:${paths.port}` },
      ),
  });
  const pair = { ...first.declared, hosts: ['lb-1', 'lb-2'] };
  const local = far(localChannels());
  const channels = relocated(local, 'lb-2', first.proxy.paths.folder, second.paths.folder);
  return {
    first,
    second,
    pair,
    provider: openHaproxy(pair, channels),
    open: (through) => openHaproxy(pair, through(channels)),
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await local[Symbol.asyncDispose]();
    },
  };
}

/** Just before this host's file is written, and before everything that comes after that. */
const fromWriteOn = (channels: HostChannels, host: string, happens: () => Promise<void>): HostChannels => ({
  async to(name, signal) {
    const channel = await channels.to(name, signal);
    if (name !== host) return channel;
    let isOver = false;
    return {
      ...channel,
      async script(text, values, options) {
        isOver ||= values['existed'] !== undefined;
        if (isOver) await happens();
        return channel.script(text, values, options);
      },
      async dial(target, options) {
        if (isOver) await happens();
        return channel.dial(target, options);
      },
    };
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

/** A connection that keeps the worker it was opened on alive. */
async function holdOpen(port: number): Promise<{ ask(): Promise<string>; close(): void }> {
  const socket = connect({ host: '127.0.0.1', port });
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('data', (chunk) =>
        resolve(/^x-served-by: (\S+)/im.exec(chunk.toString())?.[1] ?? chunk.toString().slice(9, 12)),
      );
      socket.once('error', reject);
      socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    });
  await ask();
  return { ask, close: () => socket.destroy() };
}

describe.skipIf(!hasHaproxy)("HAProxy's own ways", () => {
  test('a host that cannot speak to the sockets by itself is asked call by call, with the same end', async () => {
    await using scene = await start();
    const { proxy, declared } = scene;
    await using channels = localChannels();
    const byCall = openHaproxy(declared, helpless(channels));
    await byCall.perform(move(null, blue), context());
    const kept = await holdOpen(proxy.paths.port);
    await proxy.reload();
    await byCall.perform(move(blue, green), context());
    expect([await kept.ask(), await served(proxy.paths.port)]).toEqual(['green', 'green']);
    expect(await byCall.look(move(blue, green), context())).toEqual({ at: 'after' });
    kept.close();
  });

  describe('one script asks and tells it all, by whatever the host has', () => {
    test.for(connectors)('%s', async (connector, { skip }) => {
      if (!hasConnector(connector)) skip(`${connector} is not installed`);
      await using scene = await start();
      const { proxy, declared } = scene;
      await using channels = localChannels();
      const counts = { scripts: 0, dials: 0 };
      const byScript = openHaproxy(declared, counted(offering(channels, connector), counts));
      await byScript.perform(move(null, blue), context());
      const kept = await holdOpen(proxy.paths.port);
      await proxy.reload();
      await byScript.perform(move(blue, green), context());
      expect([await kept.ask(), await served(proxy.paths.port)]).toEqual(['green', 'green']);
      expect(await byScript.look(move(blue, green), context())).toEqual({ at: 'after' });
      expect(counts).toEqual({ scripts: 7, dials: 0 });
      kept.close();
    });
  });

  test.skipIf(findSshd() === undefined)(
    'over SSH a host that is near is asked over connections, which start no program beside its proxy',
    async () => {
      await using scene = await start();
      const { proxy, declared } = scene;
      await using hosts = await startSshd({ names: ['lb-1'] });
      await using channels = channelsTo(hosts.hosts.map((host) => host.declared));
      const channel = await channels.to('lb-1');
      const counts = { scripts: 0, dials: 0 };
      const provider = openHaproxy(declared, counted(channels, counts));
      await provider.perform(move(null, blue), context());
      await expect
        .poll(
          async () => {
            await provider.observe(declaring(declared), new AbortController().signal);
            return channel.isNear;
          },
          { timeout: 20_000 },
        )
        .toBe(true);
      Object.assign(counts, { scripts: 0, dials: 0 });
      await provider.perform(move(blue, green), context());
      expect(counts.scripts).toBe(3);
      expect(counts.dials).toBeGreaterThan(5);
      // Two generations are told by one script, so that they differ for as short as can be.
      const kept = await holdOpen(proxy.paths.port);
      await proxy.reload();
      await provider.perform(move(green, blue), context());
      expect(counts.scripts).toBe(6);
      expect([await kept.ask(), await served(proxy.paths.port)]).toEqual(['blue', 'blue']);
      kept.close();
    },
  );

  test('a retiring worker is told too: a client that kept its connection over a reload follows the switch', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const kept = await holdOpen(proxy.paths.port);
    await proxy.reload();
    expect(await proxy.workers()).toHaveLength(2);
    await provider.perform(move(blue, green), context());
    expect(await kept.ask()).toBe('green');
    expect(await served(proxy.paths.port)).toBe('green');
    kept.close();
  });

  test('the last request that a retiring worker answers stays on the canary, whose members it counts as none', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    const canary = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 10_000 };
    await provider.perform(move(null, canary), context());
    const kept = await holdOpen(proxy.paths.port);
    await proxy.reload();
    expect(await proxy.workers()).toHaveLength(2);
    expect(await kept.ask()).toBe('green');
    kept.close();
  });

  test('a retiring worker that missed a switch is named, and performing the switch again mends it', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const kept = await holdOpen(proxy.paths.port);
    const [old] = await proxy.workers();
    await proxy.reload();
    await provider.perform(move(blue, green), context());
    await proxy.master(`@!${old} set map ${proxy.paths.mapFile} shop shop_blue:shop_blue:0`);
    expect(await scene.route()).toMatchObject({
      spec: {
        runtime: green,
        persisted: green,
        disagreeing: [{ worker: `lb-1 worker ${old}`, value: blue }],
      },
    });
    expect(await provider.look(move(green, green), context())).toEqual({ at: 'before' });
    await provider.perform(move(green, green), context());
    expect(await kept.ask()).toBe('green');
    kept.close();
  });

  test('sessions of a retiring worker keep a pool from counting as drained', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const long = fetch(`http://127.0.0.1:${proxy.paths.port}/slow?ms=1500`).then((answer) => answer.text());
    await sleep(200);
    await proxy.reload();
    await provider.perform(move(blue, green), context());
    const started = performance.now();
    await provider.perform(
      { op: 'pool.drain', balancer: edge, pool: 'shop_blue', withinMs: 10_000 },
      context(),
    );
    expect(performance.now() - started).toBeGreaterThan(300);
    expect(await long).toBe('blue');
  });

  test('a switch told to the newest worker only leaves clients of the retiring one on the old side', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const kept = await holdOpen(proxy.paths.port);
    await proxy.reload();
    const newest = (await proxy.workers()).at(-1);
    await proxy.master(`@!${newest} set map ${proxy.paths.mapFile} shop shop_green:shop_green:0`);
    expect([await served(proxy.paths.port), await kept.ask()]).toEqual(['green', 'blue']);
    kept.close();
  });

  test('the traffic client counts what a switch can break: it can fail', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await using red = await startBackend('red');
    await provider.perform(move(null, blue), context());
    const traffic = startTraffic(
      { port: proxy.paths.port, rate: 200, keepAlive: 8, freshShare: 0.2, slow: 1, upgraded: 2 },
      'blue',
    );
    await sleep(300);
    traffic.expectBoth('green');
    traffic.acknowledge('green');
    // Acknowledged and not done: stale.
    await sleep(300);
    await provider.perform(move(blue, green), context());
    // Cuts the upgraded connections and everything in flight; then nobody answers.
    await scene.blue.kill();
    await scene.green.kill();
    await sleep(300);
    // Somebody whom no route has named.
    await proxy.master(
      `@!${(await proxy.workers()).at(-1)} set server shop_green/web-1 addr 127.0.0.1 port ${red.port}`,
    );
    await sleep(1500);
    const figures = await traffic.stop();
    for (const kind of ['stale', 'failed', 'wrong', 'cut'] as const)
      expect([kind, figures[kind] > 0]).toEqual([kind, true]);
  });

  test('its latency is a plain mean of up to 512 requests, and slides over as many after that: an interval is told from its ends', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const ask = async (path: string): Promise<number> => {
      const began = performance.now();
      await (await fetch(`http://127.0.0.1:${proxy.paths.port}${path}`)).text();
      return performance.now() - began;
    };
    const times = async (path: string, count: number): Promise<number> => {
      const all: number[] = [];
      for (let left = count; left > 0; left -= 20)
        all.push(...(await Promise.all(Array.from({ length: Math.min(20, left) }, () => ask(path)))));
      return all.reduce((sum, each) => sum + each, 0) / all.length;
    };
    const side = { pool: 'shop_blue', members: ['web-1'] };
    const reading = async () => {
      const [latency] = (await provider.measure?.(edge, side, new AbortController().signal))?.latency ?? [];
      if (latency === undefined) throw new Error('no latency');
      return latency;
    };
    await times('/', 20);
    let before = await reading();
    // Below 512 requests in all, then beyond: a window of another length would tell another time each time.
    for (const count of [60, 440, 100]) {
      const path = count === 440 ? '/' : '/slow?ms=150';
      const took = await times(path, count);
      const now = await reading();
      expect(now.requests - before.requests).toBe(count);
      const told = between(before, now);
      if (path !== '/') expect([count, Math.abs((told?.ms ?? 0) - took) < 0.2 * took]).toEqual([count, true]);
      before = now;
    }
  });

  test('reloads in the middle of switches under load: nothing fails and nothing is stale', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const traffic = startTraffic(
      { port: proxy.paths.port, rate: 200, keepAlive: 16, freshShare: 0.2, slow: 2, upgraded: 3 },
      'blue',
    );
    await sleep(300);
    let now = blue;
    for (let index = 0; index < 6; index += 1) {
      const next = now === blue ? green : blue;
      const side = next === blue ? 'blue' : 'green';
      const reloading = proxy.reload();
      traffic.expectBoth(side);
      await provider.perform(move(now, next), context());
      traffic.acknowledge(side);
      await reloading;
      await sleep(200);
      now = next;
    }
    expect(await traffic.stop()).toMatchObject({ failed: 0, wrong: 0, stale: 0, cut: 0, reasons: [] });
  }, 240_000);

  test('without the snippet the route is unknown, with what to do, and nothing is written', async () => {
    await using scene = await start({
      config: (_declared, paths) => `
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend edge
    bind 127.0.0.1:${paths.port}
    default_backend shop_blue
backend shop_blue
    server web-1 127.0.0.1:9
backend shop_green
    server web-1 127.0.0.1:9
`,
    });
    const [route] = await scene.observe();
    expect(route).toMatchObject({ status: 'unknown', why: { code: 'balancer-snippet-missing' } });
    expect(route?.status === 'unknown' && route.why.hint).toContain(
      'deployctl snippet ENV load_balancer.edge',
    );
    const failure = await failureOf(scene.provider.perform(move(null, blue), context()));
    expect([failure.diagnostic.code, failure.effect]).toEqual(['balancer-snippet-missing', 'none']);
    expect(await readFile(scene.proxy.paths.mapFile, 'utf8')).toBe('');
  });

  test('a map that is read by rules that do not answer is as good as no snippet', async () => {
    await using scene = await start({
      config: (declared, paths) =>
        renderSnippet(declared, { full: true, bind: `127.0.0.1:${paths.port}` }).replace(
          /^.*http-request return status 204.*$/m,
          '',
        ),
    });
    await scene.provider.perform(
      { op: 'pool.settle', balancer: edge, pool: 'shop_blue', members: ['web-1'], withinMs: 5000 },
      context(),
    );
    const failure = await failureOf(scene.provider.perform(move(null, blue), context()));
    expect([failure.diagnostic.code, failure.effect]).toEqual(['balancer-snippet-missing', 'none']);
    expect(await readFile(scene.proxy.paths.mapFile, 'utf8')).toBe('');
  });

  test('the probe answers on its own socket only: from outside it is a path like any other', async () => {
    await using scene = await start();
    await scene.provider.perform(move(null, blue), context());
    const answer = await fetch(`http://127.0.0.1:${scene.proxy.paths.port}/.well-known/deployctl/edge`, {
      headers: { 'X-Deployctl-Route': 'other' },
    });
    expect([
      answer.status,
      answer.headers.get('x-served-by'),
      answer.headers.get('x-deployctl-pool'),
    ]).toEqual([200, 'blue', null]);
  });

  test('several routes behind one frontend: by the first label of the host, and each switched alone', async () => {
    await using scene = await start({ routes: ['shop', 'api'] });
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    await provider.perform({ ...move(null, green), route: 'api' } as Operation, context());
    expect(await served(proxy.paths.port, 'shop.test')).toBe('blue');
    expect(await served(proxy.paths.port, 'API.test:80')).toBe('green');
    expect(await served(proxy.paths.port, 'something.else')).toBe('blue');
    await provider.perform(move(blue, green), context());
    expect(await readFile(proxy.paths.mapFile, 'utf8')).toBe(
      'shop shop_green:shop_green:0\napi shop_green:shop_green:0\n',
    );
  });

  test('two hosts of a pair are told in order, and one that was left behind is named and mended', async () => {
    await using both = await startPair();
    const { first, second, pair, provider } = both;
    const observe = async (): Promise<Observation | undefined> =>
      (await provider.observe(declaring(pair), new AbortController().signal)).observations[0];
    await provider.perform(move(null, blue), context());
    expect([await served(first.proxy.paths.port), await served(second.paths.port)]).toEqual(['blue', 'blue']);
    await provider.perform(move(blue, green), context());
    expect([await served(first.proxy.paths.port), await served(second.paths.port)]).toEqual([
      'green',
      'green',
    ]);

    const [worker] = await second.workers();
    await second.master(`@!${worker} set map ${second.paths.mapFile} shop shop_blue:shop_green:100`);
    const odd = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 100 };
    const disagreeing = [{ worker: `lb-2 worker ${worker}`, value: odd }];
    expect(await observe()).toMatchObject({ spec: { runtime: green, persisted: green, disagreeing } });
    // Not seen by the plan: refused. Seen: mended.
    expect((await failureOf(provider.perform(move(green, blue), context()))).diagnostic.detail).toContain(
      'lb-2',
    );
    const from = { runtime: green, persisted: green, disagreeing };
    await provider.perform({ op: 'route.set', balancer: edge, route: 'shop', from, to: green }, context());
    expect(await observe()).toMatchObject({ spec: { runtime: green, persisted: green, disagreeing: [] } });

    await second.kill9();
    expect(await observe()).toMatchObject({ status: 'unknown', why: { code: 'balancer-unreachable' } });
    expect((await failureOf(provider.perform(move(green, blue), context()))).effect).toBe('none');
    expect(await served(first.proxy.paths.port)).toBe('green');
  });

  test('one of a pair dies in the middle of a switch: said, and it comes back with its file, or is told when it is there again', async () => {
    await using both = await startPair();
    const { first, second, pair, provider } = both;
    const observe = async (): Promise<Observation | undefined> =>
      (await provider.observe(declaring(pair), new AbortController().signal)).observations[0];
    await provider.perform(move(null, blue), context());

    // HAProxy dies, its host does not: the file is written, and a start brings what it says.
    const dies = both.open((channels) => fromWriteOn(channels, 'lb-2', () => second.kill9()));
    const killed = await failureOf(dies.perform(move(blue, green), context()));
    expect([killed.diagnostic.code, killed.effect]).toEqual(['balancer-unreachable', 'maybe']);
    expect(killed.diagnostic.detail).toContain('lb-2');
    expect(await served(first.proxy.paths.port)).toBe('green');
    await second.start();
    expect(await observe()).toMatchObject({ spec: { runtime: green, persisted: green, disagreeing: [] } });
    expect(await provider.look(move(blue, green), context())).toEqual({ at: 'after' });

    // Its host is gone, HAProxy goes on there with the old side: it is named, and the same switch is completed.
    const gone = both.open((channels) =>
      fromWriteOn(channels, 'lb-2', () =>
        Promise.reject(
          new ProviderFailure(
            { code: 'host-unreachable', severity: 'error', summary: 'Gone', detail: 'lb-2 is gone.' },
            'none',
          ),
        ),
      ),
    );
    expect((await failureOf(gone.perform(move(green, blue), context()))).effect).toBe('maybe');
    expect([await served(first.proxy.paths.port), await served(second.paths.port)]).toEqual([
      'blue',
      'green',
    ]);
    const state = await observe();
    expect(state).toMatchObject({ spec: { runtime: blue, persisted: blue } });
    const disagreeing = state?.status === 'present' && state.kind === 'route' ? state.spec.disagreeing : [];
    expect(disagreeing.map(({ worker }) => worker.slice(0, 4))).toEqual(['lb-2', 'lb-2']);
    expect(await provider.look(move(green, blue), context())).toEqual({ at: 'before' });
    await provider.perform(move(green, blue), context());
    expect([await served(first.proxy.paths.port), await served(second.paths.port)]).toEqual(['blue', 'blue']);
    expect(await observe()).toMatchObject({ spec: { runtime: blue, persisted: blue, disagreeing: [] } });
  });

  test('a member that was drained comes back at a reload without a state file, which is seen', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    const drain: Operation = {
      op: 'member.set',
      balancer: edge,
      pool: 'shop_green',
      member: 'web-1',
      from: 'ready',
      to: 'drain',
    };
    await provider.perform(drain, context());
    await proxy.reload();
    const member = (await scene.observe()).find(
      ({ address }) => address === memberAddress(edge, 'shop_green', 'web-1'),
    );
    expect(member).toMatchObject({ spec: { admin: 'ready' } });
    await provider.perform(drain, context());
    expect(await provider.look(drain, context())).toEqual({ at: 'after' });
  });

  test('with a state file it stays out of service over a reload and over a kill -9', async () => {
    await using scene = await start({ settings: (paths) => ({ server_state_file: paths.serverStateFile }) });
    const { provider, proxy } = scene;
    const observed = async () =>
      (await scene.observe()).find(({ address }) => address === memberAddress(edge, 'shop_green', 'web-1'));
    await provider.perform(
      { op: 'member.set', balancer: edge, pool: 'shop_green', member: 'web-1', from: 'ready', to: 'maint' },
      context(),
    );
    await proxy.reload();
    expect(await observed()).toMatchObject({ spec: { admin: 'maint' } });
    await proxy.kill9();
    await proxy.start();
    expect(await observed()).toMatchObject({ spec: { admin: 'maint' } });
    await provider.perform(
      { op: 'member.set', balancer: edge, pool: 'shop_green', member: 'web-1', from: 'maint', to: 'ready' },
      context(),
    );
    await proxy.reload();
    expect(await observed()).toMatchObject({ spec: { admin: 'ready' } });
  });

  test('a master that hides its workers after failed reloads is unknown, and traffic goes on', async () => {
    await using scene = await start();
    const { provider, proxy } = scene;
    await provider.perform(move(null, blue), context());
    const main = `${proxy.paths.folder}/haproxy.cfg`;
    const good = await readFile(main, 'utf8');
    await writeFile(main, `${good}\nnonsense\n`);
    for (let index = 0; index < 3; index += 1) {
      await proxy.master('reload').catch(() => '');
      await sleep(400);
    }
    const route = await scene.route();
    expect(await served(proxy.paths.port)).toBe('blue');
    // This build shows it or hides it; either way it is not taken for an absent route.
    expect(route?.status).not.toBe('absent');
    await writeFile(main, good);
    await proxy.reload();
    expect(await scene.route()).toMatchObject({ spec: { runtime: blue } });
  });

  describe('with a configuration file of its own', () => {
    const withFile: SceneOptions = {
      settings: (paths) => ({ config_file: paths.configFile }),
      withConfigFile: true,
    };
    const configOf = async (scene: Scene): Promise<Observation | undefined> =>
      (await scene.observe()).find(({ kind }) => kind === 'balancer_config');
    const textFor = (declared: BalancerDeclared, pools: readonly PoolDeclared[] = declared.pools): string =>
      renderHaproxyConfig({ ...declared, pools }) ?? '';
    const configure = (from: string | null, to: string | null): Operation => ({
      op: 'balancer.configure',
      balancer: edge,
      from,
      to,
    });

    test('the pools are written, checked, loaded and seen to be; again changes nothing; the inverse restores', async () => {
      await using scene = await start(withFile);
      const { provider, declared, proxy } = scene;
      expect(await configOf(scene)).toMatchObject({ status: 'present', spec: { text: '', loaded: true } });
      const text = textFor(declared);
      await provider.perform(configure('', text), context());
      expect(await configOf(scene)).toMatchObject({ spec: { text, loaded: true } });
      const workers = await proxy.workers();
      await provider.perform(configure('', text), context());
      expect(await proxy.workers()).toEqual(workers);
      await provider.perform(
        { op: 'pool.settle', balancer: edge, pool: 'shop_blue', members: ['web-1'], withinMs: 5000 },
        context(),
      );
      await provider.perform(move(null, blue), context());
      expect(await served(proxy.paths.port)).toBe('blue');

      const wider = textFor(declared, [
        pool('shop_blue', { 'web-1': scene.blue.port, 'web-2': scene.blue.port }),
      ]);
      await provider.perform(configure(text, wider), context());
      expect(await configOf(scene)).toMatchObject({ spec: { text: wider, loaded: true } });
      expect(await served(proxy.paths.port)).toBe('blue');
      await provider.perform(configure(wider, text), context());
      expect(await configOf(scene)).toMatchObject({ spec: { text, loaded: true } });
    });

    test('a text that HAProxy refuses is refused in its words, before anything is written', async () => {
      await using scene = await start(withFile);
      const { provider, declared, proxy } = scene;
      await provider.perform(configure('', textFor(declared)), context());
      const bad = `${textFor(declared)}backend broken\n    balance nonsense\n`;
      const failure = await failureOf(provider.perform(configure(textFor(declared), bad), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['config-refused', 'none']);
      expect(failure.diagnostic.detail).toContain(`parsing [${proxy.paths.configFile}:`);
      expect(await configOf(scene)).toMatchObject({ spec: { text: textFor(declared), loaded: true } });
    });

    test('a text that passes the check and cannot be loaded is put back', async () => {
      await using scene = await start(withFile);
      const { provider, declared } = scene;
      const text = textFor(declared);
      await provider.perform(configure('', text), context());
      // The check opens no port, the start does: an address that this machine does not have.
      const bad = `${text}frontend nowhere\n    mode http\n    bind 192.0.2.1:81\n`;
      const failure = await failureOf(provider.perform(configure(text, bad), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['reload-failed', 'maybe']);
      expect(await configOf(scene)).toMatchObject({ spec: { text, loaded: true } });
    }, 90_000);

    test('a file that somebody edited is seen as not loaded, and not overwritten', async () => {
      await using scene = await start(withFile);
      const { provider, declared, proxy } = scene;
      const text = textFor(declared);
      await provider.perform(configure('', text), context());
      const edited = text.replace('fall 2', 'fall 9');
      await writeFile(proxy.paths.configFile, edited);
      expect(await configOf(scene)).toMatchObject({ spec: { text: edited, loaded: false } });
      const failure = await failureOf(provider.perform(configure(text, textFor(declared, [])), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['config-changed', 'none']);
      await provider.perform(configure(edited, text), context());
      expect(await configOf(scene)).toMatchObject({ spec: { text, loaded: true } });
    });

    test('a reload that would bring back another route is refused', async () => {
      await using scene = await start(withFile);
      const { provider, declared, proxy } = scene;
      await provider.perform(configure('', textFor(declared)), context());
      await provider.perform(
        { op: 'pool.settle', balancer: edge, pool: 'shop_blue', members: ['web-1'], withinMs: 5000 },
        context(),
      );
      await provider.perform(move(null, blue), context());
      await writeFile(proxy.paths.mapFile, 'shop shop_green:shop_green:0\n');
      const failure = await failureOf(
        provider.perform(configure(textFor(declared), textFor(declared, [])), context()),
      );
      expect([failure.diagnostic.code, failure.effect]).toEqual(['reload-would-move-route', 'none']);
      expect(await served(proxy.paths.port)).toBe('blue');
    });

    test('a member that is out of service stays so over the reload', async () => {
      await using scene = await start(withFile);
      const { provider, declared } = scene;
      const text = textFor(declared);
      await provider.perform(configure('', text), context());
      await provider.perform(
        { op: 'member.set', balancer: edge, pool: 'shop_green', member: 'web-1', from: 'ready', to: 'drain' },
        context(),
      );
      const wider = textFor(declared, [...declared.pools, pool('shop_other', { 'web-1': scene.blue.port })]);
      await provider.perform(configure(text, wider), context());
      const member = (await scene.observe()).find(
        ({ address }) => address === memberAddress(edge, 'shop_green', 'web-1'),
      );
      expect(member).toMatchObject({ spec: { admin: 'drain' } });
    });

    test('a file that HAProxy was not started with is refused', async () => {
      await using scene = await start({ settings: (paths) => ({ config_file: paths.configFile }) });
      const { provider, declared } = scene;
      expect(await configOf(scene)).toMatchObject({ status: 'absent' });
      const failure = await failureOf(provider.perform(configure(null, textFor(declared)), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['config-not-read', 'none']);
      expect(await configOf(scene)).toMatchObject({ status: 'absent' });
    });
  });
});

/** nginx by a file that it includes and a reload: the laws of every balancer, and what only a reload can do. */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asInstant, type Operation, type Provider, type RouteValue } from '../../src/model/index.ts';
import { withRoute } from '../../src/providers/nginx/include-file.ts';
import { nginx } from '../../src/providers/nginx/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { balancer, context, declaring, edge, helpless, localChannels, pool } from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { isInstalled, nginxProgram, type ProxyPaths, type RunningProxy, startProxy } from '../rig/proxies.ts';
import { type Backends, type BalancerUnderTest, describeBalancer } from './balancer-contract.ts';

interface IncludeUnderTest extends BalancerUnderTest {
  readonly proxy: RunningProxy;
  readonly file: string;
}

async function start({ blue, green }: Backends): Promise<IncludeUnderTest> {
  const includeIn = ({ folder }: ProxyPaths): string => join(folder, 'edge.map');
  const declare = (paths: ProxyPaths) =>
    balancer(
      'nginx',
      {
        include_file: includeIn(paths),
        pid_file: join(paths.folder, 'pid'),
        probe_address: `127.0.0.1:${paths.probePort}`,
      },
      [pool('shop_blue', { 'web-1': blue.port }), pool('shop_green', { 'web-1': green.port })],
    );
  const proxy = await startProxy(nginxProgram, async (paths) => {
    await writeFile(includeIn(paths), '');
    const text = nginx.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
    // So that a test need not wait for it.
    return text.replace('worker_shutdown_timeout 30s', 'worker_shutdown_timeout 5s');
  });
  const declared = declare(proxy.paths);
  const channels = localChannels();
  const file = includeIn(proxy.paths);
  const edit: BalancerUnderTest['editPersistedByHand'] = async (route, value) =>
    writeFile(file, withRoute(await readFile(file, 'utf8'), route, value));
  /** Workers that take connections, as the kernel knows them. */
  const serving = async (): Promise<readonly string[]> => {
    const master = (await readFile(join(proxy.paths.folder, 'pid'), 'utf8')).trim();
    const children = (await readFile(`/proc/${master}/task/${master}/children`, 'utf8')).trim().split(' ');
    const titles = await Promise.all(
      children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    );
    return children.filter((_pid, index) => /worker process(?! is shutting)/.test(titles[index] ?? ''));
  };
  /** Done when the workers of before take no more connections: for a moment those of both configurations answer. */
  const reload = async (): Promise<void> => {
    const old = await serving();
    await proxy.reload();
    await expect
      .poll(async () => (await serving()).filter((pid) => old.includes(pid)), { timeout: 20_000 })
      .toEqual([]);
  };
  return {
    proxy,
    file,
    declared,
    port: proxy.paths.port,
    rate: 500,
    open: (through = (each) => each) => nginx.open(declared, through(channels)),
    callByCall: helpless,
    async setRouteByHand(route, value) {
      const before = await readFile(file, 'utf8');
      await edit(route, value);
      await reload();
      await writeFile(file, before);
    },
    editPersistedByHand: edit,
    setMemberByHand: () => Promise.reject(new Error('it has no such thing')),
    kill9: () => proxy.kill9(),
    start: () => proxy.start(),
    reload,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
    },
  };
}

describeBalancer('nginx by include and reload', start, {
  isAvailable: isInstalled(nginxProgram),
  membersFixed: true,
  switchCosts: true,
});

describe.skipIf(!isInstalled(nginxProgram))('a reload that does not do what it should', () => {
  let backends: { readonly blue: Backend; readonly green: Backend };
  let running: IncludeUnderTest;
  let provider: Provider;
  const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
  const blue = allTo('shop_blue');
  const green = allTo('shop_green');

  beforeAll(async () => {
    backends = { blue: await startBackend('blue'), green: await startBackend('green') };
    running = await start(backends);
    provider = running.open();
    await move(null, blue);
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await backends?.blue[Symbol.asyncDispose]();
    await backends?.green[Symbol.asyncDispose]();
  });

  const move = (from: RouteValue | null, to: RouteValue, cx = context()): Promise<void> =>
    provider.perform(
      { op: 'route.set', balancer: edge, route: 'shop', from: { runtime: from, persisted: from }, to },
      cx,
    );
  const withConfig = async (change: (text: string) => string, body: () => Promise<void>): Promise<void> => {
    const { config } = running.proxy.paths;
    const before = await readFile(config, 'utf8');
    await writeFile(config, change(before));
    try {
      await body();
    } finally {
      await writeFile(config, before);
    }
  };
  const routes = async () =>
    (await provider.observe(declaring(running.declared), new AbortController().signal)).observations.find(
      ({ kind }) => kind === 'route',
    );

  test("somebody's half-made edit of the configuration is refused by nginx's own check, and the file is put back", async () => {
    const text = await readFile(running.file, 'utf8');
    await withConfig(
      (before) => before.replace('access_log off;', 'access_log off; nonsense on;'),
      async () => {
        const failure = await failureOf(move(blue, green));
        expect([failure.diagnostic.code, failure.effect]).toEqual(['config-refused', 'none']);
        expect(failure.diagnostic.detail).toContain('unknown directive "nonsense"');
      },
    );
    expect(await readFile(running.file, 'utf8')).toBe(text);
    expect(await routes()).toMatchObject({ spec: { runtime: blue, persisted: blue } });
  });

  test('a reload that nginx takes and does not make: the old configuration serves, the failure says so, the file is put back', async () => {
    const text = await readFile(running.file, 'utf8');
    // Its check opens no port; the reload does, and this one is taken.
    await using taken = await startBackend('taken');
    await withConfig(
      (before) =>
        before.replace('server {', `server { listen 127.0.0.1:${taken.port}; return 204; }\nserver {`),
      async () => {
        // nginx gives up after 2.5 s; deployctl waits 20, which here pass four times as fast.
        const cx = context();
        const began = cx.clock.now();
        const now = () => asInstant(began + (cx.clock.now() - began) * 4);
        const failure = await failureOf(move(blue, green, { ...cx, clock: { ...cx.clock, now } }));
        expect([failure.diagnostic.code, failure.effect]).toEqual(['reload-failed', 'maybe']);
        expect(failure.diagnostic.detail).toContain('still serve with the configuration before');
      },
    );
    expect(await readFile(running.file, 'utf8')).toBe(text);
    expect(await routes()).toMatchObject({ spec: { runtime: blue, persisted: blue } });
    await move(blue, green);
    await move(green, blue);
  }, 90_000);

  test('a pool is drained when the workers of before are gone: a websocket keeps one until nginx cuts it', async () => {
    const socket = connect({ host: '127.0.0.1', port: running.port });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write('GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    await move(blue, green);
    const drain = (withinMs: number): Operation => ({
      op: 'pool.drain',
      balancer: edge,
      pool: 'shop_blue',
      withinMs,
    });
    const texts: string[] = [];
    await provider.perform(drain(100), context({ texts }));
    expect(texts.at(-1)).toMatch(/^1 left after 0\.1 s \(web-1 1\)/);
    await provider.perform(drain(30_000), context({ texts }));
    expect(texts.at(-1)).toBe('no session is left');
    await closed;
    // One whose connection is none of this pool is waited for all the same: what it has begun to read goes to the old side.
    const half = connect({ host: '127.0.0.1', port: running.port });
    half.on('error', () => undefined);
    half.write('GET / HTTP/1.1\r\nHost: a\r\nX-Begun:');
    await new Promise((resolve) => half.once('connect', resolve));
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${running.port}/`)).status).toBe(200);
    await move(green, blue);
    await provider.perform({ ...drain(100), pool: 'shop_green' } as Operation, context({ texts }));
    expect(texts.at(-1)).toMatch(/^1 left after 0\.1 s \(worker \d+ 1\)/);
    half.destroy();
  }, 90_000);

  test('doctor finds a file that is not there, and a process that is no nginx', async () => {
    const checks = async (settings: Readonly<Record<string, string>>) => {
      const declared = { ...running.declared, settings: { ...running.declared.settings, ...settings } };
      const other = nginx.open(declared, localChannels());
      const found = (await other.check?.(declaring(declared), new AbortController().signal)) ?? [];
      return found.flatMap(({ finding }) =>
        finding.at === 'wrong' ? finding.why.map(({ code }) => code) : [],
      );
    };
    expect(await checks({})).toEqual([]);
    expect(await checks({ include_file: join(running.proxy.paths.folder, 'none', 'edge.map') })).toContain(
      'balancer-file-failed',
    );
    expect(await checks({ pid_file: join(running.proxy.paths.folder, 'no.pid') })).toContain(
      'balancer-unreachable',
    );
  });
});

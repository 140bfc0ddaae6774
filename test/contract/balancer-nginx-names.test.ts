/** nginx that follows a name: what each of its workers remembers is its own, and a switch is done when all have forgotten. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asAddress,
  type BalancerDeclared,
  type Operation,
  type Provider,
  ProviderFailure,
  type RecordSet,
} from '../../src/model/index.ts';
import { nginx } from '../../src/providers/nginx/index.ts';
import { nginxMaster } from '../../src/providers/nginx/master.ts';
import { askWorkers } from '../../src/providers/nginx/name-workers.ts';
import type { HostChannels } from '../../src/transport/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { balancer, context, declaring, edge, localChannels } from '../rig/balancers.ts';
import { hasDns, type RunningDns, startDns } from '../rig/dns-servers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { isInstalled, nginxProgram, type ProxyPaths, type RunningProxy, startProxy } from '../rig/proxies.ts';
import { startTraffic } from '../rig/traffic.ts';
import { contextOf, move, open, recordOf, set, zoneAt } from '../rig/zones.ts';

const isHere = hasDns.bind && isInstalled(nginxProgram);
const workers = 4;
const ttlSeconds = 2;
const blueSet = set(ttlSeconds, '127.0.0.2');
const greenSet = set(ttlSeconds, '127.0.0.3');

describe.skipIf(!isHere)(
  `nginx that follows a name${isHere ? '' : ' (without nginx, bind9 or root: not covered)'}`,
  { timeout: 120_000 },
  () => {
    let dns: RunningDns;
    let blue: Backend;
    let green: Backend;
    let proxy: RunningProxy;
    let declared: BalancerDeclared;
    let provider: Provider;
    let channels: HostChannels;
    const resources = new AsyncDisposableStack();

    beforeAll(async () => {
      if (!isHere) return;
      dns = resources.use(await startDns('bind', { records: `app ${ttlSeconds} IN A 127.0.0.2\n` }));
      blue = resources.use(await startBackend('blue', '127.0.0.2'));
      green = resources.use(await startBackend('green', '127.0.0.3', blue.port));
      const declare = ({ folder, probePort }: ProxyPaths): BalancerDeclared => ({
        ...balancer(
          'nginx',
          { pid_file: join(folder, 'pid'), probe_address: `127.0.0.1:${probePort}` },
          [],
          [],
        ),
        resolved: [
          {
            name: 'shop',
            record: recordOf('app'),
            zone: 'internal',
            nameServers: [dns.endpoint],
            size: 1,
            port: blue.port,
            endpoints: { blue: [`127.0.0.2:${blue.port}`], green: [`127.0.0.3:${blue.port}`] },
          },
        ],
      });
      proxy = resources.use(
        await startProxy(nginxProgram, (paths) =>
          nginx
            .snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` })
            .replace('worker_processes auto', `worker_processes ${workers}`),
        ),
      );
      declared = declare(proxy.paths);
      channels = resources.use(localChannels(['lb-1']));
      provider = resources.use(nginx.open(declared, channels));
    });
    afterAll(async () => resources.disposeAsync());

    const rename = async (from: RecordSet, to: RecordSet): Promise<void> => {
      const zone = open(zoneAt(dns.endpoint, { records: [recordOf('app')] }));
      await zone.perform(move(recordOf('app'), from, to), contextOf());
    };
    const follow = (address: string, withinMs: number): Operation & { readonly op: 'pool.resolve' } => ({
      op: 'pool.resolve',
      balancer: edge,
      pool: 'shop',
      endpoints: [`${address}:${blue.port}`],
      withinMs,
    });
    const observe = async (of: BalancerDeclared) =>
      (await provider.observe(declaring(of), AbortSignal.timeout(30_000))).observations;

    test('under load a switch is done when every worker has followed: nothing fails, nothing stale, the old side can go', async () => {
      const traffic = startTraffic(
        { port: proxy.paths.port, rate: 200, keepAlive: 16, freshShare: 0.3, slow: 2, upgraded: 0 },
        'blue',
      );
      const texts: string[] = [];
      for (const [to, from, wanted] of [
        ['green', blueSet, greenSet],
        ['blue', greenSet, blueSet],
        ['green', blueSet, greenSet],
      ] as const) {
        traffic.expectBoth(to);
        await rename(from, wanted);
        // At once, and not after the TTL: only the workers themselves can say when it is over.
        await provider.perform(follow(wanted.values[0] ?? '', 20_000), context({ texts }));
        traffic.acknowledge(to);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      // Requests of 1.5 s that it has begun are its own; no other comes.
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      await blue.kill();
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { failed, stale, wrong, reasons, bySide } = await traffic.stop();
      expect({ failed, stale, wrong, reasons }).toEqual({ failed: 0, stale: 0, wrong: 0, reasons: [] });
      expect(Math.min(bySide.blue ?? 0, bySide.green ?? 0)).toBeGreaterThan(100);
      // It did wait for some of them.
      expect(texts).toContainEqual(expect.stringMatching(/^[0-3] of 4 workers use/));
      expect(texts.at(-1)).toMatch(/^4 of 4 workers use 127\.0\.0\.3/);
      await blue.restart();
    });

    test('what its workers use is observed; of a pool that its configuration has not nothing is known', async () => {
      expect(await observe(declared)).toMatchObject([
        {
          status: 'present',
          kind: 'resolution',
          spec: { endpoints: [`127.0.0.3:${blue.port}`], disagreeing: [] },
        },
      ]);
      const [pool] = declared.resolved ?? [];
      if (pool === undefined) throw new Error('nothing is followed');
      const other = { ...declared, resolved: [{ ...pool, name: 'orders' }] };
      await using stranger = nginx.open(other, localChannels(['lb-1']));
      const { observations } = await stranger.observe(declaring(other), AbortSignal.timeout(30_000));
      expect(observations).toMatchObject([{ status: 'unknown', why: { code: 'balancer-snippet-missing' } }]);
    });

    test('workers that do not follow, and an address that does not answer, are named', async () => {
      const refusalOf = async (operation: Operation): Promise<string> => {
        const { effect, diagnostic } = await failureOf(provider.perform(operation, context()));
        return `${effect} ${diagnostic.code}: ${diagnostic.detail}`;
      };
      expect(await refusalOf(follow('127.0.0.2', 300))).toMatch(
        /^none pool-not-resolved: .*4 of 4 workers.*worker \d+ on lb-1 uses 127\.0\.0\.3:\d+/,
      );
      await green.kill();
      expect(await refusalOf(follow('127.0.0.3', 300))).toMatch(
        /^none pool-not-resolved: .*calls 127\.0\.0\.3:\d+ down/,
      );
      await green.restart();
      await provider.perform(follow('127.0.0.3', 10_000), context());
    });

    test('reloaded while its workers are asked: those that came are asked too, and what they use decides', async () => {
      // Workers that come by this reload ask a server that still has the address of before.
      await using stale = await startDns('bind', { records: `app ${ttlSeconds} IN A 127.0.0.2\n` });
      const word = ({ host, port }: RunningDns['endpoint']): string => `${host}:${port}`;
      const before = await readFile(proxy.paths.config, 'utf8');
      const after = before.replaceAll(word(dns.endpoint), word(stale.endpoint));
      expect(after).not.toBe(before);
      const reload = async (config: string): Promise<void> => {
        const channel = await channels.to('lb-1');
        const master = nginxMaster(channel, join(proxy.paths.folder, 'pid'), edge);
        const old = (await master.read(AbortSignal.timeout(30_000))).serving;
        await proxy.rewrite(config);
        await proxy.reload();
        const left = async () =>
          (await master.read(AbortSignal.timeout(30_000))).serving.filter((pid) => old.includes(pid));
        await expect.poll(left, { timeout: 20_000 }).toEqual([]);
      };
      await provider.perform(follow('127.0.0.3', 20_000), context());
      // In the second look, whose word would be the last: three of them are asked before, and none of those again.
      let looks = 0;
      let dials = 0;
      let reloading: Promise<void> | undefined;
      const through: HostChannels = {
        async to(host, signal) {
          const channel = await channels.to(host, signal);
          return {
            ...channel,
            script: (text, values, options) => {
              if (values.pid_file !== undefined) looks += 1;
              return channel.script(text, values, options);
            },
            dial: async (target, options) => {
              const isProbe = 'port' in target && target.port === proxy.paths.probePort;
              // Each look lists its workers before and afterwards.
              if (isProbe && looks >= 3) {
                dials += 1;
                if (dials > 3) {
                  reloading ??= reload(after);
                  await reloading;
                }
              }
              return channel.dial(target, options);
            },
          };
        },
        [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
      };
      const watched = nginx.open(declared, through);
      const error = await watched
        .perform(follow('127.0.0.3', 2_000), context())
        .catch((cause: unknown) => cause);
      expect(reloading).toBeDefined();
      if (!(error instanceof ProviderFailure)) throw new Error(`it was taken for done: ${String(error)}`);
      expect(`${error.effect} ${error.diagnostic.code}: ${error.diagnostic.detail}`).toMatch(
        /^none pool-not-resolved: .*4 of 4 workers.*uses 127\.0\.0\.2:\d+/,
      );
      // Reloaded in mid-wait with the right one: success, of workers none of which was there when it began.
      const texts: string[] = [];
      const cx = context({ texts });
      let isBack: Promise<void> | undefined;
      await provider.perform(follow('127.0.0.3', 30_000), {
        ...cx,
        report: (event) => {
          cx.report(event);
          isBack ??= reload(before);
        },
      });
      await isBack;
      expect(texts[0]).toMatch(/^0 of 4 workers/);
      expect(texts.at(-1)).toMatch(/^4 of 4 workers use 127\.0\.0\.3/);
      const served = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, {
            headers: { connection: 'close' },
          });
          await answer.arrayBuffer();
          return answer.headers.get('x-served-by');
        }),
      );
      expect(new Set(served)).toEqual(new Set(['green']));
    });

    test('killed and started again it follows the record; while it is down it is unknown', async () => {
      await proxy.kill9();
      expect(await observe(declared)).toMatchObject([{ status: 'unknown' }]);
      await proxy.start();
      await provider.perform(follow('127.0.0.3', 20_000), context());
    });
  },
);

test('a worker that no request comes to is named, and not taken for one that has followed', async () => {
  // Without reuseport it can be that one worker takes every connection.
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'X-Deployctl-Snippet': '1', 'X-Deployctl-Worker': '4711 10.0.1.11:80' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using channels = localChannels(['lb-1']);
  const signal = AbortSignal.timeout(30_000);
  const place = {
    balancer: asAddress('load_balancer.edge'),
    name: 'edge',
    program: 'nginx',
    address: '127.0.0.1',
    port,
  };
  const ask = async (serving: readonly number[]) =>
    askWorkers(await channels.to('lb-1', signal), place, 'shop', [4711, 4712], async () => serving, signal);
  await expect(ask([4711, 4712])).rejects.toMatchObject({
    diagnostic: { code: 'balancer-worker-unreached', detail: expect.stringContaining('worker 4712') },
  });
  // One that ended meanwhile need not follow.
  expect(await ask([4711])).toEqual(new Map([[4711, new Set(['10.0.1.11:80'])]]));
  await new Promise((resolve) => server.close(resolve));
});

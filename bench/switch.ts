/**
 * 50 blue-green switches of a real HAProxy under load, by deployctl and, in the same run, by what people do without it:
 * rewrite the configuration and reload. Prints the figures of both; exits 1 if one of deployctl's is not 0.
 *
 *   node bench/switch.ts [switches] [requests per second]
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteValue } from '../src/model/index.ts';
import { openHaproxy } from '../src/providers/haproxy/index.ts';
import { renderSnippet } from '../src/providers/haproxy/snippet.ts';
import { startBackend } from '../test/rig/backend.ts';
import { balancer, context, edge, localChannels, pool } from '../test/rig/balancers.ts';
import { hasHaproxy, startHaproxy } from '../test/rig/haproxy.ts';
import { startTraffic, type TrafficFigures } from '../test/rig/traffic.ts';

const switches = Number(process.argv[2] ?? 50);
const rate = Number(process.argv[3] ?? 1000);
/** Between two switches, in ms: long enough for requests of 1.5 s to be cut if they are. */
const pauseMs = 250;
const load = { rate, keepAlive: 32, freshShare: 0.2, slow: 4, upgraded: 5 };

interface Result {
  readonly name: string;
  readonly figures: TrafficFigures;
  readonly switchMs: readonly number[];
}

type Side = 'blue' | 'green';
const allTo = (side: Side): RouteValue => ({
  stable: `shop_${side}`,
  canary: `shop_${side}`,
  canaryBasisPoints: 0,
});

/** Sends load all the time, and lets `switchTo` move it there and back. */
async function measure(
  name: string,
  port: number,
  switchTo: (from: Side, to: Side) => Promise<void>,
): Promise<Result> {
  const traffic = startTraffic({ ...load, port }, 'blue');
  const switchMs: number[] = [];
  await sleep(1000);
  let now: Side = 'blue';
  for (let index = 0; index < switches; index += 1) {
    const next: Side = now === 'blue' ? 'green' : 'blue';
    traffic.expectBoth(next);
    const started = performance.now();
    await switchTo(now, next);
    switchMs.push(performance.now() - started);
    traffic.acknowledge(next);
    now = next;
    await sleep(pauseMs);
  }
  return { name, figures: await traffic.stop(), switchMs: switchMs.toSorted((a, b) => a - b) };
}

async function byDeployctl(): Promise<Result> {
  await using blue = await startBackend('blue');
  await using green = await startBackend('green');
  const pools = [pool('shop_blue', { 'web-1': blue.port }), pool('shop_green', { 'web-1': green.port })];
  await using proxy = await startHaproxy({
    config: (paths) =>
      renderSnippet(
        balancer('haproxy', { master_socket: paths.masterSocket, map_file: paths.mapFile }, pools),
        {
          full: true,
          bind: `127.0.0.1:${paths.port}`,
        },
      ),
  });
  const { masterSocket, mapFile, port } = proxy.paths;
  const declared = balancer('haproxy', { master_socket: masterSocket, map_file: mapFile }, pools);
  await using channels = localChannels();
  await using provider = openHaproxy(declared, channels);
  for (const { name } of pools) {
    const settle = {
      op: 'pool.settle',
      balancer: edge,
      pool: name,
      members: ['web-1'],
      withinMs: 10_000,
    } as const;
    await provider.perform(settle, context());
  }
  const set = (from: RouteValue | null, to: RouteValue): Promise<void> =>
    provider.perform(
      { op: 'route.set', balancer: edge, route: 'shop', from: { runtime: from, persisted: from }, to },
      context(),
    );
  await set(null, allTo('blue'));
  return await measure('deployctl: one line of a map, every worker told, verified', port, (from, to) =>
    set(allTo(from), allTo(to)),
  );
}

/** As it is done by hand: the same proxy and checks, another `default_backend`, and a reload until the new worker is there. */
async function byReload(): Promise<Result> {
  await using blue = await startBackend('blue');
  await using green = await startBackend('green');
  const config = (port: number, side: Side): string => `
global
    hard-stop-after 10m
defaults
    mode http
    option redispatch 1
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend edge
    bind 127.0.0.1:${port}
    default_backend shop_${side}
backend shop_blue
    server web-1 127.0.0.1:${blue.port} check inter 1s
backend shop_green
    server web-1 127.0.0.1:${green.port} check inter 1s
`;
  await using proxy = await startHaproxy({ config: ({ port }) => config(port, 'blue') });
  const { folder, port } = proxy.paths;
  return await measure('rewrite and reload of the same proxy', port, async (_from, to) => {
    await writeFile(join(folder, 'haproxy.cfg'), config(port, to));
    await proxy.reload();
  });
}

const column = (text: string | number, width: number): string => String(text).padStart(width);
const ms = (value: number | undefined): string => (value ?? 0).toFixed(1);

function print({ name, figures, switchMs }: Result): void {
  const { requests, withheld, failed, wrong, stale, cut, latencyMs } = figures;
  const median = switchMs[Math.floor(switchMs.length / 2)];
  console.log(
    [
      name.padEnd(60),
      column(requests, 9),
      column(withheld, 8),
      column(failed, 7),
      column(wrong, 6),
      column(stale, 6),
      column(cut, 4),
      column(ms(median), 11),
      column(ms(switchMs.at(-1)), 11),
      column(ms(latencyMs.p99), 8),
    ].join(' '),
  );
}

if (!hasHaproxy) {
  console.error('HAProxy is not installed (/usr/sbin/haproxy).');
  process.exit(1);
}
console.log(
  `${switches} switches at ${rate} requests a second: kept, fresh, 1.5 s long and upgraded connections together\n`,
);
console.log(
  [
    'way'.padEnd(60),
    ' requests',
    'withheld',
    ' failed',
    ' wrong',
    ' stale',
    ' cut',
    ' switch p50',
    '    max, ms',
    'p99, ms',
  ].join(' '),
);
const ours = await byDeployctl();
print(ours);
print(await byReload());
const { failed, wrong, stale, cut } = ours.figures;
for (const reason of ours.figures.reasons) console.log(`  ${reason}`);
process.exitCode = failed + wrong + stale + cut === 0 ? 0 : 1;

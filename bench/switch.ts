/**
 * 50 blue-green switches of each real load balancer under load: by deployctl as it is advised, by the fallback where
 * there is one (nginx by include and reload, Caddy by its API), and in the same run by what people do without it: rewrite
 * the configuration and reload. Prints what each cost clients, and how long a switch took until it was acknowledged and
 * until the last client had seen it. Exits 1 if the advised way cost anything.
 *
 *   node bench/switch.ts [switches] [requests per second] [haproxy | nginx | caddy | apache ...]
 *
 * Everything with 20 switches at 300 a second takes six minutes on two busy cores; 50 at 1,000 are for one balancer at a time.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BalancerDeclared, PoolDeclared, RouteValue } from '../src/model/index.ts';
import { type BalancerKind, balancerKind } from '../src/providers/registry.ts';
import { type Backend, startBackend } from '../test/rig/backend.ts';
import { balancer, context, edge, localChannels, pool } from '../test/rig/balancers.ts';
import { hasHaproxy, startHaproxy } from '../test/rig/haproxy.ts';
import {
  apacheProgram,
  caddyJsonProgram,
  caddyProgram,
  isInstalled,
  nginxProgram,
  type ProxyPaths,
  type ProxyProgram,
  startProxy,
} from '../test/rig/proxies.ts';
import { startTraffic, type TrafficFigures } from '../test/rig/traffic.ts';

const switches = Number(process.argv[2] ?? 50);
const rate = Number(process.argv[3] ?? 1000);
const wanted = process.argv.slice(4);
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

/** By the provider of that kind, on a proxy that runs with what `snippet --full` prints. */
async function byDeployctl(
  name: string,
  kind: BalancerKind,
  pools: readonly PoolDeclared[],
  declared: BalancerDeclared,
  port: number,
  way = 'read for each request',
): Promise<Result> {
  await using channels = localChannels();
  await using provider = kind.open(declared, channels);
  for (const each of pools) {
    const settle = {
      op: 'pool.settle',
      balancer: edge,
      pool: each.name,
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
  return await measure(`${name}: deployctl, ${way}, verified`, port, (from, to) =>
    set(allTo(from), allTo(to)),
  );
}

interface Sides {
  readonly blue: Backend;
  readonly green: Backend;
}

const poolsOf = ({ blue, green }: Sides): readonly PoolDeclared[] => [
  pool('shop_blue', { 'web-1': blue.port }),
  pool('shop_green', { 'web-1': green.port }),
];

async function haproxyByDeployctl(sides: Sides, kind: BalancerKind): Promise<Result> {
  const pools = poolsOf(sides);
  const declare = ({ masterSocket, mapFile }: { masterSocket: string; mapFile: string }) =>
    balancer('haproxy', { master_socket: masterSocket, map_file: mapFile }, pools);
  await using proxy = await startHaproxy({
    config: (paths) => kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` }),
  });
  return await byDeployctl('HAProxy', kind, pools, declare(proxy.paths), proxy.paths.port);
}

async function filesByDeployctl(sides: Sides, kind: BalancerKind, program: ProxyProgram): Promise<Result> {
  const pools = poolsOf(sides);
  const mapIn = ({ folder }: ProxyPaths): string => join(folder, 'edge.map');
  const declare = (paths: ProxyPaths) => {
    const files = kind.name === 'apache' ? { map_file: mapIn(paths) } : { flags_dir: paths.flagsDir };
    return balancer(kind.name, { ...files, probe_address: `127.0.0.1:${paths.probePort}` }, pools);
  };
  await using proxy = await startProxy(program, async (paths) => {
    await writeFile(mapIn(paths), '');
    return kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
  });
  return await byDeployctl(program.name, kind, pools, declare(proxy.paths), proxy.paths.port);
}

interface Fallback {
  readonly program: ProxyProgram;
  readonly way: string;
  settings(paths: ProxyPaths): Readonly<Record<string, string>>;
}

const fallbacks: Readonly<Record<string, Fallback>> = {
  nginx: {
    program: nginxProgram,
    way: 'include and reload',
    settings: ({ folder }) => ({ include_file: join(folder, 'edge.map'), pid_file: join(folder, 'pid') }),
  },
  caddy: {
    program: caddyJsonProgram,
    way: 'admin API',
    settings: ({ adminPort, config }) => ({ admin_address: `127.0.0.1:${adminPort}`, config_file: config }),
  },
};

/** Where flags are refused. */
async function toldByDeployctl(
  sides: Sides,
  kind: BalancerKind,
  { program, way, settings }: Fallback,
): Promise<Result> {
  const pools = poolsOf(sides);
  const declare = (paths: ProxyPaths) =>
    balancer(kind.name, { probe_address: `127.0.0.1:${paths.probePort}`, ...settings(paths) }, pools);
  await using proxy = await startProxy(program, async (paths) => {
    const file = settings(paths).include_file;
    if (file !== undefined) await writeFile(file, '');
    return kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
  });
  return await byDeployctl(program.name, kind, pools, declare(proxy.paths), proxy.paths.port, way);
}

/** As it is done by hand: the same proxy and checks, another pool in the configuration, and a reload. */
async function haproxyByReload({ blue, green }: Sides): Promise<Result> {
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
  return await measure('HAProxy: rewrite and reload', port, async (_from, to) => {
    await writeFile(join(folder, 'haproxy.cfg'), config(port, to));
    await proxy.reload();
  });
}

interface Ports {
  readonly port: number;
  readonly probePort: number;
}

const handmade: Readonly<Record<string, (ports: Ports, to: Backend) => string>> = {
  apache: ({ port, probePort }, to) => `${['mpm_event', 'authz_core', 'proxy', 'proxy_http']
    .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
    .join('\n')}
User www-data
Group www-data
ServerName localhost
ServerLimit 4
StartServers 4
ThreadsPerChild 128
MaxRequestWorkers 512
MaxSpareThreads 512
KeepAliveTimeout 60
MaxKeepAliveRequests 10000
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${probePort}
ProxyPass / http://127.0.0.1:${to.port}/ upgrade=ANY
`,
  nginx: ({ port, probePort }, to) => `user www-data;
worker_shutdown_timeout 10s;
events { worker_connections 4096; }
http {
  access_log off;
  map $http_upgrade $connection_upgrade { default upgrade; "" close; }
  upstream shop { server 127.0.0.1:${to.port}; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${probePort};
    location / {
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_pass http://shop;
    }
  }
}
`,
  caddy: ({ port, probePort }, to) => `http://:${port}, http://:${probePort} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${to.port}
}
`,
};

async function flagsByReload(sides: Sides, program: ProxyProgram): Promise<Result> {
  const config = handmade[program.name];
  if (config === undefined) throw new Error(`nobody wrote how ${program.name} is reloaded`);
  await using proxy = await startProxy(program, (paths) => config(paths, sides.blue));
  return await measure(`${program.name}: rewrite and reload`, proxy.paths.port, async (_from, to) => {
    await proxy.rewrite(config(proxy.paths, sides[to]));
    await proxy.reload();
    // Until a fresh request is answered by the other side, as somebody who looks would say it is done.
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, {
        headers: { connection: 'close' },
      });
      await answer.arrayBuffer();
      if (answer.headers.get('x-served-by') === to) return;
      await sleep(5);
    }
  });
}

const column = (text: string | number, width: number): string => String(text).padStart(width);
const ms = (value: number | undefined): string => (value ?? 0).toFixed(1);

function print({ name, figures, switchMs }: Result): void {
  const { requests, withheld, failed, wrong, stale, cut, seenMs, latencyMs } = figures;
  const median = (sorted: readonly number[]): number | undefined => sorted[Math.floor(sorted.length / 2)];
  console.log(
    [
      name.padEnd(52),
      column(requests, 9),
      column(withheld, 8),
      column(failed, 7),
      column(wrong, 6),
      column(stale, 6),
      column(cut, 4),
      column(ms(median(switchMs)), 10),
      column(ms(switchMs.at(-1)), 7),
      column(ms(median(seenMs)), 9),
      column(ms(seenMs.at(-1)), 7),
      column(ms(latencyMs.p99), 8),
      column(ms(latencyMs.p99Near), 8),
      column(ms(latencyMs.p99Away), 8),
    ].join(' '),
  );
}

console.log(
  `${switches} switches at ${rate} requests a second: kept, fresh, 1.5 s long and upgraded connections together\n`,
);
console.log(
  [
    'way'.padEnd(52),
    ' requests',
    'withheld',
    ' failed',
    ' wrong',
    ' stale',
    ' cut',
    'acked p50',
    '    max',
    ' seen p50',
    'max, ms',
    'p99, ms',
    '    near',
    '    away',
  ].join(' '),
);

const programs: readonly ProxyProgram[] = [nginxProgram, caddyProgram, apacheProgram];
let isClean = true;
for (const name of ['haproxy', 'nginx', 'caddy', 'apache'].filter(
  (each) => wanted.length === 0 || wanted.includes(each),
)) {
  const kind = balancerKind(name);
  const program = programs.find((each) => each.name === name);
  if (kind === undefined || (program === undefined ? !hasHaproxy : !isInstalled(program))) {
    console.log(`${name.padEnd(52)} is not installed here`);
    continue;
  }
  await using blue = await startBackend('blue');
  await using green = await startBackend('green');
  const sides = { blue, green };
  const ours = await (program === undefined
    ? haproxyByDeployctl(sides, kind)
    : filesByDeployctl(sides, kind, program));
  print(ours);
  const fallback = fallbacks[name];
  if (fallback !== undefined) print(await toldByDeployctl(sides, kind, fallback));
  print(await (program === undefined ? haproxyByReload(sides) : flagsByReload(sides, program)));
  const { failed, wrong, stale, cut, reasons } = ours.figures;
  for (const reason of reasons) console.log(`  ${reason}`);
  isClean &&= failed + wrong + stale + cut === 0;
}
process.exitCode = isClean ? 0 : 1;

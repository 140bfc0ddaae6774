/**
 * The ways of deployctl to switch a real load balancer: as it is advised, and the fallback where there is one (nginx by
 * include and reload, Caddy by its API); and after them what people do by hand.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BalancerDeclared, PoolDeclared, RouteValue } from '../../src/model/index.ts';
import { type BalancerKind, balancerKind } from '../../src/providers/registry.ts';
import { balancer, context, declaring, edge, pool } from '../../test/rig/balancers.ts';
import { hasHaproxy, startHaproxy } from '../../test/rig/haproxy.ts';
import {
  apacheProgram,
  caddyJsonProgram,
  caddyProgram,
  isInstalled,
  nginxProgram,
  type ProxyPaths,
  type ProxyProgram,
  startProxy,
} from '../../test/rig/proxies.ts';
import { haproxyByReload, proxyByReload } from './by-hand.ts';
import type { Measure, Side, Stage, Way } from './way.ts';

/** undefined: it is not installed here. The advised way comes first. */
export function waysOf(name: string): readonly Way[] | undefined {
  const kind = balancerKind(name);
  if (kind === undefined) throw new Error(`there is no load balancer called ${name}`);
  if (name === 'haproxy') return hasHaproxy ? [haproxyByDeployctl(kind), haproxyByReload] : undefined;
  const program = programs.find((each) => each.name === name);
  if (program === undefined || !isInstalled(program)) return undefined;
  const fallback = fallbacks[name];
  return [
    byFiles(kind, program),
    ...(fallback === undefined ? [] : [byProxy(kind, fallback)]),
    proxyByReload(program),
  ];
}

const programs: readonly ProxyProgram[] = [nginxProgram, caddyProgram, apacheProgram];

const allTo = (side: Side): RouteValue => ({
  stable: `shop_${side}`,
  canary: `shop_${side}`,
  canaryBasisPoints: 0,
});

/** By the provider of that kind, on a proxy that runs with what `snippet --full` prints. */
async function byDeployctl<T>(
  kind: BalancerKind,
  stage: Stage,
  declared: BalancerDeclared,
  port: number,
  measure: Measure<T>,
): Promise<T> {
  await using provider = kind.open(declared, stage.channels);
  for (const each of poolsOf(stage)) {
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
  return await measure({
    port,
    switchTo: (from, to) => set(allTo(from), allTo(to)),
    async lookAt(side) {
      await provider.observe(declaring(declared), new AbortController().signal);
      await set(allTo(side), allTo(side));
    },
  });
}

const poolsOf = ({ blue, green }: Stage): readonly PoolDeclared[] => [
  pool('shop_blue', { 'web-1': blue.port }),
  pool('shop_green', { 'web-1': green.port }),
];

const haproxyByDeployctl = (kind: BalancerKind): Way => ({
  name: 'HAProxy, deployctl: map and socket',
  async stand(stage, measure) {
    const declare = ({ masterSocket, mapFile }: { masterSocket: string; mapFile: string }) =>
      balancer('haproxy', { master_socket: masterSocket, map_file: mapFile }, poolsOf(stage));
    await using proxy = await startHaproxy({
      config: (paths) => kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` }),
      by: stage.by,
    });
    return await byDeployctl(kind, stage, declare(proxy.paths), proxy.paths.port, measure);
  },
});

const mapIn = ({ folder }: ProxyPaths): string => join(folder, 'edge.map');

const byFiles = (kind: BalancerKind, program: ProxyProgram): Way =>
  byProxy(kind, {
    program,
    way: kind.name === 'apache' ? 'map file' : 'flags',
    settings: (paths) =>
      kind.name === 'apache' ? { map_file: mapIn(paths) } : { flags_dir: paths.flagsDir },
  });

interface Told {
  readonly program: ProxyProgram;
  readonly way: string;
  settings(paths: ProxyPaths): Readonly<Record<string, string>>;
}

/** Where flags are refused. */
const fallbacks: Readonly<Record<string, Told>> = {
  nginx: {
    program: nginxProgram,
    way: 'include and reload',
    settings: (paths) => ({ include_file: mapIn(paths), pid_file: join(paths.folder, 'pid') }),
  },
  caddy: {
    program: caddyJsonProgram,
    way: 'admin API',
    settings: ({ adminPort, config }) => ({ admin_address: `127.0.0.1:${adminPort}`, config_file: config }),
  },
};

const byProxy = (kind: BalancerKind, { program, way, settings }: Told): Way => ({
  name: `${program.name}, deployctl: ${way}`,
  async stand(stage, measure) {
    const declare = (paths: ProxyPaths) =>
      balancer(
        kind.name,
        { probe_address: `127.0.0.1:${paths.probePort}`, ...settings(paths) },
        poolsOf(stage),
      );
    await using proxy = await startProxy(
      program,
      async (paths) => {
        await writeFile(mapIn(paths), '');
        return kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
      },
      stage.by,
    );
    return await byDeployctl(kind, stage, declare(proxy.paths), proxy.paths.port, measure);
  },
});

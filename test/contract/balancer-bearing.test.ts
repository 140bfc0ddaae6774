/**
 * Pools that cannot bear what a switch would send them: half of the members dead before it, or dying in the middle of it,
 * and members that come and go. Each is refused before anything is written, or said when it is seen, with who and why.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BalancerDeclared, Operation, Provider, RouteValue } from '../../src/model/index.ts';
import { caddy } from '../../src/providers/caddy/index.ts';
import { haproxy } from '../../src/providers/haproxy/index.ts';
import { nginx } from '../../src/providers/nginx/index.ts';
import type { BalancerKind } from '../../src/providers/registry.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { aroundWrite, balancer, context, edge, localChannels, pool } from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { hasHaproxy, startHaproxy } from '../rig/haproxy.ts';
import { caddyProgram, isInstalled, nginxProgram, type ProxyProgram, startProxy } from '../rig/proxies.ts';

interface Running extends AsyncDisposable {
  readonly declared: BalancerDeclared;
  readonly port: number;
}

type Pools = BalancerDeclared['pools'];

async function runHaproxy(pools: Pools): Promise<Running> {
  const declare = (masterSocket: string, mapFile: string) =>
    balancer('haproxy', { master_socket: masterSocket, map_file: mapFile }, pools);
  const proxy = await startHaproxy({
    config: (paths) =>
      haproxy.snippet(declare(paths.masterSocket, paths.mapFile), {
        full: true,
        bind: `127.0.0.1:${paths.port}`,
      }),
  });
  const { masterSocket, mapFile, port } = proxy.paths;
  return {
    declared: declare(masterSocket, mapFile),
    port,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

const runWithFlags =
  (kind: BalancerKind, program: ProxyProgram) =>
  async (pools: Pools): Promise<Running> => {
    const declare = (flagsDir: string, probePort: number) =>
      balancer(kind.name, { flags_dir: flagsDir, probe_address: `127.0.0.1:${probePort}` }, pools);
    const proxy = await startProxy(program, ({ flagsDir, probePort, port }) =>
      kind.snippet(declare(flagsDir, probePort), { full: true, bind: `127.0.0.1:${port}` }),
    );
    const { flagsDir, probePort, port } = proxy.paths;
    return {
      declared: declare(flagsDir, probePort),
      port,
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    };
  };

const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
const blue = allTo('shop_blue');
const green = allTo('shop_green');

const move = (from: RouteValue | null, to: RouteValue, least?: number): Operation => ({
  op: 'route.set',
  balancer: edge,
  route: 'shop',
  from: { runtime: from, persisted: from },
  to,
  ...(least === undefined ? {} : { bearing: { pool: 'shop_green', least } }),
});
const settle = (withinMs: number): Operation => ({
  op: 'pool.settle',
  balancer: edge,
  pool: 'shop_green',
  members: ['web-1', 'web-2'],
  withinMs,
});

describe.for([
  { kind: haproxy, isThere: hasHaproxy, run: runHaproxy },
  { kind: nginx, isThere: isInstalled(nginxProgram), run: runWithFlags(nginx, nginxProgram) },
  { kind: caddy, isThere: isInstalled(caddyProgram), run: runWithFlags(caddy, caddyProgram) },
])('$kind.name, in front of a pool that cannot bear it', { timeout: 60_000 }, ({ kind, isThere, run }) => {
  const skipped = !isThere;
  let sides: { readonly blue: Backend; readonly first: Backend; readonly second: Backend };
  let running: Running;
  let provider: Provider;
  const channels = localChannels();

  beforeAll(async () => {
    if (skipped) return;
    const first = await startBackend('green', '127.0.0.2');
    sides = {
      blue: await startBackend('blue'),
      first,
      second: await startBackend('green', '127.0.0.3', first.port),
    };
    const { port } = first;
    running = await run([
      pool('shop_blue', { 'web-1': sides.blue.port }),
      {
        ...pool('shop_green', { 'web-1': port }),
        members: [
          { name: 'web-1', address: '127.0.0.2', port },
          { name: 'web-2', address: '127.0.0.3', port },
        ],
      },
    ]);
    provider = kind.open(running.declared, channels);
    await provider.perform(
      { ...settle(20_000), pool: 'shop_blue', members: ['web-1'] } as Operation,
      context(),
    );
    await provider.perform(move(null, blue), context());
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    for (const each of Object.values(sides ?? {})) await each[Symbol.asyncDispose]();
    await channels[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    if (!skipped) await provider.perform(settle(20_000), context());
  });

  const served = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${running.port}/`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.headers.get('x-served-by') ?? String(answer.status);
  };
  const refusalOf = async (attempt: Promise<unknown>): Promise<string> => {
    const { effect, diagnostic } = await failureOf(attempt);
    return `${effect} ${diagnostic.code}: ${diagnostic.detail}`;
  };
  /** Who is not up, as the balancer sees it. */
  const settling = (): Promise<string> =>
    refusalOf(provider.perform(settle(0), context())).catch(() => 'all are up');
  const untilDown = async (...members: readonly string[]): Promise<void> => {
    const seen = () => refusalOf(provider.perform(settle(0), context())).catch(() => 'all are up');
    await expect
      .poll(seen, { timeout: 20_000 })
      .toMatch(new RegExp(members.map((name) => `${name} is ready and not up`).join('.*')));
  };

  test.skipIf(skipped)(
    'half of it is dead: refused before traffic, with who and why; enough where the floor says so, and for a way back',
    async () => {
      await sides.second.kill();
      await untilDown('web-2');
      expect(await refusalOf(provider.perform(move(blue, green, 2), context()))).toMatch(
        /^none balancer-pool-short: On lb-1, 1 of 2 members of "shop_green" take requests, and 2 must before it gets them: web-2 is ready, down \(.*(refused|ECONNREFUSED).*\)\. The route was not touched\.$/i,
      );
      const share = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 1000 };
      expect(await refusalOf(provider.perform(move(blue, share, 2), context()))).toMatch(
        /^none balancer-pool-short: /,
      );
      expect(await served()).toBe('blue');
      // min_in_service of 50% asks for one; and what has the requests already is no worse for being written again.
      await provider.perform(move(blue, green, 1), context());
      expect(await served()).toBe('green');
      await provider.perform(move(green, green, 2), context());
      await provider.perform(move(green, blue), context());
      await provider.perform(move(blue, green), context());
      await provider.perform(move(green, blue), context());
      expect(await served()).toBe('blue');
      await sides.second.restart();
    },
  );

  test.skipIf(skipped)(
    'half of it dies between the check and the switch: seen after it, by name, so that the run takes it back',
    async () => {
      const dying = kind.open(
        running.declared,
        aroundWrite(channels, 'before', async () => {
          await sides.second.kill();
          await untilDown('web-2');
        }),
      );
      expect(await refusalOf(dying.perform(move(blue, green, 2), context()))).toMatch(
        /^maybe balancer-pool-lost: load_balancer\.edge\.route\["shop"\] is shop_green now\. On lb-1, 1 of 2 members of "shop_green" take requests since then, and 2 must: web-2 is ready, down/,
      );
      expect(await provider.look(move(blue, green, 2), context())).toEqual({ at: 'after' });
      await provider.perform(move(green, blue), context());
      expect(await served()).toBe('blue');
      await sides.second.restart();
    },
  );

  test.skipIf(skipped)('all of it dies then: the same, whatever the floor is', async () => {
    const dying = kind.open(
      running.declared,
      aroundWrite(channels, 'before', async () => {
        await sides.first.kill();
        await sides.second.kill();
        await untilDown('web-1', 'web-2');
      }),
    );
    expect(await refusalOf(dying.perform(move(blue, green, 1), context()))).toMatch(
      /^maybe (balancer-pool-lost: .* 0 of 2 members .* 1 must: web-1 is ready, down .*; web-2 is ready, down|route-not-obeyed: )/,
    );
    await provider.perform(move(green, blue), context());
    expect(await served()).toBe('blue');
    await sides.first.restart();
    await sides.second.restart();
  });

  test.skipIf(skipped)(
    'a member whose check fails every other time does not settle, though it is up at some look',
    async () => {
      // As after a start: it has to pass twice in a row, which it never does.
      sides.second.health('ill');
      await untilDown('web-2');
      sides.second.health('by turns');
      const failure = await refusalOf(provider.perform(settle(2_000), context()));
      expect(failure).toMatch(
        /^none pool-not-up: 1 of 2 members of "shop_green" are not up for load_balancer\.edge after 2 s: web-2 is ready and (not up|has not passed its last check) \(.*\) on lb-1/,
      );
      expect(failure).toContain('503');
      if (kind === haproxy) {
        expect(await refusalOf(provider.perform(move(blue, green, 2), context()))).toMatch(
          /^none balancer-pool-short: .*web-2 is ready, /,
        );
      } else {
        // It checks nothing between two looks: up at the one before the switch, and down at the one after it.
        expect(failure).toMatch(/and was up in \d+ of \d+ looks/);
        expect(await refusalOf(provider.perform(move(blue, green, 2), context()))).toMatch(
          /^maybe balancer-pool-lost: .*web-2 is ready, down \(answered 503\)/,
        );
        await provider.perform(move(green, blue), context());
      }
      sides.second.health('well');
    },
  );

  test.runIf(!skipped && kind === haproxy)(
    'a member that flaps is not brought back: it stays in drain, where nobody is sent to it, and says why',
    async () => {
      const set = (from: 'ready' | 'maint' | 'drain', to: 'ready' | 'maint'): Operation => ({
        op: 'member.set',
        balancer: edge,
        pool: 'shop_green',
        member: 'web-2',
        from,
        to,
      });
      await provider.perform(set('ready', 'maint'), context());
      sides.second.health('ill');
      const cx = context();
      const began = cx.clock.now();
      // The half minute that it waits passes ten times as fast.
      const clock = { ...cx.clock, now: () => (began + (cx.clock.now() - began) * 10) as typeof began };
      const attempt = refusalOf(provider.perform(set('maint', 'ready'), { ...cx, clock }));
      await expect.poll(settling, { timeout: 20_000 }).toMatch(/web-2 is drain and not up/);
      sides.second.health('by turns');
      expect(await attempt).toMatch(
        /^maybe member-not-settled: .*member\["web-2"\] on lb-1 is in drain and (not up|has not passed its last check) \(.*503.*\) after 30 s.*it should be ready\. In drain it gets no new requests\.$/,
      );
      sides.second.health('well');
      await provider.perform(set('drain', 'ready'), context());
    },
  );
});

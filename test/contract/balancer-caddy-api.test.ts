/** Caddy by its admin API: the laws of every balancer, and what only its configuration can do. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BalancerDeclared, Provider, RouteValue } from '../../src/model/index.ts';
import { caddy } from '../../src/providers/caddy/index.ts';
import {
  findObject,
  parseRouteObject,
  withObject,
  withRoute,
} from '../../src/providers/caddy/route-object.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import {
  aroundWrite,
  balancer,
  context,
  declaring,
  edge,
  helpless,
  localChannels,
  pool,
} from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import {
  caddyJsonProgram,
  isInstalled,
  type ProxyPaths,
  type RunningProxy,
  startProxy,
} from '../rig/proxies.ts';
import { type Backends, type BalancerUnderTest, describeBalancer } from './balancer-contract.ts';

interface ApiUnderTest extends BalancerUnderTest {
  readonly proxy: RunningProxy;
}

const id = 'deployctl_edge';

async function start({ blue, green }: Backends): Promise<ApiUnderTest> {
  const declare = (paths: ProxyPaths): BalancerDeclared =>
    balancer(
      'caddy',
      {
        admin_address: `127.0.0.1:${paths.adminPort}`,
        config_file: paths.config,
        probe_address: `127.0.0.1:${paths.probePort}`,
      },
      [pool('shop_blue', { 'web-1': blue.port }), pool('shop_green', { 'web-1': green.port })],
    );
  const proxy = await startProxy(caddyJsonProgram, (paths) =>
    caddy.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` }),
  );
  const { config, adminPort, port } = proxy.paths;
  const declared = declare(proxy.paths);
  const channels = localChannels();
  const objectUrl = `http://127.0.0.1:${adminPort}/id/${id}`;
  return {
    proxy,
    declared,
    port,
    rate: 300,
    open: (through = (each) => each) => caddy.open(declared, through(channels)),
    callByCall: helpless,
    async setRouteByHand(route, value) {
      const object = parseRouteObject(await (await fetch(objectUrl)).text());
      if (object === undefined) throw new Error('no routes');
      const answer = await fetch(objectUrl, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(withRoute(object, route, value)),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async editPersistedByHand(route, value) {
      const text = await readFile(config, 'utf8');
      const span = findObject(text, id);
      const object = span && parseRouteObject(text.slice(span.start, span.end));
      if (span === undefined || object === undefined) throw new Error('no routes');
      await writeFile(config, withObject(text, span, withRoute(object, route, value)));
    },
    setMemberByHand: () => Promise.reject(new Error('it has no such thing')),
    kill9: () => proxy.kill9(),
    start: () => proxy.start(),
    reload: () => proxy.reload(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
    },
  };
}

describeBalancer('Caddy by its admin API', start, {
  isAvailable: isInstalled(caddyJsonProgram),
  membersFixed: true,
  switchCosts: true,
  scriptsHere: 4,
});

describe.skipIf(!isInstalled(caddyJsonProgram))('a configuration of Caddy that others change too', () => {
  let backends: { readonly blue: Backend; readonly green: Backend };
  let running: ApiUnderTest;
  let provider: Provider;
  const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
  const blue = allTo('shop_blue');
  const green = allTo('shop_green');
  const share: RouteValue = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 1000 };

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

  const move = (from: RouteValue | null, to: RouteValue, by = provider): Promise<void> =>
    by.perform(
      { op: 'route.set', balancer: edge, route: 'shop', from: { runtime: from, persisted: from }, to },
      context(),
    );
  const codeOf = async (attempt: Promise<unknown>): Promise<readonly [string, string]> => {
    const { diagnostic, effect } = await failureOf(attempt);
    return [diagnostic.code, effect];
  };
  const route = async () =>
    (await provider.observe(declaring(running.declared), new AbortController().signal)).observations.find(
      ({ kind }) => kind === 'route',
    );

  test('between the file and the API: the tag does not fit, theirs stays, and the file is put back', async () => {
    const { config } = running.proxy.paths;
    const before = await readFile(config, 'utf8');
    const late = running.open((channels) =>
      aroundWrite(channels, 'after', () => running.setRouteByHand('shop', share)),
    );
    expect(await codeOf(move(blue, green, late))).toEqual(['route-changed', 'none']);
    expect(await readFile(config, 'utf8')).toBe(before);
    expect(await route()).toMatchObject({ spec: { runtime: share, persisted: blue } });
    await running.setRouteByHand('shop', blue);
  });

  test('what Caddy refuses leaves it as it was, and the file too', async () => {
    const { config, adminPort } = running.proxy.paths;
    const before = await readFile(config, 'utf8');
    const object = `http://127.0.0.1:${adminPort}/id/${id}`;
    const late = running.open((channels) =>
      aroundWrite(channels, 'after', async () => {
        // Caddy's own configuration goes away under it: there is nothing to change any more.
        await fetch(`http://127.0.0.1:${adminPort}/config/apps`, { method: 'DELETE' });
      }),
    );
    expect(await codeOf(move(blue, green, late))).toEqual(['config-refused', 'none']);
    expect(await readFile(config, 'utf8')).toBe(before);
    expect((await fetch(object)).status).toBe(404);
    expect(await route()).toMatchObject({ status: 'unknown', why: { code: 'balancer-snippet-missing' } });
    await running.proxy.reload();
    await expect.poll(route).toMatchObject({ spec: { runtime: blue, persisted: blue } });
  });

  test('a file that holds no routes is said, and nothing is planned upon it', async () => {
    const { config } = running.proxy.paths;
    const before = await readFile(config, 'utf8');
    await writeFile(config, before.replace(id, 'other'));
    expect(await route()).toMatchObject({ status: 'unknown', why: { code: 'config-without-routes' } });
    expect(await codeOf(move(blue, green))).toEqual(['config-without-routes', 'none']);
    await writeFile(config, before);
    expect(await route()).toMatchObject({ spec: { runtime: blue, persisted: blue } });
  });

  test('doctor warns of a file that Caddy was not started with', async () => {
    const complaints = async (settings: Readonly<Record<string, string>>): Promise<readonly string[]> => {
      const declared = { ...running.declared, settings: { ...running.declared.settings, ...settings } };
      await using other = caddy.open(declared, localChannels());
      const found = (await other.check?.(declaring(declared), new AbortController().signal)) ?? [];
      return found
        .flatMap(({ finding }) => (finding.at === 'wrong' ? finding.why : []))
        .map(({ code }) => code);
    };
    expect(await complaints({})).toEqual([]);
    const copy = `${running.proxy.paths.folder}/copy.json`;
    await writeFile(copy, await readFile(running.proxy.paths.config));
    expect(await complaints({ config_file: copy })).toEqual(['config-not-read']);
  });
});

/** Traps of proxies that read flags: each is said by name, and none ends in a quiet switch to the wrong pool. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Observation, type Provider, type RouteValue, routeAddress } from '../../src/model/index.ts';
import { caddy } from '../../src/providers/caddy/index.ts';
import { nginx } from '../../src/providers/nginx/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { context, declaring, edge } from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { caddyProgram, isInstalled, nginxProgram } from '../rig/proxies.ts';
import { type FlagsUnderTest, revisions, startFlags } from './balancer-flags.ts';

const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
const blue = allTo('shop_blue');
const green = allTo('shop_green');

describe.for([
  { kind: nginx, program: nginxProgram },
  { kind: caddy, program: caddyProgram },
])('$kind.name with flags', ({ kind, program }) => {
  const isThere = isInstalled(program);
  let backends: { readonly blue: Backend; readonly green: Backend };
  let running: FlagsUnderTest;
  let provider: Provider;
  let flagsDir: string;

  beforeAll(async () => {
    if (!isThere) return;
    backends = { blue: await startBackend('blue'), green: await startBackend('green') };
    running = await startFlags(kind, program, 0)(backends);
    flagsDir = running.proxy.paths.flagsDir;
    provider = running.open();
    await move(null, blue);
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await backends?.blue[Symbol.asyncDispose]();
    await backends?.green[Symbol.asyncDispose]();
  });

  const move = (from: RouteValue | null, to: RouteValue | null): Promise<void> =>
    provider.perform(
      { op: 'route.set', balancer: edge, route: 'shop', from: { runtime: from, persisted: from }, to },
      context(),
    );
  const route = async (): Promise<Observation | undefined> =>
    (await provider.observe(declaring(running.declared), new AbortController().signal)).observations.find(
      ({ address }) => address === routeAddress(edge, 'shop'),
    );
  const served = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${running.port}/`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.headers.get('x-served-by') ?? String(answer.status);
  };
  const codeOf = async (attempt: Promise<unknown>): Promise<readonly [string, string]> => {
    const { diagnostic, effect } = await failureOf(attempt);
    return [diagnostic.code, effect];
  };
  const withConfig = async (change: (text: string) => string, body: () => Promise<void>): Promise<void> => {
    const { config } = running.proxy.paths;
    const before = await readFile(config, 'utf8');
    const changed = change(before);
    expect(changed).not.toBe(before);
    await writeFile(config, changed);
    await running.proxy.kill9();
    await running.proxy.start();
    try {
      await body();
    } finally {
      await writeFile(config, before);
      await running.proxy.kill9();
      await running.proxy.start();
    }
  };

  test.skipIf(!isThere || kind !== nginx)(
    'a folder that its user cannot read: 503 and not the other pool, said by name',
    async () => {
      for (const folder of [flagsDir, join(flagsDir, 'live/shop')]) {
        await chmod(folder, 0o700);
        expect(await served()).toBe('503');
        expect(await route()).toMatchObject({ status: 'unknown', why: { code: 'balancer-flags-unread' } });
        expect(await codeOf(move(blue, green))).toEqual(['balancer-flags-unread', 'none']);
        await chmod(folder, 0o755);
        expect(await served()).toBe('blue');
      }
    },
  );

  test.skipIf(!isThere)(
    'a configuration without the snippet, or with that of another version or balancer',
    async () => {
      const wrong: readonly (readonly [RegExp, string])[] = [
        [/X-Deployctl-Snippet "?1"?/, 'X-Deployctl-Snippet 7'],
        [/X-Deployctl-Name "?edge"?/, 'X-Deployctl-Name other'],
        [/X-Deployctl-Snippet "?1"?/, 'X-Else 1'],
      ];
      for (const [from, to] of wrong) {
        await withConfig(
          (text) => text.replace(from, to),
          async () => {
            expect(await route()).toMatchObject({
              status: 'unknown',
              why: { code: 'balancer-snippet-missing' },
            });
            expect(await codeOf(move(blue, green))).toEqual(['balancer-snippet-missing', 'none']);
            expect(await served()).toBe('blue');
          },
        );
      }
    },
  );

  test.skipIf(!isThere || kind !== nginx)(
    'a cache of open files in the rest of the configuration hides no switch',
    async () => {
      const cache =
        'open_file_cache max=1000 inactive=60s;\n    open_file_cache_valid 60s;\n    open_file_cache_errors on;';
      await withConfig(
        (text) =>
          text
            .replace('access_log off;', `access_log off;\n    ${cache}`)
            .replace('open_file_cache off;', ''),
        async () => {
          for (const [from, to, side] of [
            [blue, green, 'green'],
            [green, blue, 'blue'],
          ] as const) {
            await move(from, to);
            expect(new Set(await Promise.all(Array.from({ length: 20 }, served)))).toEqual(new Set([side]));
          }
        },
      );
    },
  );

  test.skipIf(!isThere)('old revisions are removed, and numbers are never used again', async () => {
    const before = await revisions(flagsDir);
    const newest = Math.max(...before.map((name) => Number(name.slice(4))));
    for (let index = 0; index < 4; index += 1) {
      await move(blue, green);
      await move(green, blue);
    }
    const after = (await revisions(flagsDir)).map((name) => Number(name.slice(4))).toSorted((a, b) => a - b);
    expect(after).toEqual([4, 5, 6, 7, 8].map((each) => newest + each));
  });

  test.skipIf(!isThere)(
    'a pool that somebody names in the flags and the configuration does not know is shown, and mended',
    async () => {
      const purple = allTo('shop_purple');
      await running.setRouteByHand('shop', purple);
      expect(await served()).toBe('503');
      expect(await route()).toMatchObject({ status: 'present', spec: { runtime: purple } });
      expect(await codeOf(move(blue, green))).toEqual(['route-changed', 'none']);
      await move(purple, blue);
      expect(await served()).toBe('blue');
    },
  );
});

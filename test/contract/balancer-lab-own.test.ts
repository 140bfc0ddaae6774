/** What the lab's balancer does by itself, as any balancer would. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type LabBalancer, type LabPool, startLabBalancer } from '../../src/lab/balancer/index.ts';
import type { BalancerDeclared } from '../../src/model/index.ts';
import { lab } from '../../src/providers/lab/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { balancer, context, localChannels, pool } from '../rig/balancers.ts';

interface Scene extends AsyncDisposable {
  readonly running: LabBalancer;
  readonly folder: string;
  readonly url: string;
}

const poolOf = (members: Readonly<Record<string, number>>): LabPool => ({
  name: 'p',
  members: Object.entries(members).map(([name, port]) => ({ name, address: '127.0.0.1', port })),
  health: { path: '/health', status: 200, intervalMs: 100, timeoutMs: 2000 },
});

async function start(pool: LabPool, kept?: string): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-'));
  const stateFile = join(folder, 'balancer.json');
  await writeFile(
    stateFile,
    kept ?? JSON.stringify({ routes: { shop: { stable: 'p', canary: 'p', canaryBasisPoints: 0 } } }),
  );
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const running = await startLabBalancer({
      port: 0,
      controlSocket: join(folder, 'control.sock'),
      stateFile,
      pools: [pool],
      routes: ['shop'],
    });
    return {
      running,
      folder,
      url: `http://127.0.0.1:${running.port}`,
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        await discard();
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

const two = async (): Promise<readonly [Backend, Backend]> => [
  await startBackend('one'),
  await startBackend('two'),
];

describe("the lab's balancer", () => {
  test('spreads requests over its members, and does without one that died, at once and without a failure', async () => {
    const [one, other] = await two();
    await using _one = one;
    await using _two = other;
    await using scene = await start(poolOf({ one: one.port, two: other.port }));
    const ask = async (): Promise<string> => (await fetch(scene.url)).headers.get('x-served-by') ?? 'nobody';
    expect(new Set(await Promise.all(Array.from({ length: 10 }, ask)))).toEqual(new Set(['one', 'two']));
    await other.kill();
    // Before any check has noticed.
    expect(new Set(await Promise.all(Array.from({ length: 20 }, ask)))).toEqual(new Set(['one']));
    const put = async (): Promise<number> =>
      (await fetch(scene.url, { method: 'PUT', body: 'x'.repeat(100_000) })).status;
    expect(new Set(await Promise.all(Array.from({ length: 10 }, put)))).toEqual(new Set([200]));
  });

  test('passes a body and an answer through as they are, with the address of the client', async () => {
    const echo = createServer((request, response) => {
      response.writeHead(201, {
        'x-from': String(request.headers['x-forwarded-for']),
        'x-method': request.method,
      });
      request.pipe(response);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    await using scene = await start(poolOf({ one: (echo.address() as AddressInfo).port }));
    const body = 'x'.repeat(300_000);
    const answer = await fetch(`${scene.url}/path?q=1`, { method: 'PUT', body });
    expect([answer.status, answer.headers.get('x-from'), answer.headers.get('x-method')]).toEqual([
      201,
      '127.0.0.1',
      'PUT',
    ]);
    expect(await answer.text()).toBe(body);
    echo.closeAllConnections();
    echo.close();
  });

  test('stops when the last request in hand is answered, and takes no new one', async () => {
    await using one = await startBackend('one');
    await using scene = await start(poolOf({ one: one.port }));
    const long = fetch(`${scene.url}/slow?ms=600`).then((answer) => answer.text());
    await sleep(150);
    const started = performance.now();
    await scene.running.stop(10_000);
    expect(await long).toBe('one');
    expect(performance.now() - started).toBeLessThan(8000);
    await expect(fetch(scene.url)).rejects.toThrow();
  });

  test('cuts what is left when its time to stop is over', async () => {
    await using one = await startBackend('one');
    await using scene = await start(poolOf({ one: one.port }));
    const long = fetch(`${scene.url}/slow?ms=20000`).then(
      () => 'answered',
      () => 'cut',
    );
    await sleep(150);
    await scene.running.stop(100);
    expect(await long).toBe('cut');
  });

  test('an answer that a member breaks off is broken off for the client too, not shortened', async () => {
    const breaking = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('part');
      setTimeout(() => response.destroy(), 50);
    });
    await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve));
    const pool = poolOf({ one: (breaking.address() as AddressInfo).port });
    await using scene = await start({ name: pool.name, members: pool.members });
    await expect(fetch(scene.url).then((answer) => answer.text())).rejects.toThrow();
    breaking.close();
  });

  test('a state file that is not what it wrote stops its start: it is not taken for "no routes"', async () => {
    await expect(start(poolOf({}), '{"routes": {"shop"')).rejects.toThrow(/JSON/);
  });

  test('a second one on the same socket is refused, and the first goes on', async () => {
    await using one = await startBackend('one');
    await using scene = await start(poolOf({ one: one.port }));
    const second = startLabBalancer({
      port: 0,
      controlSocket: join(scene.folder, 'control.sock'),
      stateFile: join(scene.folder, 'other.json'),
      pools: [],
      routes: [],
    });
    await expect(second).rejects.toThrow(/already listens/);
    expect((await fetch(scene.url)).status).toBe(200);
  });

  test('takes pools that are written into it, keeps them over a restart, and tells of a change by hand', async () => {
    await using one = await startBackend('one');
    await using other = await startBackend('two');
    const folder = await mkdtemp(join(tmpdir(), 'lab-'));
    const file = join(folder, 'pools.json');
    const options = {
      port: 0,
      controlSocket: join(folder, 'control.sock'),
      stateFile: join(folder, 'balancer.json'),
      pools: [],
      routes: ['shop'],
    };
    const declaredWith = (members: Readonly<Record<string, number>>) =>
      balancer('lab', { control_socket: options.controlSocket, config_file: file }, [pool('a', members)]);
    const before = declaredWith({ one: one.port });
    const after = declaredWith({ one: one.port, two: other.port });
    const textOf = (of: BalancerDeclared): string => lab.renderConfig(of) ?? '';
    await using channels = localChannels();
    await using provider = lab.open(after, channels);
    const configure = (from: string | null, to: string) =>
      ({ op: 'balancer.configure', balancer: after.address, from, to }) as const;
    const first = configure(null, textOf(before));
    const second = configure(textOf(before), textOf(after));
    const cx = context();
    try {
      {
        await using running = await startLabBalancer(options);
        const ask = async (): Promise<string> =>
          (await fetch(`http://127.0.0.1:${running.port}/`)).headers.get('x-served-by') ?? 'nobody';
        expect(await provider.look(first, cx)).toMatchObject({ at: 'before' });
        await provider.perform(first, cx);
        expect(await provider.look(first, cx)).toMatchObject({ at: 'after' });
        await writeRoute(options.controlSocket, { stable: 'a', canary: 'a', canaryBasisPoints: 0 });
        expect(new Set([await ask(), await ask()])).toEqual(new Set(['one']));
        const held = fetch(`http://127.0.0.1:${running.port}/held`, { method: 'POST', body: 'once' });
        await one.untilHeld();
        await provider.perform(second, cx);
        await provider.perform(second, cx);
        one.release();
        // The pool is another one now; what it had begun it finishes.
        expect((await held).status).toBe(200);
        expect(new Set([await ask(), await ask(), await ask()])).toEqual(new Set(['one', 'two']));
      }
      await using _again = await startLabBalancer(options);
      expect(await provider.look(second, cx)).toMatchObject({ at: 'after' });
      await writeFile(file, '{"pools": []}');
      expect(await provider.look(second, cx)).toMatchObject({ at: 'elsewhere' });
      await expect(provider.perform(second, cx)).rejects.toMatchObject({ effect: 'none' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function writeRoute(path: string, to: object): Promise<void> {
  const socket = connect({ path });
  socket.end(`${JSON.stringify({ do: 'route', route: 'shop', to })}\n`);
  expect(await text(socket)).toMatch(/^\{"ok":true/);
}

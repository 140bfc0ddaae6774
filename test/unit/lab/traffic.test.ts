import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { TrafficCount } from '../../../src/lab/traffic/figures.ts';
import { startTraffic } from '../../../src/lab/traffic/generator.ts';

describe('what is counted', () => {
  test('requests by the version that answered, in the order in which versions came', () => {
    const count = new TrafficCount(100, 1_000);
    count.answered('1.0.0', 1_010, 2);
    count.answered('1.0.0', 1_020, 2);
    count.answered('2.0.0', 1_030, 2);
    count.answered('1.0.0', 1_040, 2);
    expect(count.figures(1_100)).toMatchObject({
      since: 1_000,
      until: 1_100,
      requests: 4,
      failed: 0,
      versions: [
        { version: '1.0.0', requests: 3, firstAt: 1_010, lastAt: 1_040 },
        { version: '2.0.0', requests: 1, firstAt: 1_030, lastAt: 1_030 },
      ],
    });
  });

  test('failures as requests too, of which the newest ten are kept', () => {
    const count = new TrafficCount(100, 0);
    for (let at = 1; at <= 12; at += 1) count.failedWith(`reason ${at}`, at);
    const { requests, failed, failures } = count.figures(20);
    expect({ requests, failed }).toEqual({ requests: 12, failed: 12 });
    expect(failures.map(({ at }) => at)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('latencies, to a twentieth of their size', () => {
    const count = new TrafficCount(100, 0);
    for (let ms = 1; ms <= 1_000; ms += 1) count.answered('1', ms, ms);
    const { median, p99, max } = count.figures(1_000).latencyMs;
    expect(median).toBeGreaterThan(475);
    expect(median).toBeLessThan(530);
    expect(p99).toBeGreaterThan(940);
    expect(p99).toBeLessThanOrEqual(1_000);
    expect(max).toBe(1_000);
  });

  test('nothing is nothing', () => {
    expect(new TrafficCount(1, 0).figures(5)).toMatchObject({
      requests: 0,
      latencyMs: { median: 0, p99: 0, max: 0 },
    });
  });
});

describe('what the clients send', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const serve = async (
    answer: (request: number, socket: Socket) => { status: number; body: string } | undefined,
  ) => {
    let requests = 0;
    const connections = new Set<Socket>();
    server = createServer(({ socket }, response) => {
      requests += 1;
      connections.add(socket);
      const given = answer(requests, socket);
      if (given === undefined) socket.destroy();
      else response.writeHead(given.status).end(given.body);
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { port, requests: () => requests, connections };
  };

  const good = { status: 200, body: '{"version":"1.0.0"}' };

  /** Sends until `count` requests were counted. */
  const sendUntil = async (port: number, count: number) => {
    const traffic = startTraffic({ address: '127.0.0.1', port, rate: 500, host: 'shop.test' });
    const deadline = Date.now() + 20_000;
    while (traffic.figures().requests < count && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return traffic.stop();
  };

  test('every request is answered and counted once, over few connections', async () => {
    const world = await serve(() => good);
    const figures = await sendUntil(world.port, 100);
    expect(figures.failed).toBe(0);
    expect(figures.requests).toBe(world.requests());
    expect(world.connections.size).toBeLessThan(figures.requests);
    expect(world.connections.size).toBeGreaterThan(figures.requests / 20);
  });

  test.for([
    ['a status that is not 200', { status: 503, body: good.body }, 'status 503'],
    ['an answer of somebody else', { status: 200, body: 'hello' }, 'an answer that is not the service’s'],
    ['a connection that breaks', undefined, 'ECONNRESET'],
  ] as const)('%s counts as failed', async ([, answer, reason]) => {
    const world = await serve((request) => (request === 30 ? answer : good));
    const figures = await sendUntil(world.port, 60);
    expect(figures.failures.map((failure) => failure.reason)).toEqual([reason]);
    expect(figures.failed).toBe(1);
  });
});

/** The question to a proxy's rules, to a server that closes connections as a proxy does when it is reloaded. */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type ProbePlace, sampleProbe } from '../../src/providers/balancer/probed/probe.ts';
import { edge, localChannels } from '../rig/balancers.ts';

const answer =
  'HTTP/1.1 204 No Content\r\nX-Deployctl-Snippet: 1\r\nX-Deployctl-Name: edge\r\nX-Deployctl-Pool: shop_green\r\n\r\n';

/** Its first connections get so many answers each before they are closed, and all later ones get five. */
async function startRules(first: readonly number[]) {
  let connections = 0;
  const server = createServer((socket: Socket) => {
    const answers = first[connections] ?? 5;
    connections += 1;
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(answer.repeat(answers)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place: ProbePlace = {
    balancer: edge,
    name: 'edge',
    program: 'nginx',
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  };
  return {
    place,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test.for([
  { title: 'a connection that ends after one of five answers is asked anew', first: [1], connections: 2 },
  { title: 'so is one that ends without any', first: [0, 3], connections: 3 },
])('$title', async ({ first, connections }) => {
  await using rules = await startRules(first);
  await using channels = localChannels();
  const signal = AbortSignal.timeout(10_000);
  const samples = await sampleProbe(
    await channels.to('lb-1', signal),
    rules.place,
    { route: 'shop', count: 5 },
    signal,
  );
  expect([samples.taken, samples.byPool.get('shop_green')]).toEqual([5, 5]);
  expect(rules.connections()).toBe(connections);
});

test('rules that never answer to the end are refused after four tries', async () => {
  await using rules = await startRules([1, 1, 1, 1, 1]);
  await using channels = localChannels();
  const signal = AbortSignal.timeout(10_000);
  const channel = await channels.to('lb-1', signal);
  await expect(sampleProbe(channel, rules.place, { route: 'shop', count: 5 }, signal)).rejects.toThrow(
    /nginx answered 1 of 5 requests at its probe address .* and closed the connection/,
  );
  expect(rules.connections()).toBe(4);
});

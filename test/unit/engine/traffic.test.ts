/** The balancer's counters through a run: sums from its beginning, and the two sides of a pool that is renewed host by host. */
import { describe, expect, test } from 'vitest';
import { watchTraffic } from '../../../src/engine/traffic.ts';
import type { EventBody, PoolCounters, PoolTraffic, Provider, StepId } from '../../../src/model/index.ts';
import { TrafficCounter } from '../../../src/providers/balancer/counters.ts';
import type { HostReading } from '../../../src/providers/balancer/reading.ts';
import { planOf } from '../../rig/planning.ts';
import { hostNamed } from '../../rig/sample-plans.ts';
import { VirtualClock } from '../../rig/virtual-clock.ts';
import { canary, declare, seen, service } from '../../rig/worlds.ts';

type Counts = Readonly<Record<string, readonly [requests: number, failed: number, meanMs: number]>>;

const reading = (counts: Counts): readonly HostReading[] => {
  const members = Object.entries(counts).map(
    ([name, [requests, failed, averageMs]]) =>
      [
        name,
        {
          admin: 'ready' as const,
          up: true,
          settled: true,
          sessions: 0,
          check: '',
          counted: { requests, failed, latency: { averageMs, window: 512 } },
        },
      ] as const,
  );
  const sum = (at: 0 | 1): number => Object.values(counts).reduce((total, each) => total + each[at], 0);
  const pool = { sessions: 0, requests: sum(0), failed: sum(1), members: new Map(members) };
  const worker = {
    id: '1',
    name: 'worker 1',
    serving: true,
    routes: undefined,
    pools: new Map([['shop_main', pool]]),
  };
  return [
    {
      host: 'lb-1',
      workers: [worker],
      persisted: new Map(),
      persistedText: undefined,
      persistedIn: 'edge.map',
    },
  ];
};

interface Look {
  readonly counts: Counts;
  readonly returned: readonly string[];
}

/** One slot on three hosts, of which web-3 has the release already; looks once a second. */
async function watched(looks: readonly Look[]) {
  const shop = service({ strategy: canary, slots: ['main'], hosts: hostNamed(3) });
  const found = { main: { 'web-1': '1.0.0', 'web-2': '1.0.0', 'web-3': '2.0.0' } };
  const plan = planOf({ declared: declare([shop], 50), observations: seen(shop, found, 'main') });
  const clock = new VirtualClock();
  const counter = new TrafficCounter();
  let at = -1;
  const traffic = async (): Promise<readonly PoolCounters[]> => {
    at = Math.min(at + 1, looks.length - 1);
    return counter.count(reading(looks[at]?.counts ?? {}), ['shop_main']);
  };
  const isDone = (id: StepId): boolean =>
    looks[at]?.returned.some((host) => id === `shop/main/${host}/return`) ?? false;
  const told: PoolTraffic[] = [];
  const emit = (event: EventBody): void => {
    if (event.type === 'traffic') told.push(...event.pools);
  };
  const watch = watchTraffic(plan, () => ({ traffic }) as unknown as Provider, clock, isDone, emit);
  while (told.length < looks.length) {
    await new Promise((resolve) => setImmediate(resolve));
    if (told.length < looks.length) clock.advance();
  }
  return { told: told.slice(0, looks.length), sums: await watch.end() };
}

describe('the two sides of one pool', () => {
  test('a host counts for the canary from the first look after its return, and what lay between for none', async () => {
    const { told, sums } = await watched([
      { counts: { 'web-1': [100, 0, 10], 'web-2': [100, 0, 10], 'web-3': [100, 0, 20] }, returned: [] },
      { counts: { 'web-1': [110, 0, 10], 'web-2': [120, 1, 10], 'web-3': [105, 2, 20] }, returned: [] },
      // web-1 has come back with the release: its seven requests since the last look may be of either.
      {
        counts: { 'web-1': [117, 3, 30], 'web-2': [130, 1, 10], 'web-3': [115, 2, 20] },
        returned: ['web-1'],
      },
      {
        counts: { 'web-1': [127, 5, 30], 'web-2': [140, 1, 10], 'web-3': [145, 2, 20] },
        returned: ['web-1'],
      },
    ]);
    expect(
      told.map(({ sides }) => [sides?.stable.requests, sides?.canary.requests, sides?.canary.failed]),
    ).toEqual([
      [0, 0, 0],
      [30, 5, 2],
      [40, 15, 2],
      [50, 55, 4],
    ]);
    // 10 requests of 30 ms and 30 of 20 ms: as much as each has just answered.
    expect(told[3]?.sides?.canary.meanMs).toBeCloseTo(22.5);
    expect(told[3]?.requests).toBe(112);
    expect(sums).toEqual({ requests: 112, failed: 8 });
  });
});

/**
 * What a resolver remembers, and the waits of a plan: at the end of each, Unbound answers with what is, and before that it
 * really did not. All rows wait side by side.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { DnsEndpoint, RecordSet } from '../../src/model/index.ts';
import { hasDns, type RunningDns, startDns } from '../rig/dns-servers.ts';
import { declareNamed, named, seenNamed } from '../rig/named-worlds.ts';
import { planOf } from '../rig/planning.ts';
import { hasUnbound, startUnbound } from '../rig/unbound.ts';
import { service } from '../rig/worlds.ts';
import { contextOf, move, open, recordOf, set, zoneAt } from '../rig/zones.ts';

const isHere = hasDns.bind && hasUnbound;

interface Memory {
  readonly row: string;
  /** Of the record before the switch; undefined: there is none, and the resolver was told so. */
  readonly ttlSeconds: number | undefined;
  /** As the zone's `resolver_min_ttl` says. */
  readonly resolverMinTtlSeconds: number;
  readonly unbound: readonly string[];
}

const memories: readonly Memory[] = [
  { row: 'a TTL', ttlSeconds: 4, resolverMinTtlSeconds: 0, unbound: [] },
  { row: 'that there is no such name', ttlSeconds: undefined, resolverMinTtlSeconds: 0, unbound: [] },
  {
    row: 'longer than the TTL, by cache-min-ttl',
    ttlSeconds: 1,
    resolverMinTtlSeconds: 4,
    unbound: ['cache-min-ttl: 4'],
  },
  {
    row: 'what has expired, by serve-expired: its own time and the TTL',
    ttlSeconds: 1,
    resolverMinTtlSeconds: 4,
    unbound: ['serve-expired: yes', 'serve-expired-ttl: 3', 'serve-expired-reply-ttl: 0'],
  },
];

/** How long the plan of such a switch waits before it takes the answer of before for forgotten. */
function plannedWaitMs({ ttlSeconds, resolverMinTtlSeconds }: Memory): number {
  const shop = named(service({ version: '2.0.0' }));
  const before = ttlSeconds === undefined ? undefined : ttlSeconds;
  const declared = declareNamed({
    ...shop,
    traffic: shop.traffic.map((each) =>
      each.kind === 'dns' ? { ...each, ttlSeconds: before ?? 60, switchTtlSeconds: before ?? 60 } : each,
    ),
  });
  const observations = seenNamed(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue').map((each) =>
    each.kind === 'record' && each.status === 'present'
      ? {
          ...each,
          spec: {
            ...each.spec,
            // The SOA of the tests' zone says 2.
            negativeTtlSeconds: 2,
            rrset:
              before === undefined || each.spec.rrset === null
                ? null
                : { ...each.spec.rrset, ttlSeconds: before },
          },
        }
      : each,
  );
  const zones = declared.zones.map((zone) => ({ ...zone, resolverMinTtlSeconds }));
  const { steps } = planOf({ declared: { ...declared, zones }, observations });
  const wait = steps.find(({ id }) => id.endsWith('/name/new-ttl') || id.endsWith('/name/new-name'));
  if (wait?.operation.op !== 'record.expire') throw new Error(`no wait among ${steps.map(({ id }) => id)}`);
  return wait.operation.durationMs;
}

const run = promisify(execFile);
async function answer({ host, port }: DnsEndpoint, name: string): Promise<string> {
  const asked = [`@${host}`, '-p', `${port}`, '+short', `${name}.internal.test`, 'A'];
  return (await run('dig', asked)).stdout.trim();
}

test.skipIf(!isHere)(
  `after each wait of a plan Unbound has forgotten${isHere ? '' : ' (without bind9 or unbound: not covered)'}`,
  async () => {
    await using dns = await startDns('bind');
    expect(await Promise.all(memories.map((memory, index) => remember(dns, memory, `row-${index}`)))).toEqual(
      memories.map(({ row, ttlSeconds }) => ({
        row,
        atOnce: ttlSeconds === undefined ? '' : '10.4.0.1',
        atTheEnd: '10.4.0.2',
      })),
    );
  },
);

async function remember(dns: RunningDns, memory: Memory, name: string) {
  const { row, ttlSeconds, unbound } = memory;
  await using resolver = await startUnbound('internal.test', [dns.endpoint], unbound);
  const record = recordOf(name);
  const zone = open(zoneAt(dns.endpoint, { records: [record] }));
  const before: RecordSet | null = ttlSeconds === undefined ? null : set(ttlSeconds, '10.4.0.1');
  if (before !== null) await zone.perform(move(record, null, before), contextOf());
  const durationMs = plannedWaitMs(memory);
  // As late as can be: what is remembered from here on outlives the switch the longest.
  await answer(resolver.endpoint, name);
  await zone.perform(move(record, before, set(60, '10.4.0.2')), contextOf());
  const switchedAt = performance.now();
  const atOnce = await answer(resolver.endpoint, name);
  await new Promise((resolve) => setTimeout(resolve, durationMs - (performance.now() - switchedAt)));
  return { row, atOnce, atTheEnd: await answer(resolver.endpoint, name) };
}

/**
 * What a resolver remembers, and the waits of a plan: at the end of each, Unbound answers with what is, and before that it
 * really did not. All rows wait side by side.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { DnsEndpoint, ServiceDeclared } from '../../src/model/index.ts';
import { hasDns, type RunningDns, startDns } from '../rig/dns-servers.ts';
import { aliased, declareNamed, named, recordedNamed, seenNamed, withRecord } from '../rig/named-worlds.ts';
import { planOf } from '../rig/planning.ts';
import { hasUnbound, startUnbound } from '../rig/unbound.ts';
import { service } from '../rig/worlds.ts';
import { contextOf, move, open, recordOf, replace, set, zoneAt } from '../rig/zones.ts';

const isHere = hasDns.bind && hasUnbound;

interface Memory {
  readonly row: string;
  /** Of the record before the switch; undefined: there is none, and the resolver was told so. */
  readonly ttlSeconds: number | undefined;
  /** As the zone's `resolver_min_ttl` says. */
  readonly resolverMinTtlSeconds: number;
  readonly unbound: readonly string[];
  /** The switch changes the type of the record as well. */
  readonly becomes?: 'a CNAME' | 'an address';
}

const memories: readonly Memory[] = [
  { row: 'a TTL', ttlSeconds: 4, resolverMinTtlSeconds: 0, unbound: [] },
  {
    row: 'an address where a CNAME is by now',
    ttlSeconds: 3,
    resolverMinTtlSeconds: 0,
    unbound: [],
    becomes: 'a CNAME',
  },
  {
    row: 'a CNAME where an address is by now, whatever the TTL behind it',
    ttlSeconds: 3,
    resolverMinTtlSeconds: 0,
    unbound: [],
    becomes: 'an address',
  },
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
function plannedWaitMs({ ttlSeconds, resolverMinTtlSeconds, becomes }: Memory): number {
  const shop = service({ version: '2.0.0' });
  const quick = (each: ServiceDeclared): ServiceDeclared => ({
    ...each,
    traffic: each.traffic.map((traffic) =>
      traffic.kind === 'dns'
        ? { ...traffic, ttlSeconds: ttlSeconds ?? 60, switchTtlSeconds: ttlSeconds ?? 60 }
        : traffic,
    ),
  });
  const [before, after] = [
    quick(becomes === 'an address' ? aliased(shop) : named(shop)),
    quick(becomes === 'a CNAME' ? aliased(shop) : named(shop)),
  ];
  const [traffic] = before.traffic;
  if (traffic?.kind !== 'dns') throw new Error('it is found by a record');
  const rrset = ttlSeconds === undefined ? null : { ttlSeconds, values: traffic.values.blue ?? [] };
  const { type } = traffic.record;
  const declared = declareNamed(after);
  const observations = withRecord(seenNamed(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue'), after, {
    // The SOA of the tests' zone says 2.
    negativeTtlSeconds: 2,
    ...(becomes === undefined || rrset === null
      ? { rrset }
      : { rrset: null, besides: [type], instead: [{ type, rrset }] }),
  });
  const zones = declared.zones.map((zone) => ({ ...zone, resolverMinTtlSeconds }));
  const recorded = recordedNamed([before], { [type]: { rrset } });
  const { steps } = planOf({ declared: { ...declared, zones }, observations, recorded });
  const wait = steps.find(({ id }) => id.endsWith('/name/new-ttl') || id.endsWith('/name/new-name'));
  if (wait?.operation.op !== 'record.expire') throw new Error(`no wait among ${steps.map(({ id }) => id)}`);
  return wait.operation.durationMs;
}

const run = promisify(execFile);
async function answer({ host, port }: DnsEndpoint, name: string): Promise<string> {
  const asked = [`@${host}`, '-p', `${port}`, '+short', `${name}.internal.test`, 'A'];
  // An alias has a line of its own, before the address that it leads to.
  return (await run('dig', asked)).stdout.trim().split('\n').at(-1) ?? '';
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
  const { row, ttlSeconds, unbound, becomes } = memory;
  await using resolver = await startUnbound('internal.test', [dns.endpoint], unbound);
  const [record, alias] = [recordOf(name), recordOf(name, 'CNAME')];
  const zone = open(zoneAt(dns.endpoint, { records: [record] }));
  const long = set(300, `10.4.0.${becomes === 'an address' ? 1 : 2}`);
  await zone.perform(move(recordOf(`${name}-behind`), null, long), contextOf());
  const behind = set(ttlSeconds ?? 60, `${name}-behind.internal.test.`);
  const addressed = (last: number) => set(ttlSeconds ?? 60, `10.4.0.${last}`);
  const before =
    becomes === 'an address'
      ? move(alias, null, behind)
      : move(record, null, ttlSeconds === undefined ? null : addressed(1));
  const switched =
    becomes === 'a CNAME'
      ? replace(alias, behind, [{ record, rrset: addressed(1) }])
      : becomes === 'an address'
        ? replace(record, addressed(2), [{ record: alias, rrset: behind }])
        : move(record, before.to, set(60, '10.4.0.2'));
  await zone.perform(before, contextOf());
  const durationMs = plannedWaitMs(memory);
  // As late as can be: what is remembered from here on outlives the switch the longest.
  await answer(resolver.endpoint, name);
  await zone.perform(switched, contextOf());
  const switchedAt = performance.now();
  const atOnce = await answer(resolver.endpoint, name);
  await new Promise((resolve) => setTimeout(resolve, durationMs - (performance.now() - switchedAt)));
  return { row, atOnce, atTheEnd: await answer(resolver.endpoint, name) };
}

/** Addresses that give their place to a CNAME, on a real name server, with nothing beside it that takes time. */
import { join } from 'node:path';
import { createControl } from '../../src/engine/control.ts';
import type { Failpoint } from '../../src/engine/failpoint.ts';
import type { RunOptions } from '../../src/engine/options.ts';
import type { DnsEndpoint, Plan, Provider, RecordSet, StateStore } from '../../src/model/index.ts';
import { openZone } from '../../src/providers/rfc2136/index.ts';
import { fastClock } from '../rig/clock.ts';
import { key } from '../rig/dns-keys.ts';
import { aliased, declareNamed, named, recordedNamed, seenNamed, withRecord } from '../rig/named-worlds.ts';
import { planOf } from '../rig/planning.ts';
import { actor } from '../rig/state.ts';
import { MemoryCells, WorldProvider } from '../rig/world.ts';
import { service } from '../rig/worlds.ts';

export const stateFolder = (folder: string): string => join(folder, 'state');

export const addresses: RecordSet = { ttlSeconds: 3, values: ['10.0.1.11', '10.0.1.12', '10.0.1.13'] };
export const alias: RecordSet = { ttlSeconds: 3, values: ['blue.internal.test.'] };

const quick = <T extends ReturnType<typeof named>>(each: T): T => ({
  ...each,
  traffic: each.traffic.map((traffic) =>
    traffic.kind === 'dns' ? { ...traffic, ttlSeconds: 3, switchTtlSeconds: 1 } : traffic,
  ),
});

/** lower, converge, wait, switch, converge, wait, restore, converge: the release is the one that runs. */
export function namePlan(endpoint: DnsEndpoint): Plan {
  const shop = service({ version: '1.0.0' });
  const [before, after] = [quick(named(shop)), quick(aliased(shop))];
  const declared = declareNamed(after);
  const plan = planOf({
    declared: {
      ...declared,
      zones: declared.zones.map((zone) => ({
        ...zone,
        primary: endpoint,
        servers: [endpoint],
        quorum: 1,
        tsig: { name: key.name, algorithm: 'hmac-sha256', secret: 'tsig' },
      })),
    },
    observations: withRecord(seenNamed(before, { blue: '1.0.0' }, 'blue'), after, {
      besides: ['A'],
      instead: [{ type: 'A', rrset: addresses }],
    }),
    recorded: recordedNamed([before], { A: { rrset: addresses } }),
  });
  return { ...plan, digest: 'names', lineage: '' };
}

/** Ten times faster than the wall; the name server and its signatures keep to the wall. */
export function nameOptions(plan: Plan, store: StateStore, failpoint: Failpoint): RunOptions {
  const [declared] = plan.declared.zones;
  if (declared === undefined) throw new Error('the plan has a zone');
  const zone = openZone(declared, {
    resolveSecret: async () => key.secret,
    now: () => fastClock(1).now(),
  });
  const others: Provider = hostsAsSeen(plan);
  return {
    store,
    providerOf: ({ op }) => (op.startsWith('record.') ? zone : others),
    clock: fastClock(10),
    control: createControl(),
    emit: () => {},
    // One at a time: the n-th point is the same point in every process.
    parallelism: 1,
    actor,
    failpoint,
  };
}

/** What is watched during the waits runs. */
function hostsAsSeen({ steps }: Plan): Provider {
  const cells = new MemoryCells();
  for (const { operation } of steps) {
    for (const { instance, release } of operation.op === 'record.expire' ? operation.watch : [])
      cells.set(`process ${instance}`, { release });
  }
  return new WorldProvider(cells);
}

/** What resolvers may remember of a record, as it is kept beside what is recorded. */
import { expect, test } from 'vitest';
import {
  type Address,
  asInstant,
  type RecordedResource,
  type RecordSet,
  type Remembered,
  withMemories,
} from '../../../src/model/index.ts';

const a = 'dns_zone.internal.record["shop/A"]' as Address;
const alias = 'dns_zone.internal.record["shop/CNAME"]' as Address;
const other = 'dns_zone.internal.record["shopping/A"]' as Address;
const long: RecordSet = { ttlSeconds: 60, values: ['10.0.1.11'] };
const short: RecordSet = { ttlSeconds: 5, values: ['10.0.1.11'] };
const moved: RecordSet = { ttlSeconds: 5, values: ['10.0.1.21'] };
const target: RecordSet = { ttlSeconds: 5, values: ['blue.internal.test.'] };

const record = (
  address: Address,
  rrset: RecordSet | null,
  remembered?: readonly Remembered[],
): RecordedResource => ({
  kind: 'record',
  address,
  spec: {
    rrset,
    besides: [],
    delegation: null,
    negativeTtlSeconds: 2,
    zoneSerial: 1,
    behind: [],
    ...(remembered === undefined ? {} : { remembered }),
  },
});

const at = (seconds: number) => asInstant(seconds * 1000);
const until = (rrset: RecordSet, seconds: number): Remembered => ({ rrset, until: at(seconds) });
const known = (...resources: readonly RecordedResource[]) => ({
  recorded: new Map(resources.map((each) => [each.address, each])),
});

test.for<{
  readonly says: string;
  readonly seen: readonly RecordedResource[];
  readonly by: Omit<Parameters<typeof withMemories>[1], 'at'>;
  readonly becomes: readonly RecordedResource[];
}>([
  {
    says: 'what was recorded and is replaced is remembered for its TTL',
    seen: [record(a, short)],
    by: known(record(a, long)),
    becomes: [record(a, short, [until(long, 160)])],
  },
  {
    says: 'what is as it was is nothing to remember',
    seen: [record(a, long)],
    by: known(record(a, long)),
    becomes: [record(a, long)],
  },
  {
    says: 'what a run took over from somebody else is remembered too',
    seen: [record(a, moved)],
    by: { ...known(), began: new Map([[a, long]]) },
    becomes: [record(a, moved, [until(long, 160)])],
  },
  {
    says: 'an earlier answer outlives a second change, and goes when its time is over',
    seen: [record(a, moved)],
    by: known(record(a, short, [until(long, 130), until(target, 99)])),
    becomes: [record(a, moved, [until(long, 130), until(short, 105)])],
  },
  {
    says: 'the time begins anew when the last server has the change',
    seen: [record(a, short)],
    by: { ...known(record(a, short, [until(long, 130)])), isEverywhere: true },
    becomes: [record(a, short, [until(long, 160)])],
  },
  {
    says: 'the same for addresses that a CNAME took the place of, and for no other name',
    seen: [record(alias, target)],
    by: {
      ...known(
        record(alias, target),
        record(a, null, [until(short, 103)]),
        record(other, moved, [until(short, 103)]),
      ),
      isEverywhere: true,
    },
    becomes: [record(alias, target), record(a, null, [until(short, 105)])],
  },
])('$says', ({ seen, by, becomes }) => {
  expect(withMemories(seen, { ...by, at: at(100) })).toEqual(becomes);
});

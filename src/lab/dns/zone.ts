/** A zone of the lab's DNS server: record sets by name and type; every change makes a new one. */
import { Malformed } from '../../dns/malformed.ts';
import type { WireRecord } from '../../dns/message.ts';
import { encodeName, isWithin } from '../../dns/name.ts';
import { decodeSoa, encodeRdata, withSerial } from '../../dns/rdata.ts';
import { classes, types } from '../../dns/types.ts';

export interface ZoneSet {
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
}

export interface Zone {
  /** Canonical. */
  readonly name: string;
  readonly sets: ReadonlyMap<string, ReadonlyMap<number, ZoneSet>>;
}

/** A record as a zone file has it; names without a dot at their end lie in the zone. */
export interface WrittenRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'NS' | 'SRV' | 'TXT';
  readonly ttl: number;
  readonly value: string;
}

const whole = (name: string, zone: string): string =>
  name === '@' ? zone : name.endsWith('.') ? name : `${name}.${zone}`;

/** A new zone, with an SOA of serial 1. Names that do not exist are remembered for `negativeTtl` seconds. */
export function newZone(name: string, negativeTtl: number, records: readonly WrittenRecord[]): Zone {
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [1, 3600, 600, 86_400, negativeTtl].entries())
    numbers.writeUInt32BE(value, index * 4);
  const soa = Buffer.concat([encodeName(`ns1.${name}`), encodeName(`hostmaster.${name}`), numbers]);
  const start: Zone = { name, sets: new Map([[name, new Map([[types.SOA, { ttl: 60, rdatas: [soa] }]])]]) };
  return records.reduce(
    (zone, { name: at, type, ttl, value }) =>
      withRecord(zone, {
        name: whole(at, name),
        type: types[type],
        class: classes.IN,
        ttl,
        rdata: type === 'NS' ? encodeName(whole(value, name)) : encodeRdata(types[type], value),
      }),
    start,
  );
}

export const setAt = ({ sets }: Zone, name: string, type: number): ZoneSet | undefined =>
  sets.get(name)?.get(type);

export const typesAt = ({ sets }: Zone, name: string): readonly number[] => [
  ...(sets.get(name)?.keys() ?? []),
];

/** Whether the name or anything below it has records: else it does not exist (RFC 8020). */
export const exists = ({ sets }: Zone, name: string): boolean =>
  sets.has(name) || [...sets.keys()].some((each) => isWithin(each, name));

export const recordsOf = (name: string, type: number, set: ZoneSet | undefined): readonly WireRecord[] =>
  (set?.rdatas ?? []).map((rdata) => ({ name, type, class: classes.IN, ttl: set?.ttl ?? 0, rdata }));

export const soaOf = (zone: Zone): WireRecord => {
  const [record] = recordsOf(zone.name, types.SOA, setAt(zone, zone.name, types.SOA));
  if (record === undefined) throw new Malformed(`the zone ${zone.name} has no SOA`);
  return record;
};

/** All records but the SOA. */
export const otherRecords = ({ sets, name: zone }: Zone): readonly WireRecord[] =>
  [...sets].flatMap(([name, atName]) =>
    [...atName].flatMap(([type, set]) =>
      name === zone && type === types.SOA ? [] : recordsOf(name, type, set),
    ),
  );

/** Without the set, or with another; a name without any is gone. */
export function withSet(zone: Zone, name: string, type: number, set: ZoneSet | undefined): Zone {
  const atName = new Map(zone.sets.get(name));
  if (set === undefined || set.rdatas.length === 0) atName.delete(type);
  else atName.set(type, set);
  const sets = new Map(zone.sets);
  if (atName.size === 0) sets.delete(name);
  else sets.set(name, atName);
  return { ...zone, sets };
}

const sameBytes = (one: Uint8Array) => (other: Uint8Array) => Buffer.compare(one, other) === 0;

/** The TTL of a set is that of its newest record (RFC 2181 section 5.2: all have one). */
export function withRecord(zone: Zone, { name, type, ttl, rdata }: WireRecord): Zone {
  const rdatas = setAt(zone, name, type)?.rdatas ?? [];
  const all = rdatas.some(sameBytes(rdata)) ? rdatas : [...rdatas, rdata];
  return withSet(zone, name, type, { ttl, rdatas: all });
}

export function withoutRecord(zone: Zone, { name, type, rdata }: WireRecord): Zone {
  const set = setAt(zone, name, type);
  if (set === undefined) return zone;
  const isIt = sameBytes(rdata);
  return withSet(zone, name, type, { ...set, rdatas: set.rdatas.filter((each) => !isIt(each)) });
}

/** Whether both hold the same records, TTLs included. */
export function isSameZone(one: Zone, other: Zone): boolean {
  const texts = (zone: Zone): string =>
    [soaOf(zone), ...otherRecords(zone)]
      .map(({ name, type, ttl, rdata }) => `${name} ${type} ${ttl} ${Buffer.from(rdata).toString('hex')}`)
      .sort()
      .join('\n');
  return texts(one) === texts(other);
}

export function withNextSerial(zone: Zone): Zone {
  const soa = soaOf(zone);
  const { serial } = decodeSoa(soa.rdata);
  return withSet(zone, zone.name, types.SOA, { ttl: soa.ttl, rdatas: [withSerial(soa.rdata, serial + 1)] });
}

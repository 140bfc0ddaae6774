/** What a zone holds, as records on the wire become record sets; pure. */

import type { WireRecord } from '../../dns/message.ts';
import { isWithin } from '../../dns/name.ts';
import { decodeRdata, decodeSoa } from '../../dns/rdata.ts';
import { classes, excludeEachOther, typeName, types } from '../../dns/types.ts';
import { type RecordDeclared, type RecordSet, recordTypes, type TypedSet } from '../../model/index.ts';

export interface ZoneContent {
  readonly serial: number;
  /** Content of the SOA record. */
  readonly soa: Uint8Array;
  /** How long resolvers remember that a name does not exist (RFC 2308 section 5). */
  readonly negativeTtlSeconds: number;
  /** By name, then by type. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<number, RecordSet>>;
}

/** What DNSSEC adds to every name by itself. */
const addedBySigning: ReadonlySet<number> = new Set([types.RRSIG, types.NSEC, types.NSEC3]);

/** `soa` is the zone's own record; records of other classes are left out. */
export function contentOf(soa: WireRecord, records: readonly WireRecord[]): ZoneContent {
  const sets = new Map<string, Map<number, { ttlSeconds: number; values: string[] }>>();
  for (const { name, type, class: of, ttl, rdata } of records) {
    if (of !== classes.IN || type === types.SOA || addedBySigning.has(type)) continue;
    const atName = sets.get(name) ?? new Map<number, { ttlSeconds: number; values: string[] }>();
    sets.set(name, atName);
    const set = atName.get(type) ?? { ttlSeconds: ttl, values: [] };
    atName.set(type, set);
    // Equal in a healthy zone (RFC 2181 section 5.2); where not, resolvers may keep the longest.
    set.ttlSeconds = Math.max(set.ttlSeconds, ttl);
    const value = decodeRdata(type, rdata);
    if (!set.values.includes(value)) set.values.push(value);
  }
  for (const atName of sets.values()) for (const set of atName.values()) set.values.sort();
  const { serial, minimumSeconds } = decodeSoa(soa.rdata);
  return { serial, soa: soa.rdata, negativeTtlSeconds: Math.min(minimumSeconds, soa.ttl), sets };
}

export const setAt = ({ sets }: ZoneContent, name: string, type: number): RecordSet | null =>
  sets.get(name)?.get(type) ?? null;

/** Other types at the name of a record. */
export const besides = ({ sets }: ZoneContent, record: RecordDeclared): readonly string[] =>
  [...(sets.get(record.name)?.keys() ?? [])]
    .filter((type) => type !== types[record.type])
    .map(typeName)
    .sort();

/** Sets at the name that exclude the record, of those types that this program writes. */
export const standingInstead = (content: ZoneContent, record: RecordDeclared): readonly TypedSet[] =>
  recordTypes.flatMap((type) => {
    const rrset = setAt(content, record.name, types[type]);
    return rrset === null || !excludeEachOther(types[type], types[record.type]) ? [] : [{ type, rrset }];
  });

/**
 * The TTL of what a wildcard answers for a record whose name is not there: that of `*` below the nearest name that is
 * (RFC 4592 section 3.3.1). undefined: nothing does.
 */
export function wildcardTtl({ sets }: ZoneContent, record: RecordDeclared, zone: string): number | undefined {
  const exists = (name: string): boolean =>
    sets.has(name) || [...sets.keys()].some((each) => isWithin(each, name));
  let above = record.name;
  while (above !== zone && !exists(above)) above = above.slice(above.indexOf('.') + 1);
  if (above === record.name) return undefined;
  const wild = sets.get(`*.${above}`);
  return (wild?.get(types[record.type]) ?? wild?.get(types.CNAME))?.ttlSeconds;
}

/** The name at or above this one, below the top of the zone, that is delegated to other servers. */
export function delegationOf({ sets }: ZoneContent, name: string, zone: string): string | null {
  for (let at = name; at !== zone && isWithin(at, zone); at = at.slice(at.indexOf('.') + 1)) {
    if (sets.get(at)?.has(types.NS) === true) return at;
  }
  return null;
}

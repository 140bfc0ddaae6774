/** Updates as RFC 2136 section 3 has them: what must hold is looked at first, then everything is done or nothing. Pure. */
import { Malformed } from '../../dns/malformed.ts';
import type { Message, WireRecord } from '../../dns/message.ts';
import { isWithin } from '../../dns/name.ts';
import { decodeRdata, decodeSoa } from '../../dns/rdata.ts';
import { isAtLeast } from '../../dns/serial.ts';
import { classes, rcodes, types } from '../../dns/types.ts';
import {
  isSameZone,
  setAt,
  soaOf,
  typesAt,
  withNextSerial,
  withoutRecord,
  withRecord,
  withSet,
  type Zone,
} from './zone.ts';

export type Updated =
  /** The zone that results; the very same one where nothing changed, and then its serial stays. */
  { readonly zone: Zone } | { readonly rcode: number };

/** 128 to 255 are for questions and signatures, and never stored (RFC 6895 section 3.1). */
const isStored = (type: number): boolean => type > 0 && (type < 128 || type > 255) && type !== 41;

export function updated(zone: Zone, { answers: requirements, authority: edits }: Message): Updated {
  const refused =
    refusedRequirement(zone, requirements) ?? edits.map((edit) => malformedEdit(zone, edit)).find(isDefined);
  if (refused !== undefined) return { rcode: refused };
  const edited = edits.reduce(perform, zone);
  if (isSameZone(edited, zone)) return { zone };
  const hasNewSerial = serialOf(edited) !== serialOf(zone);
  return { zone: hasNewSerial ? edited : withNextSerial(edited) };
}

const isDefined = (rcode: number | undefined): boolean => rcode !== undefined;
const serialOf = (zone: Zone): number => decodeSoa(soaOf(zone).rdata).serial;

/** Section 3.2. */
function refusedRequirement(zone: Zone, requirements: readonly WireRecord[]): number | undefined {
  const wanted = new Map<string, { name: string; type: number; rdatas: string[] }>();
  for (const { name, type, class: of, ttl, rdata } of requirements) {
    if (ttl !== 0) return rcodes.FORMERR;
    if (!isWithin(name, zone.name)) return rcodes.NOTZONE;
    if (of === classes.IN) {
      const set = wanted.get(`${name} ${type}`) ?? { name, type, rdatas: [] };
      set.rdatas.push(Buffer.from(rdata).toString('hex'));
      wanted.set(`${name} ${type}`, set);
      continue;
    }
    if (rdata.length !== 0 || (of !== classes.ANY && of !== classes.NONE)) return rcodes.FORMERR;
    const isThere =
      type === types.ANY ? typesAt(zone, name).length > 0 : setAt(zone, name, type) !== undefined;
    if (isThere === (of === classes.ANY)) continue;
    if (type === types.ANY) return isThere ? rcodes.YXDOMAIN : rcodes.NXDOMAIN;
    return isThere ? rcodes.YXRRSET : rcodes.NXRRSET;
  }
  for (const { name, type, rdatas } of wanted.values()) {
    const held = (setAt(zone, name, type)?.rdatas ?? []).map((each) => Buffer.from(each).toString('hex'));
    if ([...new Set(rdatas)].sort().join() !== held.sort().join()) return rcodes.NXRRSET;
  }
  return undefined;
}

/** Section 3.4.1. */
function malformedEdit(zone: Zone, edit: WireRecord): number | undefined {
  const { name, type, class: of, ttl, rdata } = edit;
  if (!isWithin(name, zone.name)) return rcodes.NOTZONE;
  switch (of) {
    case classes.IN:
      return isStored(type) && isReadable(edit) ? undefined : rcodes.FORMERR;
    case classes.ANY:
      return ttl === 0 && rdata.length === 0 && (isStored(type) || type === types.ANY)
        ? undefined
        : rcodes.FORMERR;
    case classes.NONE:
      return ttl === 0 && isStored(type) ? undefined : rcodes.FORMERR;
    default:
      return rcodes.FORMERR;
  }
}

function isReadable({ type, rdata }: WireRecord): boolean {
  try {
    if (type === types.SOA) decodeSoa(rdata);
    else decodeRdata(type, rdata);
    return true;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** Section 3.4.2. What would break the zone is left out without a word, as servers do. */
function perform(zone: Zone, edit: WireRecord): Zone {
  const { name, type } = edit;
  const isTop = name === zone.name;
  switch (edit.class) {
    case classes.IN:
      return add(zone, edit);
    case classes.ANY:
      return typesAt(zone, name)
        .filter((each) => type === types.ANY || each === type)
        .filter((each) => !(isTop && (each === types.SOA || each === types.NS)))
        .reduce((left, each) => withSet(left, name, each, undefined), zone);
    default: {
      const isLast = setAt(zone, name, type)?.rdatas.length === 1;
      if (type === types.SOA || (isTop && type === types.NS && isLast)) return zone;
      return withoutRecord(zone, edit);
    }
  }
}

function add(zone: Zone, edit: WireRecord): Zone {
  const { name, type, ttl, rdata } = edit;
  if (type === types.SOA) {
    const isNewer = !isAtLeast(serialOf(zone), decodeSoa(rdata).serial);
    return name === zone.name && isNewer ? withSet(zone, name, type, { ttl, rdatas: [rdata] }) : zone;
  }
  const others = typesAt(zone, name).filter((each) => each !== type);
  if (type === types.CNAME) {
    return others.length > 0 ? zone : withSet(zone, name, type, { ttl, rdatas: [rdata] });
  }
  return others.includes(types.CNAME) ? zone : withRecord(zone, edit);
}

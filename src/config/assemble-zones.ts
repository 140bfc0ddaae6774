/** DNS zones, and the records in them that services move. What DNS or its servers would refuse is refused here first. */
import { Malformed } from '../dns/malformed.ts';
import { isWithin, readName, readNameIn, readOwnerIn, relativeName } from '../dns/name.ts';
import { decodeRdata, encodeRdata, isIPv4, isIPv6, txtValue } from '../dns/rdata.ts';
import { types } from '../dns/types.ts';
import {
  type Address,
  type DnsEndpoint,
  type RecordType,
  recordAddress,
  type ServiceDeclared,
  type ZoneDeclared,
} from '../model/index.ts';
import type { AssembledSlot, PlacedTraffic, ServiceEntry } from './assemble-services.ts';
import type { Reporter } from './evaluation.ts';
import { own } from './own.ts';
import type { Place } from './problems.ts';
import { resolvedBy } from './resolved-pools.ts';
import type { World } from './world.ts';

/** A zone before its records are known; undefined: it could not be read. */
export interface AssembledZone {
  readonly address: Address;
  readonly declared: Omit<ZoneDeclared, 'records'> | undefined;
}

/** BIND answers SERVFAIL to more (max-records-per-type). */
const mostValues = 100;
/** RFC 2181 section 8. */
const longestTtlSeconds = 2 ** 31 - 1;

export const assembleZones = (world: World, report: Reporter): readonly AssembledZone[] =>
  world.zones.map((entry) => {
    const { address, name, decoded } = entry;
    const { args, blocks, place } = decoded;
    const refuse = (at: Place, refused: string, hint?: string): undefined => {
      report.error(at, { code: 'invalid-dns-zone', summary: 'Invalid DNS zone', detail: refused, hint });
      return undefined;
    };
    const zone = readName(args.zone ?? '');
    const [tsig] = blocks.tsig;
    const key = tsig === undefined ? undefined : readName(tsig.args.name ?? '');
    const servers = [...new Set(args.servers ?? (args.primary === undefined ? [] : [args.primary]))];
    let sound = decoded.complete;
    if (decoded.sound && 'refused' in zone) {
      sound = false;
      refuse(decoded.at('zone'), zone.refused, zone.hint);
    }
    if (tsig?.sound === true && key !== undefined && 'refused' in key) {
      sound = false;
      refuse(tsig.at('name'), key.refused, key.hint);
    }
    if (decoded.sound && servers.length === 0) {
      sound = false;
      refuse(decoded.at('servers'), `The zone "${name}" has no servers, so no answer could be waited for.`);
    }
    if (args.quorum !== undefined && args.quorum > servers.length && servers.length > 0) {
      sound = false;
      refuse(
        decoded.at('quorum'),
        `${args.quorum} servers must agree, and there are only ${servers.length}.`,
      );
    }
    if (!sound || 'refused' in zone || (key !== undefined && 'refused' in key))
      return { address, declared: undefined };
    return {
      address,
      declared: {
        address,
        name,
        provider: decoded.kind,
        zone: zone.name,
        primary: endpointOf(args.primary),
        servers: servers.map(endpointOf),
        quorum: args.quorum ?? servers.length,
        convergeMs: args.deadline,
        resolverMinTtlSeconds: Math.ceil(args.resolver_min_ttl / 1000),
        ...(args.negative_ttl === undefined
          ? {}
          : { negativeTtlSeconds: Math.ceil(args.negative_ttl / 1000) }),
        strict: args.strict,
        ...(tsig === undefined || key === undefined
          ? {}
          : { tsig: { name: key.name, algorithm: tsig.args.algorithm, secret: tsig.args.secret.secret } }),
        origin: place.source.rangeOf(place.span),
      },
    };
  });

/** `10.0.0.53:53`, `[2001:db8::53]:53`: the schema has refused everything else. */
function endpointOf(text: string): DnsEndpoint {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}

export const withRecords = (
  zones: readonly AssembledZone[],
  services: readonly ServiceDeclared[],
): readonly ZoneDeclared[] =>
  zones.flatMap(({ declared }) => {
    if (declared === undefined) return [];
    const records = services.flatMap(({ traffic }) =>
      traffic.flatMap((each) => (each.kind === 'dns' && each.zone === declared.address ? [each.record] : [])),
    );
    return [{ ...declared, records }];
  });

// ── traffic "dns" ──────────────────────────────────────────────────────────────────────────────────

export function nameTraffic(
  entry: ServiceEntry,
  slots: readonly AssembledSlot[],
  zones: readonly AssembledZone[],
  called: string,
  report: Reporter,
): readonly PlacedTraffic[] {
  return entry.decoded.blocks.traffic.flatMap((traffic): readonly PlacedTraffic[] => {
    if (traffic.kind !== 'dns' || !traffic.sound) return [];
    const { args, place } = traffic;
    const zone = zones.find((each) => each.address === args.dns_zone)?.declared;
    if (zone === undefined) return [];
    const refuse = (at: Place, detail: string, hint?: string): readonly PlacedTraffic[] => {
      report.error(at, { code: 'invalid-dns-record', summary: 'Invalid DNS record', detail, hint });
      return [];
    };

    const read = readOwnerIn(args.name, zone.zone);
    if ('refused' in read) return refuse(traffic.at('name'), read.refused, read.hint);
    const { name } = read;
    if (!isWithin(name, zone.zone)) {
      return refuse(
        traffic.at('name'),
        `${name} lies outside of the zone ${zone.zone}, whose servers would refuse it.`,
        `Write the name in the zone, such as "${entry.name}".`,
      );
    }
    if (args.type === 'CNAME' && name === zone.zone) {
      return refuse(
        traffic.at('type'),
        `A CNAME cannot stand at the top of a zone, beside its SOA and NS records (RFC 1034 section 3.6.2); some servers say that they accept it, and ignore it.`,
        'Use type A or AAAA there.',
      );
    }
    for (const argument of ['ttl', 'switch_ttl'] as const) {
      const seconds = args[argument] / 1000;
      if (Number.isInteger(seconds) && seconds <= longestTtlSeconds) continue;
      return refuse(
        traffic.at(argument),
        Number.isInteger(seconds)
          ? `A TTL has at most ${longestTtlSeconds} seconds.`
          : 'A TTL is a number of whole seconds.',
      );
    }

    const values: Record<string, readonly string[]> = {};
    for (const slot of slots) {
      const written = own(args.values, slot.name);
      const at = written === undefined ? place : traffic.at('values', slot.name);
      const found = written ?? defaultValues(args.type, slot);
      if ('refused' in found) return refuse(at, found.refused, found.hint);
      const canonical = canonicalValues(args.type, found, zone.zone);
      if ('refused' in canonical) return refuse(at, canonical.refused, canonical.hint);
      if (args.type === 'CNAME' && canonical.values.includes(name)) {
        return refuse(at, `${name} would point to itself, and a CNAME that does is never answered.`);
      }
      const shared = Object.entries(values).find(([, other]) =>
        other.some((value) => canonical.values.includes(value)),
      );
      const isBalanced = entry.decoded.blocks.traffic.some(
        (each) => each.kind === 'load_balancer' && each.args.resolves === undefined,
      );
      const isSame = shared?.[1].join(' ') === canonical.values.join(' ');
      // With a load balancer that tells the slots apart, the record may well stay what it is.
      if (shared !== undefined && !(isBalanced && isSame)) {
        return refuse(
          at,
          `The slots "${shared[0]}" and "${slot.name}" of ${entry.address} would have the same ${args.type} record (${canonical.values.find((value) => shared[1].includes(value))}), so DNS could not tell them apart.`,
          'Give the slots hosts with different addresses, set values, use type SRV, which carries the port, or switch by a load balancer.',
        );
      }
      values[slot.name] = canonical.values;
    }
    const ttlSeconds = args.ttl / 1000;
    const record = {
      address: recordAddress(zone.address, relativeName(name, zone.zone), args.type),
      name,
      type: args.type,
      service: entry.address,
    };
    const resolver = resolvedBy(entry, { record, values }, zone, slots, called, report);
    return [
      {
        kind: 'dns',
        zone: zone.address,
        record,
        ttlSeconds,
        switchTtlSeconds: Math.min(args.switch_ttl / 1000, ttlSeconds),
        values,
        ...(resolver === undefined ? {} : { resolvedBy: resolver }),
        origin: place.source.rangeOf(place.span),
        place,
      },
    ];
  });
}

interface Refused {
  readonly refused: string;
  readonly hint?: string;
}

const oneFor = (slot: AssembledSlot, value: string): string =>
  `values = { ${slot.name} = [${JSON.stringify(value)}] }`;

function defaultValues(type: RecordType, slot: AssembledSlot): readonly string[] | Refused {
  const addresses = slot.hosts.map((host) => host.networkAddress);
  switch (type) {
    case 'A':
    case 'AAAA': {
      const fits = type === 'A' ? isIPv4 : isIPv6;
      const other = slot.hosts.find((host) => !fits(host.networkAddress));
      if (other === undefined) return addresses;
      return {
        refused: `A record of type ${type} holds ${type === 'A' ? 'IPv4' : 'IPv6'} addresses, and the host "${other.name}" of the slot "${slot.name}" has ${other.networkAddress}.`,
        hint: `Set values, for example: ${oneFor(slot, type === 'A' ? '10.0.1.11' : '2001:db8::11')}`,
      };
    }
    case 'SRV': {
      if (slot.port === undefined) {
        return {
          refused: `The slot "${slot.name}" has no port for the SRV record.`,
          hint: 'Set port in the slot, or set values.',
        };
      }
      const other = slot.hosts.find((host) => isIPv4(host.networkAddress) || isIPv6(host.networkAddress));
      if (other === undefined)
        // Weight 1: a server of weight 0 gets no requests from HAProxy.
        return addresses.map((address) => `0 1 ${slot.port} ${address.replace(/\.?$/, '.')}`);
      return {
        refused: `An SRV record points to names, and the host "${other.name}" of the slot "${slot.name}" has the address ${other.networkAddress}.`,
        hint: `Set values, for example: ${oneFor(slot, `0 1 ${slot.port} ${other.name}.internal.test.`)}`,
      };
    }
    case 'CNAME':
    case 'TXT':
      return {
        refused: `A record of type ${type} needs values for the slot "${slot.name}".`,
        hint: `For example: ${oneFor(slot, type === 'CNAME' ? `${slot.name}.internal.test.` : slot.name)}`,
      };
  }
}

function canonicalValues(
  type: RecordType,
  written: readonly string[],
  zone: string,
): { readonly values: readonly string[] } | Refused {
  if (written.length === 0)
    return { refused: 'A slot needs at least one value: an empty record cannot exist.' };
  if (type === 'CNAME' && written.length > 1)
    return { refused: `A CNAME has one target, and these are ${written.length}.` };
  if (written.length > mostValues)
    return { refused: `A record can have ${mostValues} values, and these are ${written.length}.` };
  const values = new Set<string>();
  for (const text of written) {
    const value = canonicalValue(type, text, zone);
    if (typeof value !== 'string') return value;
    if (values.has(value)) return { refused: `The value ${text} is there twice.` };
    values.add(value);
  }
  return { values: [...values].sort() };
}

function canonicalValue(type: RecordType, text: string, zone: string): string | Refused {
  if (type === 'TXT') return txtValue(text);
  if (type === 'CNAME') return target(text, zone);
  let whole = text;
  if (type === 'SRV') {
    const match = /^(\d+)\s+(\d+)\s+(\d+)\s+(\S+)$/.exec(text.trim());
    if (match?.[4] === undefined) {
      return {
        refused: `"${text}" is no SRV record: that has priority, weight, port and target.`,
        hint: 'For example: "0 1 8081 web-1.internal.test."',
      };
    }
    const name = target(match[4], zone);
    if (typeof name !== 'string') return name;
    whole = `${match.slice(1, 4).map(Number).join(' ')} ${name}`;
  }
  try {
    return decodeRdata(types[type], encodeRdata(types[type], whole));
  } catch (error) {
    if (error instanceof Malformed) return { refused: `The value of an ${type} record: ${error.message}.` };
    throw error;
  }
}

/** A name that a record points to: whole with a dot at its end, or one label in the zone. */
function target(text: string, zone: string): string | Refused {
  if (isIPv4(text) || isIPv6(text))
    return { refused: `${text} is an address, and this record points to a name.` };
  if (!text.endsWith('.') && text.includes('.')) {
    return {
      refused: `"${text}" has no dot at its end, so it would mean ${text}.${zone}`,
      hint: `Write "${text}." if it is whole.`,
    };
  }
  const read = readNameIn(text, zone);
  return 'refused' in read ? read : read.name;
}

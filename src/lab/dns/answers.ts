/** What a zone answers to a question (RFC 1034 section 4.3.2): its own records, a delegation, or that there is nothing. Pure. */
import type { Outgoing, WireQuestion, WireRecord } from '../../dns/message.ts';
import { decodeName, isWithin } from '../../dns/name.ts';
import { decodeSoa } from '../../dns/rdata.ts';
import { rcodes, types } from '../../dns/types.ts';
import { exists, recordsOf, setAt, soaOf, typesAt, type Zone } from './zone.ts';

export type Answer = Pick<Outgoing, 'answers' | 'authority' | 'additional' | 'isAuthoritative' | 'rcode'>;

/** Aliases in a row that are followed. */
const longestChain = 8;

/** `name` lies in the zone. */
export function answerOf(zone: Zone, { name, type }: WireQuestion): Answer {
  const answers: WireRecord[] = [];
  let at = name;
  for (let hops = 0; hops <= longestChain && isWithin(at, zone.name); hops++) {
    const cut = delegationAt(zone, at);
    if (cut !== undefined)
      return { answers, ...cut, isAuthoritative: answers.length > 0, rcode: rcodes.NOERROR };
    const owner = exists(zone, at) ? at : wildcardOf(zone, at);
    if (owner === undefined) return nothingThere(zone, answers, rcodes.NXDOMAIN);
    const alias = setAt(zone, owner, types.CNAME);
    if (alias === undefined || type === types.CNAME || type === types.ANY) {
      const wanted = typesAt(zone, owner).filter((each) => type === types.ANY || each === type);
      answers.push(...wanted.flatMap((each) => recordsOf(at, each, setAt(zone, owner, each))));
      if (wanted.length === 0) return nothingThere(zone, answers, rcodes.NOERROR);
      break;
    }
    answers.push(...recordsOf(at, types.CNAME, alias));
    const [target] = alias.rdatas;
    at = target === undefined ? '.' : decodeName(target, 0).name;
  }
  return { answers, isAuthoritative: true, rcode: rcodes.NOERROR };
}

/** The SOA says for how long that may be remembered (RFC 2308 section 3). */
function nothingThere(zone: Zone, answers: readonly WireRecord[], rcode: number): Answer {
  const soa = soaOf(zone);
  const ttl = Math.min(soa.ttl, decodeSoa(soa.rdata).minimumSeconds);
  return { answers, authority: [{ ...soa, ttl }], isAuthoritative: true, rcode };
}

/** Name servers of a part that is given to others, with their addresses where the zone has them. */
function delegationAt(zone: Zone, name: string): Pick<Answer, 'authority' | 'additional'> | undefined {
  for (let at = name; at !== zone.name; at = at.slice(at.indexOf('.') + 1)) {
    const servers = setAt(zone, at, types.NS);
    if (servers === undefined) continue;
    const glue = servers.rdatas.flatMap((rdata) => {
      const server = decodeName(rdata, 0).name;
      return [types.A, types.AAAA].flatMap((type) => recordsOf(server, type, setAt(zone, server, type)));
    });
    return { authority: recordsOf(at, types.NS, servers), additional: glue };
  }
  return undefined;
}

/** `*` below the nearest name that exists (RFC 4592 section 3.3.1). */
function wildcardOf(zone: Zone, name: string): string | undefined {
  let at = name;
  while (!exists(zone, at)) at = at.slice(at.indexOf('.') + 1);
  const wildcard = `*.${at}`;
  return zone.sets.has(wildcard) ? wildcard : undefined;
}

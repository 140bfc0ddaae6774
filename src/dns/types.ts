/** Numbers that have names (IANA, "Domain Name System (DNS) Parameters"). */

export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  CERT: 37,
  DNAME: 39,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
  SMIMEA: 53,
  OPENPGPKEY: 61,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  TSIG: 250,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

/** What a name may have, and not beside a CNAME (RFC 1034 section 3.6.2): every type in use but those of DNSSEC, which may. */
export const notBesideCname: readonly number[] = [
  types.A,
  types.NS,
  types.PTR,
  types.HINFO,
  types.MX,
  types.TXT,
  types.RP,
  types.AFSDB,
  types.AAAA,
  types.LOC,
  types.SRV,
  types.NAPTR,
  types.CERT,
  types.DNAME,
  types.DS,
  types.SSHFP,
  types.TLSA,
  types.SMIMEA,
  types.OPENPGPKEY,
  types.SVCB,
  types.HTTPS,
  types.SPF,
  types.URI,
  types.CAA,
];

/** Whether sets of the two types may be at one name. */
export const excludeEachOther = (one: number, other: number): boolean =>
  one !== other && (one === types.CNAME || other === types.CNAME);

const typeNames = new Map<number, string>(Object.entries(types).map(([name, number]) => [number, name]));

/** `A`, or `TYPE65` for what has no name here (RFC 3597 section 5). */
export const typeName = (type: number): string => typeNames.get(type) ?? `TYPE${type}`;

export const classes = { IN: 1, NONE: 254, ANY: 255 } as const;

export const opcodes = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const;

const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, number]) => [number, name]));
export const rcodeName = (rcode: number): string => rcodeNames.get(rcode) ?? `RCODE${rcode}`;

/** Errors in a TSIG record (RFC 8945 section 3). */
export const tsigErrors = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

const tsigErrorNames = new Map<number, string>(
  Object.entries(tsigErrors).map(([name, number]) => [number, name]),
);
export const tsigErrorName = (error: number): string => tsigErrorNames.get(error) ?? `error ${error}`;

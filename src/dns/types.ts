/** Numbers that have names (IANA, "Domain Name System (DNS) Parameters"). */

export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TSIG: 250,
  AXFR: 252,
  ANY: 255,
} as const;

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

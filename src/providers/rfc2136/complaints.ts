/** What DNS servers say no with, in words that tell what to do. */
import type { Verdict } from '../../dns/tsig.ts';
import { rcodeName, rcodes, tsigErrorName, tsigErrors } from '../../dns/types.ts';
import { type Address, type Diagnostic, ProviderFailure, type ZoneDeclared } from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';

export interface Complaint {
  readonly code: string;
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string;
}

export const complain = (
  zone: ZoneDeclared,
  complaint: Complaint,
  address: Address = zone.address,
): Diagnostic => ({
  severity: 'error',
  ...complaint,
  address,
  subject: zone.origin,
});

export const refusal = (zone: ZoneDeclared, complaint: Complaint, address?: Address): ProviderFailure =>
  new ProviderFailure(complain(zone, complaint, address), 'none');

export const mishap = (zone: ZoneDeclared, complaint: Complaint, address?: Address): ProviderFailure =>
  new ProviderFailure(complain(zone, complaint, address), 'maybe');

const quoted = (zone: ZoneDeclared): string =>
  zone.tsig === undefined ? 'no key' : `the key ${zone.tsig.name}`;

/** What is wrong with the signature, as far as the server tells; undefined: nothing that it tells. */
export function aboutSignature(zone: ZoneDeclared, verdict: Verdict): Complaint | undefined {
  const { tsig } = zone;
  const server = serverText(zone.primary);
  if (tsig === undefined) return undefined;
  const doubt = verdict.verified ? '' : ` (its reply could not be verified: ${verdict.why})`;
  switch (verdict.error) {
    case tsigErrors.BADTIME: {
      const off = verdict.verified ? verdict.clockOffSeconds : undefined;
      return {
        code: 'dns-clock-off',
        summary: 'The clocks are too far apart for a signed DNS message',
        detail:
          off === undefined
            ? `${server} refuses the time of the signature (BADTIME)${doubt}.`
            : `The clock of ${server} is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} the one of this machine (BADTIME); signatures allow 300 s.`,
        hint: 'Set the clocks, best with NTP on both machines.',
      };
    }
    case tsigErrors.BADSIG:
      return {
        code: 'dns-wrong-key',
        summary: 'The DNS server refuses the signature',
        detail: `${server} knows ${quoted(zone)}, and it has another secret there (BADSIG)${doubt}.`,
        hint: `Compare secret.${tsig.secret} with the key in the server's configuration.`,
      };
    case tsigErrors.BADKEY:
      return {
        code: 'dns-unknown-key',
        summary: 'The DNS server does not take the key',
        detail: `${server} does not know ${quoted(zone)} with ${tsig.algorithm}, or does not let it do this (BADKEY)${doubt}.`,
        hint: "Compare the key's name and algorithm with the server's configuration, and what it allows the key (Knot: the zone's acl).",
      };
    default:
      return undefined;
  }
}

export type Refused = 'conflict' | 'denied' | 'rejected' | 'unknown';

/** Why an update was not done, and which of the outcomes that is. */
export function aboutUpdate(
  zone: ZoneDeclared,
  rcode: number,
  verdict: Verdict,
): { readonly outcome: Refused; readonly complaint: Complaint } {
  const server = serverText(zone.primary);
  const name = rcodeName(rcode);
  const signature = aboutSignature(zone, verdict);
  const signed = verdict.verified || zone.tsig === undefined;
  const doubt =
    verdict.verified || zone.tsig === undefined ? '' : ` The reply could not be verified: ${verdict.why}.`;
  if (signature !== undefined) return { outcome: 'denied', complaint: signature };
  const told = verdict.error === 0 ? name : `${name}, ${tsigErrorName(verdict.error)}`;
  switch (rcode) {
    case rcodes.NOERROR:
      return {
        outcome: 'unknown',
        complaint: {
          code: 'dns-reply-unverified',
          summary: 'The DNS server answered without a valid signature',
          detail: `${server} says NOERROR, and ${verdict.verified ? 'is verified' : verdict.why}: that is no proof that it did anything.`,
          hint: 'Something between here and the server may be answering in its place.',
        },
      };
    case rcodes.NXRRSET:
    case rcodes.YXRRSET:
    case rcodes.NXDOMAIN:
    case rcodes.YXDOMAIN:
      return {
        outcome: signed ? 'conflict' : 'unknown',
        complaint: {
          code: 'dns-conflict',
          summary: 'The zone was changed by someone else',
          detail: `${server} refused the update because what it rests on no longer holds (${told}).${doubt}`,
          hint: 'Find out who changed it, then plan again:  deployctl plan ENV',
        },
      };
    case rcodes.REFUSED:
      return {
        outcome: 'denied',
        complaint: {
          code: 'dns-update-refused',
          summary: 'The DNS server refuses the update',
          detail: signed
            ? `${server} does not let ${quoted(zone)} change ${zone.zone} (REFUSED), or takes no updates of this zone at all.${doubt}`
            : `${server} refused the update (REFUSED).${doubt} PowerDNS answers so to a wrong key and to a wrong clock as well.`,
          hint: `Allow it there: BIND: update-policy { grant ${zone.tsig?.name ?? 'KEY'} zonesub ANY; }; Knot: an acl with action update; PowerDNS: dnsupdate=yes and TSIG-ALLOW-DNSUPDATE. It needs TXT at _deployctl.${zone.zone} as well.`,
        },
      };
    case rcodes.NOTAUTH:
      return {
        outcome: 'rejected',
        complaint: {
          code: 'dns-not-the-primary',
          summary: 'The DNS server is not the primary of the zone',
          detail: `${server} does not take updates of ${zone.zone} (${told}): it does not serve the zone, or as a secondary.${doubt}`,
          hint: 'Set "primary" to the server that the zone is edited on.',
        },
      };
    case rcodes.SERVFAIL:
      return {
        outcome: 'unknown',
        complaint: {
          code: 'dns-server-failed',
          summary: 'The DNS server failed on the update',
          detail: `${server} answered SERVFAIL: the zone may be broken there, its journal not writable, or the record too large for it.${doubt}`,
          hint: "Look into the server's log.",
        },
      };
    default:
      return {
        outcome: 'rejected',
        complaint: {
          code: 'dns-update-rejected',
          summary: 'The DNS server rejected the update',
          detail: `${server} answered ${told} to an update of ${zone.zone}.${doubt}`,
          hint: 'Check that it is a server which takes dynamic updates (RFC 2136), and that "zone" is its zone.',
        },
      };
  }
}

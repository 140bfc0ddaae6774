/** Zones and records as the configuration would give them, for providers that are driven by hand. */
import {
  type Address,
  asInstant,
  type Clock,
  type Context,
  type DnsEndpoint,
  type Observation,
  type Operation,
  type Provider,
  type RecordDeclared,
  type RecordSet,
  type RecordType,
  type StepId,
  type ZoneDeclared,
} from '../../src/model/index.ts';
import { openZone } from '../../src/providers/rfc2136/index.ts';
import { realClock } from './clock.ts';
import { key } from './dns-keys.ts';
import { origin } from './plans.ts';

export const zoneAddress = 'dns_zone.internal' as Address;

export const recordOf = (name: string, type: RecordType = 'A'): RecordDeclared => ({
  address: `${zoneAddress}.record["${name}/${type}"]` as Address,
  name: `${name}.internal.test.`,
  type,
  service: 'service.shop' as Address,
});

export const zoneAt = (primary: DnsEndpoint, more: Partial<ZoneDeclared> = {}): ZoneDeclared => ({
  address: zoneAddress,
  name: 'internal',
  provider: 'rfc2136',
  zone: 'internal.test.',
  primary,
  servers: [primary],
  quorum: (more.servers ?? [primary]).length,
  convergeMs: 5_000,
  resolverMinTtlSeconds: 0,
  strict: false,
  tsig: { name: key.name, algorithm: 'hmac-sha256', secret: 'tsig' },
  records: [recordOf('shop')],
  origin,
  ...more,
});

export interface ZoneOptions {
  readonly secret?: string;
  /** How far this machine's clock is ahead, in seconds. */
  readonly clockAheadSeconds?: number;
  readonly updateTimeoutMs?: number;
}

export const open = (
  zone: ZoneDeclared,
  { secret = key.secret, clockAheadSeconds = 0, updateTimeoutMs = 5_000 }: ZoneOptions = {},
): Provider =>
  openZone(zone, {
    resolveSecret: async () => secret,
    updateTimeoutMs,
    now: () => asInstant(Date.now() + clockAheadSeconds * 1000),
  });

export const contextOf = (run = 1, clock: Clock = realClock): Context => ({
  signal: new AbortController().signal,
  clock,
  fence: { lineage: '0190', run },
  step: 'shop/green/name/switch' as StepId,
  attempt: 0,
  report: () => {},
});

export const set = (ttlSeconds: number, ...values: string[]): RecordSet => ({
  ttlSeconds,
  values: values.toSorted(),
});

export const move = (
  record: RecordDeclared,
  from: RecordSet | null,
  to: RecordSet | null,
): Operation & { readonly op: 'record.set' } => ({ op: 'record.set', zone: zoneAddress, record, from, to });

/** What stands at the name goes, and the record comes, in one update. */
export const replace = (
  record: RecordDeclared,
  to: RecordSet,
  instead: readonly { readonly record: RecordDeclared; readonly rrset: RecordSet }[],
): Operation & { readonly op: 'record.set' } => ({
  ...move(record, null, to),
  beside: instead.map((each) => ({ record: each.record, from: each.rrset, to: null })),
});

export const backFrom = (
  operation: Operation & { readonly op: 'record.set' },
): Operation & { readonly op: 'record.set' } => ({
  ...operation,
  from: operation.to,
  to: operation.from,
  beside: (operation.beside ?? []).map((each) => ({ ...each, from: each.to, to: each.from })),
});

/** Everything at a name, by type, as a transfer of the zone has it. */
export async function setsOf(
  primary: DnsEndpoint,
  name: string,
): Promise<{ readonly [type in RecordType]?: RecordSet } & { readonly serial: number }> {
  const alias = recordOf(name, 'CNAME');
  const { observations } = await open(zoneAt(primary, { records: [alias] })).observe(
    {} as never,
    AbortSignal.timeout(30_000),
  );
  const [seen] = observations as readonly Observation<'record'>[];
  if (seen?.status !== 'present') throw new Error(`not seen: ${JSON.stringify(seen)}`);
  const { rrset, instead = [], zoneSerial } = seen.spec;
  return {
    ...Object.fromEntries(instead.map((each) => [each.type, each.rrset])),
    ...(rrset === null ? {} : { CNAME: rrset }),
    serial: zoneSerial,
  };
}

/** `dns_zone.internal` in the configuration language, of servers on loopback: the primary first. */
export const internalZone = ([
  primary,
  ...others
]: readonly number[]): string => `secret "tsig" { env = "TSIG_SECRET" }
dns_zone "rfc2136" "internal" {
  zone         = "internal.test."
  primary      = "127.0.0.1:${primary}"
  ${others.length === 0 ? '' : `servers      = [${[primary, ...others].map((port) => `"127.0.0.1:${port}"`).join(', ')}]`}
  negative_ttl = "0s"
  tsig {
    name   = "deployctl."
    secret = secret.tsig
  }
}`;

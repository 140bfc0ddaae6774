/** `resolves`: a load balancer that finds the servers of a pool by the service's DNS record. */
import { readNameIn } from '../dns/name.ts';
import {
  asAddress,
  endpointText,
  type HealthDeclared,
  type NameTraffic,
  type ResolvedPoolDeclared,
  type ZoneDeclared,
} from '../model/index.ts';
import type { AssembledService, AssembledSlot, ServiceEntry } from './assemble-services.ts';
import type { AssembledZone } from './assemble-zones.ts';
import type { Reporter } from './evaluation.ts';
import type { Place } from './problems.ts';

type TrafficBlock = ServiceEntry['decoded']['blocks']['traffic'][number];
export type ResolvingBlock = Extract<TrafficBlock, { kind: 'load_balancer' }>;

/** The block that says `resolves`, if the service has one. */
export const resolvingBlock = ({ decoded }: ServiceEntry): ResolvingBlock | undefined =>
  decoded.blocks.traffic.find(
    (each): each is ResolvingBlock => each.kind === 'load_balancer' && each.args.resolves !== undefined,
  );

/** What the record needs to know of whoever resolves it; undefined: nobody, or something is wrong, and told. */
export function resolvedBy(
  entry: ServiceEntry,
  { record, values }: Pick<NameTraffic, 'record' | 'values'>,
  zone: Pick<ZoneDeclared, 'zone'>,
  slots: readonly AssembledSlot[],
  called: string,
  report: Reporter,
): NameTraffic['resolvedBy'] {
  const block = resolvingBlock(entry);
  const { resolves } = block?.args ?? {};
  if (block === undefined || resolves === undefined) return undefined;
  const refuse = (at: Place, detail: string, hint?: string): undefined => {
    report.error(at, { code: 'invalid-resolves', summary: 'Invalid resolved pool', detail, hint });
    return undefined;
  };
  const read = readNameIn(resolves, zone.zone);
  if ('refused' in read) return refuse(block.at('resolves'), read.refused, read.hint);
  if (read.name !== record.name) {
    return refuse(
      block.at('resolves'),
      `The load balancer would resolve ${read.name}, and ${record.name} is the record of ${entry.address} that is switched.`,
      'Write the name of its traffic "dns" block.',
    );
  }
  if (record.type !== 'A' && record.type !== 'AAAA' && record.type !== 'SRV') {
    return refuse(
      block.at('resolves'),
      `A record of type ${record.type} does not say which addresses the load balancer should come to use, so a switch could not be seen to be done.`,
      'Use type A, AAAA or SRV.',
    );
  }
  const weightless =
    record.type === 'SRV'
      ? Object.values(values)
          .flat()
          .find((each) => each.split(' ')[1] === '0')
      : undefined;
  if (weightless !== undefined) {
    return refuse(
      block.at('resolves'),
      `The record of ${entry.address} would have the value ${weightless}, of weight 0: a load balancer sends no requests there.`,
      'Give each value a weight of 1 or more, the second of its numbers.',
    );
  }
  const ports = new Set(slots.map(({ port }) => port));
  if (record.type !== 'SRV' && ports.size > 1) {
    return refuse(
      block.at('resolves'),
      `A record of type ${record.type} has no port, and the slots of ${entry.address} have different ones: the load balancer would go on using one for both.`,
      'Give both slots one port, on hosts of their own, or use type "SRV".',
    );
  }
  const pools = new Set(Object.values(block.args.pools ?? {}));
  if (pools.size > 1) {
    return refuse(
      block.at('pools'),
      `The load balancer finds both slots of ${entry.address} by one name, so they are one pool in it, and not ${[...pools].join(' and ')}.`,
      'Leave out pools, or give the same name to both slots.',
    );
  }
  const endpoints = slots.map(({ name, port }) => [
    name,
    (values[name] ?? [])
      .map((value) => (record.type === 'SRV' ? targetOf(value) : endpointText(value, port ?? 0)))
      .sort(),
  ]);
  const [pool = block.args.route ?? called] = pools;
  return { balancer: asAddress(block.args.load_balancer), pool, endpoints: Object.fromEntries(endpoints) };
}

/** `web-1.internal.test:8081` of `0 1 8081 web-1.internal.test.`: proxies show names without the dot at their end. */
function targetOf(srv: string): string {
  const [, , port = '', name = ''] = srv.split(' ');
  return `${name.replace(/\.$/, '')}:${port}`;
}

/** A name that nobody switches is none that could be waited for. */
export function refuseWithoutRecord(entry: ServiceEntry, report: Reporter): void {
  const block = resolvingBlock(entry);
  if (block === undefined || entry.decoded.blocks.traffic.some(({ kind }) => kind === 'dns')) return;
  report.error(block.at('resolves'), {
    code: 'invalid-resolves',
    summary: 'Invalid resolved pool',
    detail: `The load balancer of ${entry.address} resolves a name, and no traffic "dns" block says which record that is.`,
    hint: 'Add a traffic "dns" block with the zone and the name.',
  });
}

/** The pools of one balancer that follow records, of all services behind it. */
export function resolvedPools(
  balancer: string,
  services: readonly AssembledService[],
  zones: readonly AssembledZone[],
): readonly ResolvedPoolDeclared[] {
  return services.flatMap(({ slots, traffic }) =>
    traffic.flatMap((each): readonly ResolvedPoolDeclared[] => {
      if (each.kind !== 'dns' || each.resolvedBy?.balancer !== balancer) return [];
      const zone = zones.find(({ address }) => address === each.zone)?.declared;
      const health: HealthDeclared | undefined = slots[0]?.instances[0]?.health;
      return [
        {
          name: each.resolvedBy.pool,
          record: each.record,
          zone: zone?.name ?? '',
          nameServers: zone?.servers ?? [],
          size: Math.max(...Object.values(each.values).map(({ length }) => length)),
          port: each.record.type === 'SRV' ? undefined : slots[0]?.port,
          endpoints: each.resolvedBy.endpoints,
          ...(health === undefined ? {} : { health }),
        },
      ];
    }),
  );
}

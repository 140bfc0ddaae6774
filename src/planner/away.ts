/**
 * `max_unreachable`: a few hosts that do not answer may be left out of a plan. The plan is then about the hosts that
 * were seen; those left out are held, with a warning instead of an error, and the next plan that sees them has them.
 */
import {
  type Diagnostic,
  type HostCount,
  type InstanceDeclared,
  isOutOfReach,
  type PolicyDeclared,
  type ServiceDeclared,
} from '../model/index.ts';
import type { World } from './situate.ts';

export interface Reduced {
  /** With the hosts that the plan is about. */
  readonly service: ServiceDeclared;
  /** Left out, by the name of the slot. */
  readonly away: ReadonlyMap<string, readonly InstanceDeclared[]>;
  readonly held: readonly Diagnostic[];
}

/** The service as it is where the policy allows none, where too many are away, and where a slot would be left empty. */
export function withoutAway(service: ServiceDeclared, world: World, policy: PolicyDeclared): Reduced {
  const whole: Reduced = { service, away: new Map(), held: [] };
  const hosts = Map.groupBy(
    service.slots.flatMap((slot) => slot.instances),
    (each) => each.host,
  );
  const absent = new Map([...hosts].flatMap(([host, instances]) => whyAway(host, instances, world) ?? []));
  const most = mostOf(policy.maxUnreachable, hosts.size);
  if (absent.size === 0 || absent.size > most) return whole;
  const slots = service.slots.map((slot) => ({
    ...slot,
    instances: slot.instances.filter((each) => !absent.has(each.host)),
  }));
  if (slots.some((slot) => slot.instances.length === 0)) return whole;
  return {
    service: { ...service, slots },
    away: new Map(
      service.slots.map((slot) => [slot.name, slot.instances.filter((each) => absent.has(each.host))]),
    ),
    held: [...absent].map(([host, why]) => held(service, host, why, hosts.size, most)),
  };
}

function whyAway(
  host: string,
  instances: readonly InstanceDeclared[],
  world: World,
): readonly (readonly [string, Diagnostic])[] | undefined {
  const seen = instances.map((each) => world.at('instance', each.address));
  const why = seen.flatMap((each) => (each.status === 'unknown' ? [each.why] : []));
  const [first] = why.filter(isOutOfReach);
  return first === undefined ? undefined : [[host, first]];
}

/** Of a share, whole hosts only: 10% of 19 hosts is one. */
const mostOf = (allowed: HostCount | undefined, hosts: number): number =>
  allowed === undefined
    ? 0
    : 'hosts' in allowed
      ? allowed.hosts
      : Math.floor((hosts * allowed.percent) / 100);

const held = (
  service: ServiceDeclared,
  host: string,
  why: Diagnostic,
  hosts: number,
  most: number,
): Diagnostic => ({
  code: 'host-away',
  severity: 'warning',
  summary: 'A host that cannot be reached is left out',
  detail: `${why.detail} max_unreachable allows ${most} of the ${hosts} hosts of ${service.address} to be away, so the plan is about the others. Where the load balancer could still send requests to ${host}, the plan takes it out of the pool first.`,
  hint: `When ${host} is back, plan again: what it has missed will be in that plan.`,
  address: service.address,
  ...(why.subject === undefined ? {} : { subject: why.subject }),
});

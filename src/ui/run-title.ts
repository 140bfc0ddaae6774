/** What a run is about, in a few words: `shop 1.0.0 -> 2.0.0`. */
import type { Address, Fact, Plan, ServiceDeclared, TrafficDeclared } from '../model/index.ts';
import { instanceAddress, routeAddress, slotOfValues, versionOfRelease } from '../model/index.ts';

/** Services whose steps the plan has; named up to three, then counted. */
export function runTitle(plan: Plan): string {
  const touched = new Set(plan.steps.map(({ service }) => service).filter((each) => each !== undefined));
  const services = plan.declared.services.filter(({ address }) => touched.has(address));
  if (services.length === 0) return 'no services';
  if (services.length > 3) return `${services.length} services`;
  return services.map((service) => serviceTitle(service, plan)).join(', ');
}

function serviceTitle(service: ServiceDeclared, plan: Plan): string {
  const to = service.release.version;
  const from = servingBefore(service, plan);
  return from === undefined || from === to ? `${service.name} ${to}` : `${service.name} ${from} -> ${to}`;
}

/** The strategies of the services that the plan touches, `blue_green`. */
export function runStrategies(plan: Plan): string {
  const touched = new Set(plan.steps.map(({ service }) => service));
  const kinds = plan.declared.services
    .filter(({ address }) => touched.has(address))
    .map(({ strategy }) => strategy.kind);
  return [...new Set(kinds)].join(', ');
}

/** The version that took the traffic when the plan was made, as far as its facts tell. */
export function servingBefore(service: ServiceDeclared, plan: Pick<Plan, 'facts'>): string | undefined {
  const slot = activeSlot(service, plan) ?? (service.slots.length === 1 ? service.slots[0]?.name : undefined);
  if (slot === undefined) return undefined;
  const addresses = new Set<Address>(
    service.slots
      .filter(({ name }) => name === slot)
      .flatMap(({ instances }) => instances.map(({ host }) => instanceAddress(service.address, slot, host))),
  );
  for (const fact of plan.facts) {
    if (fact.status !== 'present' || fact.kind !== 'instance' || !addresses.has(fact.address)) continue;
    const directory = fact.spec.running?.release;
    if (directory !== undefined) return versionOfRelease(directory);
  }
  return undefined;
}

function activeSlot(service: ServiceDeclared, plan: Pick<Plan, 'facts'>): string | undefined {
  for (const traffic of service.traffic) {
    for (const fact of plan.facts) {
      const slot = slotOfFact(traffic, fact);
      if (slot !== undefined) return slot;
    }
  }
  return undefined;
}

/** The slot that had the traffic by this fact, if it tells. */
function slotOfFact(traffic: TrafficDeclared, fact: Fact): string | undefined {
  if (fact.status !== 'present') return undefined;
  if (traffic.kind === 'dns') {
    const isOurs = fact.kind === 'record' && fact.address === traffic.record.address;
    return isOurs ? slotOfValues(traffic, fact.spec.rrset?.values ?? []) : undefined;
  }
  if (fact.kind !== 'route' || fact.address !== routeAddress(traffic.balancer, traffic.route))
    return undefined;
  const stable = fact.spec.runtime?.stable;
  return Object.entries(traffic.pools).find(([, pool]) => pool === stable)?.[0];
}

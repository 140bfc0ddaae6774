/** Which services a plan is about: `--target` and `--exclude`, for exceptions. */
import {
  type Address,
  type Declared,
  type Intent,
  isWithin,
  poolAddress,
  type Recorded,
  type ServiceDeclared,
} from '../model/index.ts';

export interface Selection {
  /** Empty: everything. */
  readonly targets: readonly Address[];
  readonly excluded: readonly Address[];
}

export const everything: Selection = { targets: [], excluded: [] };

/**
 * A target inside a service, or a route or pool of it, selects the service whole: half a rollout is none. A module, or a
 * block with `for_each` or `count`, selects every service in it.
 */
export function selects(selection: Selection, declared: Declared, service: ServiceDeclared): boolean {
  const isNamed = (address: Address): boolean => names(address, declared, service);
  if (selection.excluded.some(isNamed)) return false;
  return selection.targets.length === 0 || selection.targets.some(isNamed);
}

function names(address: Address, declared: Declared, service: ServiceDeclared): boolean {
  const isAbove = address.includes('.') && isWithin(service.address, address);
  if (isAbove || isWithin(address, service.address)) return true;
  return service.traffic.some((traffic) => {
    if (traffic.kind === 'dns') {
      const isZone = address === traffic.zone && declared.zones.some((each) => each.address === address);
      const { resolvedBy } = traffic;
      const isPool =
        resolvedBy !== undefined &&
        (isWithin(address, poolAddress(resolvedBy.balancer, resolvedBy.pool)) ||
          (address === resolvedBy.balancer && declared.balancers.some((each) => each.address === address)));
      return isZone || isPool || address === traffic.record.address;
    }
    const own = [
      traffic.balancer,
      `${traffic.balancer}.route[${JSON.stringify(traffic.route)}]`,
      ...Object.values(traffic.pools).map((pool) => `${traffic.balancer}.pool[${JSON.stringify(pool)}]`),
    ];
    const [balancer, ...parts] = own;
    return (
      (address === balancer && declared.balancers.some((each) => each.address === address)) ||
      parts.some((part) => isWithin(address, part))
    );
  });
}

/**
 * What a plan for these services is not about: declared services that were not selected, and in a revert those that the
 * newest deployment ran and that nobody asked to take back.
 */
export function servicesUntouched(
  services: readonly ServiceDeclared[],
  declared: Declared,
  { deployments }: Recorded,
  intent: Intent,
): readonly Address[] {
  const planned = new Set(services.map(({ address }) => address));
  const ran = intent.kind === 'revert' ? (deployments.at(-1)?.declared.services ?? []) : [];
  const others = [...declared.services, ...ran].map(({ address }) => address);
  return [...new Set(others.filter((address) => !planned.has(address)))];
}

/** Addresses that name nothing: a plan with them would silently do something else than was asked for. */
export const unknownTargets = (selection: Selection, declared: Declared): readonly Address[] =>
  [...selection.targets, ...selection.excluded].filter(
    (address) => !declared.services.some((service) => names(address, declared, service)),
  );

/** The record as it would be if everything had always had the address that it has now. */
import {
  type Address,
  asAddress,
  type Declared,
  type Deployment,
  type Diagnostic,
  follow,
  type InstanceDeclared,
  newestTold,
  type Recorded,
  type RecordedResource,
  type ServiceDeclared,
  type SlotDeclared,
} from '../model/index.ts';

/**
 * The record under today's addresses. Where it has a value for the earlier address and one for today's, a run has
 * written the new one since, and that counts.
 */
export function followMoves(recorded: Recorded, today: Declared): Recorded {
  if (today.moves === undefined) return recorded;
  const names = renamedHosts(recorded, today);
  const known = new Set(recorded.resources.map(({ address }) => address));
  return {
    ...recorded,
    resources: recorded.resources.flatMap((resource): readonly RecordedResource[] => {
      const address = followResource(resource.address, today, names);
      if (address === resource.address) return [resource];
      return known.has(address) ? [] : [{ ...resource, address }];
    }),
    deployments: recorded.deployments.map((each) => followDeployment(each, today, names)),
  };
}

/** Says once what has moved: until a run has written it down under the new address. */
export function movedSince(recorded: Recorded, { moves = [] }: Declared): readonly Diagnostic[] {
  const known = new Set(recorded.resources.map(({ address }) => address));
  const pending = moves.filter((move) =>
    recorded.resources.some(({ address }) => {
      const now = follow(address, [move]);
      return now !== address && !known.has(now);
    }),
  );
  if (pending.length === 0) return [];
  return [
    {
      code: 'moved',
      severity: 'warning',
      summary: 'Recorded under an earlier address',
      detail: `${pending.map(({ from, to }) => `${from} has moved to ${to}`).join(', ')}. Nothing is changed by that on any host: units and pools keep the names that they were started with.`,
    },
  ];
}

/**
 * A service that was renamed without a `moved` block, or whose block was taken out: its processes run under the earlier
 * name, and the new ones would be started beside them, on the same ports.
 */
export function unitsRenamed(declared: Declared, recorded: Recorded): readonly Diagnostic[] {
  const earlier = new Map(
    (recorded.deployments.at(-1)?.declared.services ?? [])
      .flatMap(instancesOf)
      .map((each) => [each.address, each]),
  );
  return declared.services.flatMap((service): readonly Diagnostic[] => {
    const renamed = instancesOf(service).find((instance) => {
      const unit = earlier.get(instance.address)?.process?.unit;
      return unit !== undefined && instance.process !== undefined && unit !== instance.process.unit;
    });
    if (renamed === undefined) return [];
    const unit = earlier.get(renamed.address)?.process?.unit;
    const name = unit?.slice(0, -`-${renamed.slot}`.length);
    return [
      {
        code: 'unit-renamed',
        severity: 'error',
        summary: 'The service runs under an earlier name',
        detail: `${renamed.address} was started as ${unit}, and would be ${renamed.process?.unit} now: started beside it, on the same port.`,
        hint: `Keep the block that tells where the service was before:\n  moved {\n    from = service.${name}\n    to   = ${service.address}\n  }`,
        subject: service.origin,
        address: service.address,
      },
    ];
  });
}

/**
 * A service or slot that was renamed as if it were a new one: what runs under the earlier address has the port, and with
 * it the check of whatever would be started beside it.
 */
export function portsStillTaken(
  planned: readonly ServiceDeclared[],
  declared: Declared,
  { deployments, resources }: Recorded,
): readonly Diagnostic[] {
  const known = new Set(declared.services.flatMap(instancesOf).map(({ address }) => address));
  const left = resources.flatMap((each) =>
    each.kind === 'instance' && each.spec?.running != null && !known.has(each.address) ? [each.address] : [],
  );
  if (left.length === 0) return [];
  const takers = new Map(
    left.flatMap((address) => {
      const earlier = newestTold(deployments, ({ services }) =>
        services.flatMap(placesOf).find((place) => place.instance.address === address),
      );
      return earlier === undefined ? [] : [[earlier.at, earlier] as const];
    }),
  );
  return planned.flatMap((service): readonly Diagnostic[] => {
    const [first] = placesOf(service).flatMap((place) => {
      const taker = takers.get(place.at);
      return taker === undefined || isRunning(resources, place.instance.address) ? [] : [{ place, taker }];
    });
    if (first === undefined) return [];
    const { place, taker } = first;
    const isSame = taker.service.address === service.address;
    const forget = `stop it there, and forget it:  deployctl state rm ENV '${isSame ? taker.slot.address : taker.service.address}'`;
    return [
      {
        code: 'port-still-taken',
        severity: 'error',
        summary: 'What has the port is no longer declared',
        detail: `${place.instance.address} is to listen on port ${place.slot.port} of ${place.instance.host}, where ${taker.instance.address} runs, which deployctl started and nothing declares now.`,
        hint: isSame
          ? `Keep the name of the slot, or give the new one another port. Or ${forget}`
          : `If it is the same service under a new name, say so:\n  moved {\n    from = ${taker.service.address}\n    to   = ${service.address}\n  }\nIf not, ${forget}`,
        subject: service.origin,
        address: service.address,
      },
    ];
  });
}

interface PortPlace {
  /** Host and port. */
  readonly at: string;
  readonly service: ServiceDeclared;
  readonly slot: SlotDeclared;
  readonly instance: InstanceDeclared;
}

const placesOf = (service: ServiceDeclared): readonly PortPlace[] =>
  service.slots.flatMap((slot) =>
    slot.port === undefined
      ? []
      : slot.instances
          .filter(({ process }) => process !== undefined)
          .map((instance) => ({ at: `${instance.host}:${slot.port}`, service, slot, instance })),
  );

const isRunning = (resources: Recorded['resources'], address: Address): boolean =>
  resources.some(
    (each) => each.kind === 'instance' && each.address === address && each.spec?.running != null,
  );

const instancesOf = (service: ServiceDeclared): readonly InstanceDeclared[] =>
  service.slots.flatMap((slot) => slot.instances);

/** Names of hosts that are called something else now: with `count` the name follows the label. */
function renamedHosts(recorded: Recorded, today: Declared): ReadonlyMap<string, string> {
  const { moves = [] } = today;
  if (!moves.some(({ from }) => /(^|\.)host\./.test(from) || from.startsWith('module.'))) return new Map();
  const nameAt = new Map(today.hosts.map(({ address, name }) => [address, name]));
  return new Map(
    recorded.deployments.flatMap(({ declared }) =>
      declared.hosts.flatMap(({ address, name }): readonly [string, string][] => {
        const now = nameAt.get(follow(address, today.moves ?? []));
        return now === undefined || now === name ? [] : [[name, now]];
      }),
    ),
  );
}

const lastPart = /^(.*\.(?:host|member)\[)("(?:[^"\\]|\\.)*")\]$/;

/** Addresses of instances, releases and members end in the name of their host, which may have moved as well. */
function followResource(
  address: Address,
  { moves = [] }: Declared,
  names: ReadonlyMap<string, string>,
): Address {
  const moved = follow(address, moves);
  const [, before, name] = lastPart.exec(moved) ?? [];
  const now = name === undefined ? undefined : names.get(JSON.parse(name));
  return now === undefined ? moved : asAddress(`${before}${JSON.stringify(now)}]`);
}

/** Its declaration is read when it is asked for, as before. */
function followDeployment(
  deployment: Deployment,
  today: Declared,
  names: ReadonlyMap<string, string>,
): Deployment {
  const { number, at, actor, intent } = deployment;
  let followed: Declared | undefined;
  return {
    number,
    at,
    actor,
    intent,
    get declared() {
      const { declared } = deployment;
      followed ??= {
        ...declared,
        services: declared.services.map((service) => followService(service, today, names)),
      };
      return followed;
    },
  };
}

/** What ran, under the names of today; its units keep theirs. */
function followService(
  service: ServiceDeclared,
  today: Declared,
  names: ReadonlyMap<string, string>,
): ServiceDeclared {
  const { moves = [] } = today;
  const address = follow(service.address, moves);
  const { knownAs = service.name } = service.install;
  return {
    ...service,
    address,
    name: today.services.find((each) => each.address === address)?.name ?? service.name,
    dependsOn: service.dependsOn.map((each) => follow(each, moves)),
    install: address === service.address ? service.install : { ...service.install, knownAs },
    traffic: service.traffic.map((each) =>
      each.kind === 'dns'
        ? {
            ...each,
            zone: follow(each.zone, moves),
            record: { ...each.record, address: follow(each.record.address, moves) },
            ...(each.resolvedBy === undefined
              ? {}
              : { resolvedBy: { ...each.resolvedBy, balancer: follow(each.resolvedBy.balancer, moves) } }),
          }
        : { ...each, balancer: follow(each.balancer, moves) },
    ),
    slots: service.slots.map((slot) => ({
      ...slot,
      address: follow(slot.address, moves),
      instances: slot.instances.map((instance) => ({
        ...instance,
        address: followResource(instance.address, today, names),
        host: names.get(instance.host) ?? instance.host,
      })),
    })),
  };
}

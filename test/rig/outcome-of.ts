/** What the world looks like once operations were performed: the operations' own words, applied to observations. */
import {
  type InstanceState,
  instanceAddress,
  inventoryAddress,
  type Kind,
  memberAddress,
  type Observation,
  type Operation,
  routeAddress,
  type Specs,
  sameValue,
} from '../../src/model/index.ts';
import { now } from './worlds.ts';

/** Throws where the world does not stand at the operation's `from`: a plan must never ask for that. */
export function outcomeOf(
  observations: readonly Observation[],
  operations: readonly Operation[],
): readonly Observation[] {
  const world = new Map(observations.map((each) => [`${each.kind} ${each.address}`, each]));
  const specOf = <K extends Kind>(kind: K, address: string): Specs[K] | undefined => {
    const each = world.get(`${kind} ${address}`);
    return each?.status === 'present' ? (each.spec as Specs[K]) : undefined;
  };
  const put = (kind: Kind, address: string, spec: unknown): void => {
    const key = `${kind} ${address}`;
    world.set(
      key,
      (spec === undefined
        ? { status: 'absent', kind, address, at: now }
        : { status: 'present', kind, address, spec, at: now }) as Observation,
    );
  };
  const stand = (seen: unknown, from: unknown, operation: Operation): void => {
    if (!sameValue(seen, from))
      throw new Error(
        `${operation.op} begins from ${JSON.stringify(from)}, and the world is ${JSON.stringify(seen)}`,
      );
  };

  for (const operation of operations) {
    switch (operation.op) {
      case 'release.put':
      case 'release.remove':
      case 'release.prune': {
        const address = inventoryAddress(operation.place.service, operation.place.host);
        const spec = specOf('inventory', address) ?? { releases: [], freeBytes: 1e9 };
        const gone =
          operation.op === 'release.prune'
            ? operation.directories.map((each) => each.directory)
            : operation.op === 'release.remove'
              ? [operation.directory]
              : [];
        const kept = spec.releases.filter((each) => !gone.includes(each.directory));
        const releases =
          operation.op === 'release.put'
            ? [...kept, { directory: operation.directory, sha256: operation.artifact.sha256 }]
            : kept;
        put('inventory', address, { ...spec, releases });
        break;
      }
      case 'slot.link':
      case 'process.set': {
        const address = instanceAddress(operation.place.service, operation.slot, operation.place.host);
        const before: InstanceState = specOf('instance', address) ?? {
          linked: null,
          running: null,
          tampered: null,
          health: { status: 'not_checked' },
        };
        if (operation.op === 'slot.link') {
          stand(before.linked, operation.from, operation);
          put('instance', address, { ...before, linked: operation.to });
        } else {
          stand(before.running, operation.from, operation);
          put('instance', address, {
            ...before,
            running: operation.to,
            tampered: null,
            health: operation.to === null ? { status: 'not_checked' } : { status: 'healthy' },
          });
        }
        break;
      }
      case 'member.set': {
        const address = memberAddress(operation.balancer, operation.pool, operation.member);
        const before = specOf('member', address);
        stand(before?.admin, operation.from, operation);
        put('member', address, { ...before, admin: operation.to });
        break;
      }
      case 'route.set': {
        const address = routeAddress(operation.balancer, operation.route);
        const before = specOf('route', address);
        const found = { runtime: before?.runtime ?? null, persisted: before?.persisted ?? null };
        // Looked at before: what is there already is left alone.
        if (sameValue(found, { runtime: operation.to, persisted: operation.to })) break;
        stand(found, { runtime: operation.from.runtime, persisted: operation.from.persisted }, operation);
        put(
          'route',
          address,
          operation.to === null
            ? undefined
            : { runtime: operation.to, persisted: operation.to, disagreeing: [] },
        );
        break;
      }
      default:
        break;
    }
  }
  return [...world.values()];
}

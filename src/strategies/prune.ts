/**
 * Old releases go, oldest first, once more are installed than are to be kept and nothing may need them. What a slot
 * linked to before the rollout stays until the next one: a run that is aborted while it prunes goes back to it. A plan
 * that only prunes therefore spares as many as there are slots.
 */
import { type Change, type InstanceDeclared, releaseAddress, type Step } from '../model/index.ts';
import { stateOf, wantedRelease } from './situation.ts';
import { placeOn, type Sequence } from './step.ts';

/**
 * `linkedAfter` names, for each instance, the release that its slot will point to when the plan is done; instances
 * that are not in it stay as they are.
 */
export function pruneReleases(
  sequence: Sequence,
  linkedAfter: ReadonlyMap<InstanceDeclared, string>,
  needs: readonly Step[],
): readonly Change[] {
  const { service, estimate, neededReleases } = sequence.situation;
  const byHost = Map.groupBy(
    service.slots.flatMap((slot) => slot.instances),
    (instance) => instance.host,
  );
  const changes: Change[] = [];
  const spared = linkedAfter.size === 0 ? service.slots.length : 0;

  for (const [host, instances] of byHost) {
    const observation = sequence.situation.inventory(host);
    if (observation.status === 'unknown') continue;
    const installed = observation.status === 'present' ? observation.spec.releases : [];
    const used = new Set<string>(neededReleases);
    for (const instance of instances) {
      const { linked, running } = stateOf(sequence.situation.instance(instance));
      if (linked !== null) used.add(linked);
      if (running !== null) used.add(running.release);
      const next = linkedAfter.get(instance);
      if (next !== undefined) used.add(next);
    }
    const wanted = wantedRelease(service);
    const isBrought = linkedAfter.size > 0 && !installed.some((each) => each.directory === wanted);
    const surplus = installed.length + (isBrought ? 1 : 0) - service.install.keep;
    const removable = installed.filter((each) => !used.has(each.directory) && each.directory !== wanted);
    const directories = removable.slice(0, Math.max(0, Math.min(surplus, removable.length - spared)));
    if (directories.length === 0) continue;

    for (const { directory } of directories) {
      changes.push({
        action: 'remove',
        address: releaseAddress(service.address, directory, host),
        because:
          service.install.keep === 1 ? 'one release is kept' : `${service.install.keep} releases are kept`,
        origin: service.origin,
        before: { release: directory },
        after: null,
      });
    }
    sequence.add({
      id: `${service.name}/${host}/prune`,
      needs,
      address: service.address,
      verb: 'prune',
      title: directories.map((each) => each.directory).join(', '),
      where: `on ${host}`,
      operation: { op: 'release.prune', place: placeOn(service, host), directories },
      inverse: { kind: 'nothing', because: 'cannot be undone (not needed)' },
      estimateSeconds: estimate('prune'),
    });
  }
  return changes;
}

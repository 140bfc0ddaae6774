/** Observed differs from recorded: somebody else was here. */
import {
  type Drift,
  type InstanceState,
  type Json,
  type Observation,
  type RecordedResource,
  type RouteState,
  sameValue,
} from '../model/index.ts';
import { instanceAttributes, recordAttributes, routeAttributes } from '../strategies/changes.ts';
import type { World } from './situate.ts';

/** In the order of the record. What could not be seen has not drifted; it is held. */
export function findDrift(recorded: readonly RecordedResource[], world: World): readonly Drift[] {
  return recorded.flatMap((resource) => {
    const observation = world.at(resource.kind, resource.address);
    if (observation.status === 'unknown') return [];
    const before = resource.spec === null ? null : attributesOf(asWritten(resource, observation));
    const after = observation.status === 'absent' ? null : attributesOf(observation);
    if (before === undefined || after === undefined || sameValue(before, after)) return [];
    const note = noteOn(observation);
    return [{ address: resource.address, before, after, ...(note === undefined ? {} : { note }) }];
  });
}

/** Whether the record says what stands there, but for what changes by itself: free space, sessions, health. */
export function isAsRecorded(
  { kind, spec }: RecordedResource,
  observation: Observation & { readonly status: 'present' },
): boolean {
  if (spec === null) return false;
  if (kind === 'inventory' && observation.kind === 'inventory') {
    return sameValue(spec.releases, observation.spec.releases);
  }
  const recorded = { kind, spec, address: observation.address } as RecordedResource;
  return sameValue(attributesOf(recorded), attributesOf(observation));
}

/** A file that somebody changed is compared with what deployctl had written, line by line. */
function asWritten(resource: RecordedResource, observation: Observation): RecordedResource {
  if (resource.kind !== 'instance' || resource.spec === null) return resource;
  const tampered =
    observation.kind === 'instance' && observation.status === 'present' ? observation.spec.tampered : null;
  if (tampered === null || resource.spec.tampered !== null) return resource;
  return { ...resource, spec: { ...resource.spec, tampered: { ...tampered, actual: tampered.expected } } };
}

/** What a person knows it by, without what changes by itself; undefined for what has no drift of its own. */
function attributesOf(
  of: RecordedResource | (Observation & { readonly status: 'present' }),
): Json | undefined {
  switch (of.kind) {
    case 'instance':
      return of.spec === null ? null : attributesOfInstance(of.spec);
    case 'route':
      return of.spec === null ? null : routeAttributes(of.spec.runtime, of.spec.persisted);
    case 'member':
      return of.spec === null ? null : { state: of.spec.admin };
    case 'balancer_config':
      return of.spec === null ? null : { text: of.spec.text };
    case 'record':
      return of.spec === null ? null : recordAttributes(of.spec.rrset);
    case 'resolution':
      return of.spec === null ? null : { addresses: of.spec.endpoints };
    case 'inventory':
      return undefined;
  }
}

const attributesOfInstance = ({ linked, running, tampered }: InstanceState): Json =>
  instanceAttributes(linked, running, tampered?.actual);

function noteOn(observation: Observation): string | undefined {
  if (observation.status !== 'present') return undefined;
  if (observation.kind === 'route') return noteOnRoute(observation.spec);
  return observation.kind === 'instance' ? noteOnInstance(observation.spec) : undefined;
}

function noteOnInstance({ linked, running }: InstanceState): string | undefined {
  if (running === null) return 'it is not running';
  if (linked === running.release) return undefined;
  return linked === null
    ? `its link is gone, and ${running.release} runs`
    : `its link points to ${linked}, and ${running.release} runs`;
}

function noteOnRoute({ runtime, persisted, disagreeing }: RouteState): string | undefined {
  if (disagreeing.length > 0) return `${disagreeing.map((each) => each.worker).join(', ')} decides otherwise`;
  if (sameValue(runtime, persisted)) return undefined;
  return persisted === null
    ? 'nothing is kept for a restart: a reload would lose it'
    : `what is kept for a restart says ${persisted.stable}: a reload would go back to it`;
}

/** What resolvers remember of records that were changed: kept in the record, because DNS itself tells nobody. Pure. */
import { sameValue } from './equal.ts';
import type { RecordSet, RecordState, Remembered } from './observation.ts';
import type { RecordedResource } from './recorded.ts';
import { type Address, asInstant, type Instant } from './words.ts';

/** How a value of a record came about. */
export interface Recording {
  readonly at: Instant;
  /** What is recorded so far. */
  readonly recorded: ReadonlyMap<Address, RecordedResource>;
  /** What the change began from, where a run made it. */
  readonly began?: ReadonlyMap<Address, RecordSet | null>;
  /** The last server has it only now: until then it gave the answer of before. */
  readonly isEverywhere?: boolean;
}

/** The same resources, in the order given; each DNS record with the answers that it has taken the place of. */
export function withMemories(
  seen: readonly RecordedResource[],
  recording: Recording,
): readonly RecordedResource[] {
  const known = new Map(recording.recorded);
  const remembering = seen.map((resource) => {
    const told = withMemory(resource, { ...recording, recorded: known });
    known.set(told.address, told);
    return told;
  });
  return recording.isEverywhere === true
    ? [...remembering, ...besideThem(seen, known, recording)]
    : remembering;
}

function withMemory(resource: RecordedResource, recording: Recording): RecordedResource {
  if (resource.kind !== 'record' || resource.spec === null) return resource;
  const { at, recorded, began, isEverywhere = false } = recording;
  const { remembered: _, ...spec } = resource.spec;
  const prior = recordedState(recorded, resource.address);
  const kept = (prior?.remembered ?? [])
    .filter(({ until }) => until > at)
    .map((each) => (isEverywhere ? later(each, at) : each));
  const replaced = [prior?.rrset ?? null, began?.get(resource.address) ?? null]
    .filter((rrset) => rrset !== null)
    .filter((rrset) => !sameValue(rrset, spec.rrset))
    .map((rrset) => later({ rrset, until: at }, at));
  const memories = [...kept, ...replaced];
  const remembered = memories.filter(
    (each, index) =>
      !memories.some(
        (other, place) =>
          sameValue(other.rrset, each.rrset) &&
          (other.until > each.until || (other.until === each.until && place < index)),
      ),
  );
  return { ...resource, spec: remembered.length === 0 ? spec : { ...spec, remembered } };
}

/** Records of other types at the names of these, which they took the place of. */
const besideThem = (
  seen: readonly RecordedResource[],
  known: ReadonlyMap<Address, RecordedResource>,
  recording: Recording,
): readonly RecordedResource[] =>
  [...known.values()].flatMap((other): readonly RecordedResource[] => {
    const isBeside = seen.some(
      ({ kind, address }) =>
        kind === 'record' && address !== other.address && nameOf(address) === nameOf(other.address),
    );
    const state = other.kind === 'record' ? other.spec : null;
    const isRemembered = (state?.remembered ?? []).some(({ until }) => until > recording.at);
    return isBeside && isRemembered ? [withMemory(other, { ...recording, recorded: known })] : [];
  });

/** `dns_zone.internal.record["shop` of `dns_zone.internal.record["shop/A"]`. */
const nameOf = (address: Address): string => address.slice(0, address.lastIndexOf('/'));

const recordedState = (
  recorded: ReadonlyMap<Address, RecordedResource>,
  address: Address,
): RecordState | undefined => {
  const resource = recorded.get(address);
  return resource?.kind === 'record' ? (resource.spec ?? undefined) : undefined;
};

const later = ({ rrset, until }: Remembered, at: Instant): Remembered => ({
  rrset,
  until: asInstant(Math.max(until, at + rrset.ttlSeconds * 1000)),
});

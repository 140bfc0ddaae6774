/** What the record knows of a DNS name: which sets at it are the service's own, and what resolvers may still remember. */
import {
  type Address,
  type Instant,
  type NameTraffic,
  newestTold,
  type Observation,
  type Recorded,
  type RecordSet,
  type RecordState,
  type RecordType,
  recordAddress,
  recordPlace,
  recordTypes,
  sameValue,
  slotsOfValues,
  type ZoneDeclared,
} from '../model/index.ts';
import type { ReplacedSet, StillRemembered } from '../strategies/situation.ts';

type NamesRecorded = Pick<Recorded, 'resources' | 'deployments'>;

/**
 * The sets in the place of the record that an earlier run of this state has written, and whose slots a deployment tells.
 * What somebody else has put there is not among them.
 */
export function replacedSets(
  traffic: NameTraffic,
  record: Observation<'record'>,
  recorded: NamesRecorded,
): readonly ReplacedSet[] {
  const instead = record.status === 'present' ? (record.spec.instead ?? []) : [];
  return instead.flatMap(({ type, rrset }): readonly ReplacedSet[] => {
    const address = addressBeside(traffic, type);
    const values = valuesDeclared(traffic, type, recorded);
    const isOurs = stateAt(address, recorded)?.rrset != null;
    if (!isOurs || values === undefined) return [];
    return [{ record: { ...traffic.record, address, type }, rrset, values }];
  });
}

/** The address that the record would have if it were of another type. */
const addressBeside = ({ record, zone }: NameTraffic, type: RecordType): Address =>
  recordAddress(zone, recordPlace(record.address), type);

const stateAt = (address: Address, { resources }: NamesRecorded): RecordState | undefined =>
  resources.flatMap((each) =>
    each.kind === 'record' && each.address === address && each.spec !== null ? [each.spec] : [],
  )[0];

/** What the slots had by the newest deployment that declared the name with this type. */
const valuesDeclared = (
  { record: { name } }: NameTraffic,
  type: RecordType,
  { deployments }: NamesRecorded,
): NameTraffic['values'] | undefined =>
  newestTold(deployments, ({ services }) =>
    services
      .flatMap(({ traffic }) => traffic)
      .findLast(
        (each): each is NameTraffic =>
          each.kind === 'dns' && each.record.name === name && each.record.type === type,
      ),
  )?.values;

/**
 * The answers of before that resolvers may still remember. What was recorded and is not so any more may have been changed
 * a moment ago: nobody knows when.
 */
export function stillRemembered(
  traffic: NameTraffic,
  { resolverMinTtlSeconds }: ZoneDeclared,
  record: Observation<'record'>,
  recorded: NamesRecorded,
  now: Instant,
): readonly StillRemembered[] {
  if (record.status !== 'present') return [];
  const { rrset, instead = [] } = record.spec;
  const there = new Map(instead.map((each) => [each.type, each.rrset]));
  if (rrset !== null) there.set(traffic.record.type, rrset);
  return recordTypes
    .flatMap((type): readonly StillRemembered[] => {
      const state = stateAt(addressBeside(traffic, type), recorded);
      if (state === undefined) return [];
      const declared = valuesDeclared(traffic, type, recorded);
      const values = [
        ...(type === traffic.record.type ? [traffic.values] : []),
        ...(declared === undefined ? [] : [declared]),
      ];
      const memoryOf = ({ ttlSeconds, values: given }: RecordSet, leftMs: number): StillRemembered => ({
        ttlSeconds,
        // Resolvers that keep nothing shorter have kept it so much longer.
        leftMs: leftMs + Math.max(0, resolverMinTtlSeconds - ttlSeconds) * 1000,
        slots: values.flatMap((own) => slotsOfValues(own, given)),
      });
      const isGone = state.rrset !== null && !sameValue(state.rrset, there.get(type));
      return [
        ...(isGone && state.rrset !== null ? [memoryOf(state.rrset, state.rrset.ttlSeconds * 1000)] : []),
        ...(state.remembered ?? []).map((each) => memoryOf(each.rrset, each.until - now)),
      ];
    })
    .filter(({ leftMs }) => leftMs > 0);
}

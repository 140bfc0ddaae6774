/**
 * What a name answers with: one record set, or where an address and a CNAME take each other's place, the sets of other
 * types that stand there instead. They go and come in one update.
 */
import {
  type Operation,
  type RecordDeclared,
  type RecordSet,
  type SlotDeclared,
  sameValue,
  slotsOfValues,
} from '../model/index.ts';
import type { NameSituation, Situation } from './situation.ts';

export interface Answer {
  readonly record: RecordDeclared;
  readonly rrset: RecordSet;
}

/** Empty: nothing stands at the name. More than one only where A and AAAA, say, stand in the place of a CNAME. */
export type Answers = readonly Answer[];

/** As found. What stands there instead of the record counts only as far as it is this service's own. */
export function answersOf({ traffic, record, replaced }: NameSituation): Answers {
  const rrset = record.status === 'present' ? record.spec.rrset : null;
  return [...(rrset === null ? [] : [{ record: traffic.record, rrset }]), ...replaced];
}

/** What the record would have for a slot. */
export const answersFor = ({ traffic }: NameSituation, slot: SlotDeclared): Answers => [
  {
    record: traffic.record,
    rrset: { ttlSeconds: traffic.ttlSeconds, values: traffic.values[slot.name] ?? [] },
  },
];

export const withTtl = (answers: Answers, ttlOf: (ttlSeconds: number) => number): Answers =>
  answers.map(({ record, rrset }) => ({ record, rrset: { ...rrset, ttlSeconds: ttlOf(rrset.ttlSeconds) } }));

/** How long one of them may be remembered; 0 where there are none. */
export const longestTtl = (answers: Answers): number =>
  Math.max(0, ...answers.map(({ rrset }) => rrset.ttlSeconds));

const withoutTtl = (answers: Answers): unknown =>
  answers.map(({ record, rrset }) => ({ type: record.type, values: rrset.values }));

/** Whether they lead to the same, by the same types. */
export const leadAlike = (one: Answers, other: Answers): boolean =>
  sameValue(withoutTtl(one), withoutTtl(other));

/** `10.0.1.11 10.0.1.12`; with the types where they are not what the record's is: `A 10.0.1.11, AAAA 2001:db8::11`. */
export const valuesText = (answers: Answers, isTyped: boolean): string =>
  answers
    .map(({ record, rrset }) => `${isTyped ? `${record.type} ` : ''}${rrset.values.join(' ')}`)
    .join(', ');

/** Whether one of them is of another type than the record. */
export const isOfOtherType = (answers: Answers, declared: RecordDeclared): boolean =>
  answers.some(({ record }) => record.type !== declared.type);

/** One update that makes one of the other. */
export function moveAnswers(
  { traffic, zone }: NameSituation,
  from: Answers,
  to: Answers,
): Operation & { readonly op: 'record.set' } {
  const setOf = (answers: Answers, { type }: RecordDeclared): RecordSet | null =>
    answers.find(({ record }) => record.type === type)?.rrset ?? null;
  const moveOf = (record: RecordDeclared) => ({ record, from: setOf(from, record), to: setOf(to, record) });
  const others = new Map([...from, ...to].map(({ record }) => [record.type, record]));
  others.delete(traffic.record.type);
  const beside = [...others.values()].map(moveOf);
  return {
    op: 'record.set',
    zone: zone.address,
    ...moveOf(traffic.record),
    ...(beside.length === 0 ? {} : { beside }),
  };
}

/** The slots that a set leads to, with as many of its values as each has. */
export function slotsOfSet(
  { service, name }: Situation,
  type: RecordDeclared['type'],
  { values }: RecordSet,
): ReadonlyMap<SlotDeclared, number> {
  const own =
    name === undefined || type === name.traffic.record.type
      ? name?.traffic.values
      : name.replaced.find(({ record }) => record.type === type)?.values;
  if (own === undefined) return new Map();
  const named = slotsOfValues(own, values);
  return new Map(
    service.slots
      .filter((slot) => named.includes(slot.name))
      .map((slot) => [slot, (own[slot.name] ?? []).filter((value) => values.includes(value)).length]),
  );
}

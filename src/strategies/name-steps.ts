/**
 * What happens in DNS. Nobody can tell resolvers to forget: whoever was answered before a change goes on with it until
 * its TTL is over, so a switch is a write and a wait, and during the wait both slots serve.
 *
 *   lower ─▶ converge ─▶ wait (old TTL) ─▶ switch ─▶ converge ─▶ wait (new TTL) ─▶ [resolve] ─▶ ... ─▶ restore
 *
 * Where a load balancer resolves the name, it is waited for until it uses the new addresses; last, because until no
 * resolver remembers the answer of before, it could be told that again.
 *
 * The wait begins when the last server gives the new answer. Where the TTL is short already, the first half falls away;
 * so it does in a revert, where every second on the wrong side counts and both sides serve anyway.
 */
import {
  type Address,
  type Operation,
  poolAddress,
  type SlotDeclared,
  type Step,
  sameValue,
} from '../model/index.ts';
import {
  type Answers,
  answersFor,
  answersOf,
  isOfOtherType,
  leadAlike,
  longestTtl,
  moveAnswers,
  valuesText,
  withTtl,
} from './answers.ts';
import { converge, expire, forget, type Memory, type Settle, waitText } from './name-waits.ts';
import {
  type NameSituation,
  namedSlots,
  recordState,
  type Situation,
  type StillRemembered,
  standingOf,
} from './situation.ts';
import { nothingToUndo, type Sequence } from './step.ts';

/** The record of one service in one plan, on its way to one slot. No steps where it leads there, or where there is none. */
export class NameMoves {
  readonly #sequence: Sequence;
  readonly #slot: SlotDeclared;
  readonly #renaming: Renaming | undefined;
  /** The TTL goes down beside all that prepares the slot. */
  readonly #lowered: readonly Step[];
  /** Nothing of the slot may be changed before these are done: resolvers lead there by an answer of before. */
  readonly freed: readonly Step[];

  constructor(sequence: Sequence, slot: SlotDeclared) {
    this.#sequence = sequence;
    this.#slot = slot;
    this.#renaming = renamingTo(sequence.situation, slot);
    const isBusy = isRememberedAndStale(sequence.situation, slot);
    this.#lowered = lowerTtl(sequence, slot, this.#renaming, isBusy);
    this.freed = isBusy ? this.#lowered : [];
  }

  /** Leads all clients to the slot; done when no resolver remembers anything else. */
  move(needs: readonly Step[]): readonly Step[] {
    return switchName(this.#sequence, this.#slot, this.#renaming, [...needs, ...this.#lowered]);
  }

  /** The TTL of quiet times, once nothing is left that could be undone in a hurry. */
  restore(needs: readonly Step[]): readonly Step[] {
    return restoreTtl(this.#sequence, this.#slot, this.#renaming, needs);
  }
}

/** What is done about the name, so that each part knows what the others leave behind. */
interface Renaming {
  readonly before: Answers;
  /** With a short TTL and the values of before; undefined: the TTL is short enough, or there is no time for it. */
  readonly lowered: Answers | undefined;
  readonly switched: Answers;
  /** With the TTL of quiet times; undefined: it has it already. */
  readonly restored: Answers | undefined;
}

/** undefined where the record is as it should be, or where the service has none. */
function renamingTo(situation: Situation, slot: SlotDeclared): Renaming | undefined {
  const { name, intent } = situation;
  if (name === undefined || recordState(situation) === undefined) return undefined;
  const [before, wanted] = [answersOf(name), answersFor(name, slot)];
  if (sameValue(before, wanted)) return undefined;
  const moves = before.length > 0 && !leadAlike(before, wanted);
  if (!moves) return { before, lowered: undefined, switched: wanted, restored: undefined };
  const { switchTtlSeconds } = name.traffic;
  const lowers = longestTtl(before) > switchTtlSeconds && intent.kind !== 'revert';
  const short = withTtl(wanted, () => switchTtlSeconds);
  return {
    before,
    lowered: lowers ? withTtl(before, (ttlSeconds) => Math.min(ttlSeconds, switchTtlSeconds)) : undefined,
    switched: short,
    restored: sameValue(short, wanted) ? undefined : wanted,
  };
}

/**
 * Shortens what resolvers will remember, and waits out what they remember now. It needs nothing: traffic stays. A revert
 * has no time for it, unless its own slot is what is remembered and has to be changed first.
 */
function lowerTtl(
  sequence: Sequence,
  slot: SlotDeclared,
  renaming: Renaming | undefined,
  isBusy: boolean,
): readonly Step[] {
  const { name, service, intent } = sequence.situation;
  if (name === undefined) return [];
  const id = `${service.name}/${slot.name}/name`;
  const moves =
    renaming !== undefined && renaming.before.length > 0 && !leadAlike(renaming.before, renaming.switched);
  const kept = isBusy || (moves && intent.kind !== 'revert') ? longestKept(name, isBusy) : undefined;
  if (renaming?.lowered === undefined) {
    return kept === undefined ? [] : [expire(sequence, name, `${id}/old-ttl`, { kept }, slot, [], [])];
  }
  const { before, lowered } = renaming;
  const set = setAnswers(sequence, name, `${id}/lower`, 'lower', {
    title: `the TTL of ${name.traffic.record.name} from ${ttlsText(before)} to ${ttlsText(lowered)}`,
    needs: [],
    from: before,
    to: lowered,
    undo: 'restore the TTL',
    settle: [],
  });
  const everywhere = converge(sequence, name, `${id}/lowered`, lowered, [set]);
  const old = { ttlSeconds: longestTtl(before), what: 'the old TTL' };
  return [expire(sequence, name, `${id}/old-ttl`, { old, kept }, slot, everywhere, [])];
}

/** Of what is remembered what lasts longest: only what outlasts the TTL that is there now, or any of it. */
function longestKept(name: NameSituation, isAny: boolean): StillRemembered | undefined {
  const { resolverMinTtlSeconds } = name.zone;
  const now = answersOf(name);
  const shownMs = isAny || now.length === 0 ? 0 : Math.max(longestTtl(now), resolverMinTtlSeconds) * 1000;
  return name.remembered.filter(({ leftMs }) => leftMs > shownMs).toSorted((a, b) => b.leftMs - a.leftMs)[0];
}

/** Whether resolvers may lead to the slot by an answer of before, and something of it is to be changed. */
const isRememberedAndStale = (situation: Situation, slot: SlotDeclared): boolean =>
  situation.name?.remembered.some(({ slots }) => slots.includes(slot.name)) === true &&
  !namedSlots(situation).includes(slot) &&
  slot.instances.some((instance) => standingOf(situation, instance) !== 'as_wanted');

/** `60 s`; with the types where there are several TTLs: `60 s (A), 300 s (AAAA)`. */
function ttlsText(answers: Answers): string {
  const all = new Set(answers.map(({ rrset }) => rrset.ttlSeconds));
  return all.size === 1
    ? `${[...all][0]} s`
    : answers.map(({ record, rrset }) => `${rrset.ttlSeconds} s (${record.type})`).join(', ');
}

/** Gives the name to the slot, and waits until no resolver can lead to the other one. */
function switchName(
  sequence: Sequence,
  slot: SlotDeclared,
  renaming: Renaming | undefined,
  needs: readonly Step[],
): readonly Step[] {
  const { name, service, intent } = sequence.situation;
  if (name === undefined) return needs;
  if (renaming === undefined) return isResolved(name, slot) ? needs : resolve(sequence, name, slot, needs);
  const { switched } = renaming;
  const before = renaming.lowered ?? renaming.before;
  const id = `${service.name}/${slot.name}/name`;
  const { record } = name.traffic;
  const onlyTtl = leadAlike(before, switched);
  const set = setAnswers(sequence, name, `${id}/switch`, onlyTtl ? 'ttl' : 'switch', {
    title: onlyTtl
      ? `${record.name} from ${ttlsText(before)} to ${ttlsText(switched)}`
      : switchTitle(name, before, switched),
    needs,
    from: before,
    to: switched,
    undo: before.length === 0 ? 'remove the record' : onlyTtl ? 'put the TTL back' : 'switch back',
    settle: onlyTtl
      ? []
      : [...forget(sequence, name, before, longestTtl(switched)), ...resolvedBack(sequence, name, before)],
  });
  const everywhere = converge(sequence, name, `${id}/switched`, switched, [set]);
  if (onlyTtl) return everywhere;
  const watched = slot.instances.length === 0 ? [] : [slot];
  if (before.length > 0) {
    const what = renaming.lowered === undefined ? 'its TTL' : 'the short TTL';
    const kept = intent.kind === 'revert' ? longestKept(name, false) : undefined;
    const old = { ttlSeconds: longestTtl(before), what };
    const forgotten = expire(sequence, name, `${id}/new-ttl`, { old, kept }, slot, everywhere, watched);
    return resolve(sequence, name, slot, [forgotten]);
  }
  const absence = absenceOf(name);
  const kept = longestKept(name, true);
  if (absence.ttlSeconds === 0 && kept === undefined) return resolve(sequence, name, slot, everywhere);
  return resolve(sequence, name, slot, [
    expire(sequence, name, `${id}/new-name`, { old: absence, kept }, slot, everywhere, watched),
  ]);
}

/** What resolvers may remember of a name that is not there: that, or what a wildcard answers in its place. */
function absenceOf({ zone, record }: NameSituation): NonNullable<Memory['old']> {
  const { negativeTtlSeconds = 0, wildcardTtlSeconds = 0 } = record.status === 'present' ? record.spec : {};
  const absent = { ttlSeconds: zone.negativeTtlSeconds ?? negativeTtlSeconds, what: undefined };
  return wildcardTtlSeconds > absent.ttlSeconds
    ? { ttlSeconds: wildcardTtlSeconds, what: 'the TTL of a wildcard' }
    : absent;
}

/** `shop.internal.test.: 10.0.1.11 -> 10.0.1.21`; a change of type is told as one. */
function switchTitle({ traffic: { record } }: NameSituation, before: Answers, switched: Answers): string {
  const isTyped = isOfOtherType(before, record);
  const from = before.length === 0 ? '' : `${valuesText(before, isTyped)} -> `;
  return `${record.name}: ${from}${valuesText(switched, isTyped)}${isTyped ? ', in one update' : ''}`;
}

const isResolved = ({ traffic, resolution }: NameSituation, slot: SlotDeclared): boolean =>
  resolution?.status !== 'present' ||
  (sameValue(resolution.spec.endpoints, traffic.resolvedBy?.endpoints[slot.name]) &&
    resolution.spec.disagreeing.length === 0);

/** Waits until the load balancer that resolves the name uses the slot's addresses. No step where there is none. */
function resolve(
  sequence: Sequence,
  name: NameSituation,
  slot: SlotDeclared,
  needs: readonly Step[],
): readonly Step[] {
  const { service } = sequence.situation;
  const operation = resolution(name, slot.name);
  if (operation === undefined) return needs;
  const who = nameOfAddress(operation.balancer);
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/name/resolved`,
      needs,
      address: poolAddress(operation.balancer, operation.pool),
      verb: 'resolve',
      title: `${who} uses ${operation.endpoints.join(' ')} for ${operation.pool}`,
      where: '',
      operation,
      inverse: nothingToUndo,
      gate: 'every worker has these addresses, and they are up',
      estimateSeconds: sequence.situation.estimate('resolve'),
    }),
  ];
}

/** `edge` of `load_balancer.edge`. */
const nameOfAddress = (address: Address): string => address.slice(address.lastIndexOf('.') + 1);

function resolution(
  { traffic, zone }: NameSituation,
  slot: string,
): (Operation & { readonly op: 'pool.resolve' }) | undefined {
  const { resolvedBy } = traffic;
  if (resolvedBy === undefined) return undefined;
  const { balancer, pool, endpoints } = resolvedBy;
  return { op: 'pool.resolve', balancer, pool, endpoints: endpoints[slot] ?? [], withinMs: zone.convergeMs };
}

/** The same for the way back: to what the record led to before. */
function resolvedBack({ situation }: Sequence, name: NameSituation, before: Answers): Settle {
  const back = situation.service.slots.find((slot) => leadAlike(answersFor(name, slot), before));
  const operation = back === undefined ? undefined : resolution(name, back.name);
  return operation === undefined ? [] : [operation];
}

/** The TTL of quiet times again, once nothing is left to switch back for. */
function restoreTtl(
  sequence: Sequence,
  slot: SlotDeclared,
  renaming: Renaming | undefined,
  needs: readonly Step[],
): readonly Step[] {
  const { name, service } = sequence.situation;
  if (name === undefined || renaming?.restored === undefined) return needs;
  const { switched, restored } = renaming;
  const set = setAnswers(sequence, name, `${service.name}/${slot.name}/name/restore`, 'restore', {
    title: `the TTL of ${name.traffic.record.name} to ${ttlsText(restored)}`,
    needs,
    from: switched,
    to: restored,
    undo: 'shorten the TTL again',
    // Whoever asked meanwhile remembers it for so long, and the step before is a switch back.
    settle: forget(sequence, name, switched, longestTtl(restored)),
  });
  return converge(sequence, name, `${service.name}/${slot.name}/name/restored`, restored, [set]);
}

interface Setting {
  readonly title: string;
  readonly needs: readonly Step[];
  readonly from: Answers;
  readonly to: Answers;
  readonly undo: string;
  readonly settle: Settle;
}

function setAnswers(
  sequence: Sequence,
  name: NameSituation,
  id: string,
  verb: string,
  setting: Setting,
): Step {
  const { from, to, settle } = setting;
  return sequence.add({
    id,
    needs: setting.needs,
    address: name.traffic.record.address,
    verb,
    title: setting.title,
    where: '',
    operation: moveAnswers(name, from, to),
    inverse: {
      kind: 'operation',
      operation: moveAnswers(name, to, from),
      ...(settle.length === 0 ? {} : { settle }),
      summary: setting.undo + waitText(settle),
    },
    gate: `${name.zone.name}'s primary holds it`,
    estimateSeconds: sequence.situation.estimate('name'),
  });
}

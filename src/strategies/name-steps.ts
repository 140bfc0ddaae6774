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
  type RecordSet,
  type SlotDeclared,
  type Step,
  sameValue,
} from '../model/index.ts';
import { recordText } from './changes.ts';
import { checkOf } from './instance-steps.ts';
import { type NameSituation, recordState, type Situation, wantedRelease } from './situation.ts';
import { nothingToUndo, type Sequence } from './step.ts';

/** Resolvers count in whole seconds, and their clocks are not the servers'. */
const slackSeconds = 2;

export const wantedSet = ({ name }: Situation, slot: SlotDeclared): RecordSet | undefined =>
  name === undefined
    ? undefined
    : { ttlSeconds: name.traffic.ttlSeconds, values: name.traffic.values[slot.name] ?? [] };

/** The record of one service in one plan, on its way to one slot. No steps where it leads there, or where there is none. */
export class NameMoves {
  readonly #sequence: Sequence;
  readonly #slot: SlotDeclared;
  readonly #renaming: Renaming | undefined;
  /** The TTL goes down beside all that prepares the slot. */
  readonly #lowered: readonly Step[];

  constructor(sequence: Sequence, slot: SlotDeclared) {
    this.#sequence = sequence;
    this.#slot = slot;
    this.#renaming = renamingTo(sequence.situation, slot);
    this.#lowered = lowerTtl(sequence, slot, this.#renaming);
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

/** What is done about the record, so that each part knows what the others leave behind. */
interface Renaming {
  readonly before: RecordSet | null;
  /** With a short TTL and the values of before; undefined: the TTL is short enough, or there is no time for it. */
  readonly lowered: RecordSet | undefined;
  readonly switched: RecordSet;
  /** With the TTL of quiet times; undefined: it has it already. */
  readonly restored: RecordSet | undefined;
}

/** undefined where the record is as it should be, or where the service has none. */
function renamingTo(situation: Situation, slot: SlotDeclared): Renaming | undefined {
  const { name, intent } = situation;
  const wanted = wantedSet(situation, slot);
  const state = recordState(situation);
  if (name === undefined || wanted === undefined || state === undefined) return undefined;
  const { rrset: before } = state;
  if (sameValue(before, wanted)) return undefined;
  const movesValues = before !== null && !sameValue(before.values, wanted.values);
  if (!movesValues) return { before, lowered: undefined, switched: wanted, restored: undefined };
  const { switchTtlSeconds } = name.traffic;
  const lowers = before.ttlSeconds > switchTtlSeconds && intent.kind !== 'revert';
  const short = { ...wanted, ttlSeconds: switchTtlSeconds };
  return {
    before,
    lowered: lowers ? { ...before, ttlSeconds: switchTtlSeconds } : undefined,
    switched: short,
    restored: sameValue(short, wanted) ? undefined : wanted,
  };
}

/** Shortens what resolvers will remember, and waits out what they remember now. It needs nothing: traffic stays. */
function lowerTtl(sequence: Sequence, slot: SlotDeclared, renaming: Renaming | undefined): readonly Step[] {
  const { name, service } = sequence.situation;
  if (name === undefined || renaming?.lowered === undefined || renaming.before === null) return [];
  const { before, lowered } = renaming;
  const id = `${service.name}/${slot.name}/name`;
  const set = setRecord(sequence, name, `${id}/lower`, 'lower', {
    title: `the TTL of ${name.traffic.record.name} from ${before.ttlSeconds} s to ${lowered.ttlSeconds} s`,
    needs: [],
    from: before,
    to: lowered,
    undo: 'restore the TTL',
    settle: [],
  });
  const everywhere = converge(sequence, name, `${id}/lowered`, lowered, [set]);
  return [expire(sequence, name, `${id}/old-ttl`, before.ttlSeconds, 'the old TTL', slot, [everywhere], [])];
}

/** Gives the record to the slot, and waits until no resolver can lead to the other one. */
function switchName(
  sequence: Sequence,
  slot: SlotDeclared,
  renaming: Renaming | undefined,
  needs: readonly Step[],
): readonly Step[] {
  const { name, service } = sequence.situation;
  if (name === undefined) return needs;
  if (renaming === undefined) return isResolved(name, slot) ? needs : resolve(sequence, name, slot, needs);
  const { switched } = renaming;
  const before = renaming.lowered ?? renaming.before;
  const id = `${service.name}/${slot.name}/name`;
  const { record } = name.traffic;
  const onlyTtl = sameValue(before?.values, switched.values);
  const set = setRecord(sequence, name, `${id}/switch`, onlyTtl ? 'ttl' : 'switch', {
    title: onlyTtl
      ? `${record.name} from ${before?.ttlSeconds} s to ${switched.ttlSeconds} s`
      : `${record.name}: ${before === null ? '' : `${before.values.join(' ')} -> `}${switched.values.join(' ')}`,
    needs,
    from: before,
    to: switched,
    undo: before === null ? 'remove the record' : onlyTtl ? 'put the TTL back' : 'switch back',
    settle: onlyTtl
      ? []
      : [...forget(sequence, name, before, switched.ttlSeconds), ...resolvedBack(sequence, name, before)],
  });
  const everywhere = converge(sequence, name, `${id}/switched`, switched, [set]);
  if (onlyTtl) return [everywhere];
  const watched = slot.instances.length === 0 ? [] : [slot];
  if (before !== null) {
    const what = renaming.lowered === undefined ? 'its TTL' : 'the short TTL';
    const forgotten = expire(
      sequence,
      name,
      `${id}/new-ttl`,
      before.ttlSeconds,
      what,
      slot,
      [everywhere],
      watched,
    );
    return resolve(sequence, name, slot, [forgotten]);
  }
  const negative = name.zone.negativeTtlSeconds ?? recordState(sequence.situation)?.negativeTtlSeconds ?? 0;
  if (negative === 0) return resolve(sequence, name, slot, [everywhere]);
  return resolve(sequence, name, slot, [
    expire(sequence, name, `${id}/new-name`, negative, 'that it did not exist', slot, [everywhere], watched),
  ]);
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
function resolvedBack(
  { situation }: Sequence,
  name: NameSituation,
  before: RecordSet | null,
): Setting['settle'] {
  const back = situation.service.slots.find((slot) =>
    sameValue(name.traffic.values[slot.name], before?.values),
  );
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
  const set = setRecord(sequence, name, `${service.name}/${slot.name}/name/restore`, 'restore', {
    title: `the TTL of ${name.traffic.record.name} to ${restored.ttlSeconds} s`,
    needs,
    from: switched,
    to: restored,
    undo: 'shorten the TTL again',
    // Whoever asked meanwhile remembers it for so long, and the step before is a switch back.
    settle: forget(sequence, name, switched, restored.ttlSeconds),
  });
  return [converge(sequence, name, `${service.name}/${slot.name}/name/restored`, restored, [set])];
}

interface Setting {
  readonly title: string;
  readonly needs: readonly Step[];
  readonly from: RecordSet | null;
  readonly to: RecordSet;
  readonly undo: string;
  readonly settle: readonly (Operation & {
    readonly op: 'record.converge' | 'record.expire' | 'pool.resolve';
  })[];
}

function setRecord(
  sequence: Sequence,
  { traffic, zone }: NameSituation,
  id: string,
  verb: string,
  setting: Setting,
): Step {
  const where = { op: 'record.set', zone: zone.address, record: traffic.record } as const;
  const { from, to, settle } = setting;
  return sequence.add({
    id,
    needs: setting.needs,
    address: traffic.record.address,
    verb,
    title: setting.title,
    where: '',
    operation: { ...where, from, to },
    inverse: {
      kind: 'operation',
      operation: { ...where, from: to, to: from },
      ...(settle.length === 0 ? {} : { settle }),
      summary: setting.undo + waitText(settle),
    },
    gate: `${zone.name}'s primary holds it`,
    estimateSeconds: sequence.situation.estimate('name'),
  });
}

const waitText = (settle: Setting['settle']): string => {
  const wait = settle.find((each) => each.op === 'record.expire');
  return wait === undefined ? '' : `, wait ${wait.durationMs / 1000} s`;
};

/** After a record was put back: until no resolver can remember what it was put back from. */
function forget(
  sequence: Sequence,
  name: NameSituation,
  back: RecordSet | null,
  ttlSeconds: number,
): Setting['settle'] {
  return [
    convergence(name, back),
    {
      op: 'record.expire',
      service: sequence.situation.service.address,
      record: name.traffic.record,
      durationMs: waitMs(name, ttlSeconds),
      watch: [],
    },
  ];
}

const waitMs = ({ zone }: NameSituation, ttlSeconds: number): number =>
  (Math.max(ttlSeconds, zone.resolverMinTtlSeconds) + slackSeconds) * 1000;

const convergence = (
  { traffic, zone }: NameSituation,
  rrset: RecordSet | null,
): Operation & { readonly op: 'record.converge' } => ({
  op: 'record.converge',
  zone: zone.address,
  record: traffic.record,
  rrset,
  withinMs: zone.convergeMs,
});

/** Waits until every server says it: only then can a wait for resolvers begin. */
function converge(
  sequence: Sequence,
  name: NameSituation,
  id: string,
  rrset: RecordSet,
  needs: readonly Step[],
): Step {
  const { servers, quorum } = name.zone;
  const who =
    quorum < servers.length
      ? `${quorum} of ${servers.length} servers`
      : servers.length === 1
        ? 'the server'
        : `all ${servers.length} servers`;
  return sequence.add({
    id,
    needs,
    address: name.traffic.record.address,
    verb: 'converge',
    title: `${who} of ${name.zone.name} ${servers.length === 1 ? 'answers' : 'answer'} ${recordText(rrset)}`,
    where: '',
    operation: convergence(name, rrset),
    inverse: nothingToUndo,
    gate: 'asked directly, with authority',
    estimateSeconds: sequence.situation.estimate('converge'),
  });
}

function expire(
  sequence: Sequence,
  name: NameSituation,
  id: string,
  ttlSeconds: number,
  what: string,
  slot: SlotDeclared,
  needs: readonly Step[],
  watched: readonly SlotDeclared[],
): Step {
  const { situation } = sequence;
  const { service } = situation;
  const durationMs = waitMs(name, ttlSeconds);
  return sequence.add({
    id,
    needs,
    address: name.traffic.record.address,
    verb: 'wait',
    title: `${durationMs / 1000} s until no resolver remembers ${what.startsWith('that') ? what : `the answer of before (${what}, ${ttlSeconds} s)`}`,
    where: '',
    operation: {
      op: 'record.expire',
      service: service.address,
      record: name.traffic.record,
      durationMs,
      watch: watched.flatMap((each) =>
        each.instances.map((instance) => checkOf(situation, slot, instance, wantedRelease(service))),
      ),
    },
    inverse: nothingToUndo,
    gate: watched.length === 0 ? 'the time is over' : 'the time is over, and the checks keep passing',
    estimateSeconds: durationMs / 1000,
  });
}

/** Waits of a name: until every server says it, and until no resolver remembers anything else. */
import type { Operation, RecordDeclared, RecordSet, SlotDeclared, Step } from '../model/index.ts';
import type { Answers } from './answers.ts';
import { recordText } from './changes.ts';
import { checkOf } from './instance-steps.ts';
import { type NameSituation, type StillRemembered, wantedRelease } from './situation.ts';
import { nothingToUndo, type Sequence } from './step.ts';

/** Resolvers count in whole seconds, and their clocks are not the servers'. */
const slackSeconds = 2;

/** What is waited for after a record was put back. */
export type Settle = readonly (Operation & {
  readonly op: 'record.converge' | 'record.expire' | 'pool.resolve';
})[];

export const waitText = (settle: Settle): string => {
  const wait = settle.find((each) => each.op === 'record.expire');
  return wait === undefined ? '' : `, wait ${wait.durationMs / 1000} s`;
};

/** After a record was put back: until no resolver can remember what it was put back from. */
export function forget(sequence: Sequence, name: NameSituation, back: Answers, ttlSeconds: number): Settle {
  return [
    ...convergences(name, back),
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

type Convergence = Operation & { readonly op: 'record.converge' };

/** One for each of them; where there is to be nothing, that the record is gone. */
const convergences = (
  { traffic, zone }: NameSituation,
  answers: Answers,
): readonly [Convergence, ...Convergence[]] => {
  const of = (record: RecordDeclared, rrset: RecordSet | null): Convergence => ({
    op: 'record.converge',
    zone: zone.address,
    record,
    rrset,
    withinMs: zone.convergeMs,
  });
  const [first, ...others] = answers;
  if (first === undefined) return [of(traffic.record, null)];
  return [of(first.record, first.rrset), ...others.map(({ record, rrset }) => of(record, rrset))];
};

/** Waits until every server says it: only then can a wait for resolvers begin. */
export function converge(
  sequence: Sequence,
  name: NameSituation,
  id: string,
  answers: Answers,
  needs: readonly Step[],
): readonly Step[] {
  const { servers, quorum } = name.zone;
  const who =
    quorum < servers.length
      ? `${quorum} of ${servers.length} servers`
      : servers.length === 1
        ? 'the server'
        : `all ${servers.length} servers`;
  return convergences(name, answers).map((operation, index) =>
    sequence.add({
      // Only what a CNAME is to replace can be more than one set.
      id: index === 0 ? id : `${id}-${operation.record.type.toLowerCase()}`,
      needs,
      address: name.traffic.record.address,
      verb: 'converge',
      title: `${who} of ${name.zone.name} ${servers.length === 1 ? 'answers' : 'answer'} ${recordText(operation.rrset)}`,
      where: '',
      operation,
      inverse: nothingToUndo,
      gate: 'asked directly, with authority',
      estimateSeconds: sequence.situation.estimate('converge'),
    }),
  );
}

/** What may be remembered, each from another moment on; the wait is for the last of them to be forgotten. */
export interface Memory {
  /** From when the step begins on; `what` undefined: that there was no such name. */
  readonly old?: { readonly ttlSeconds: number; readonly what: string | undefined };
  /** From when the plan is made on. */
  readonly kept?: StillRemembered | undefined;
}

export function expire(
  sequence: Sequence,
  name: NameSituation,
  id: string,
  memory: Memory,
  slot: SlotDeclared,
  needs: readonly Step[],
  watched: readonly SlotDeclared[],
): Step {
  const { situation } = sequence;
  const { service } = situation;
  const { durationMs, what } = waitFor(name, memory);
  return sequence.add({
    id,
    needs,
    address: name.traffic.record.address,
    verb: 'wait',
    title: `${durationMs / 1000} s until no resolver remembers ${what}`,
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

function waitFor(
  name: NameSituation,
  { old, kept }: Memory,
): { readonly durationMs: number; readonly what: string } {
  const oldMs = old === undefined ? 0 : waitMs(name, old.ttlSeconds);
  // Whole seconds, as plans are read by people.
  const keptMs = kept === undefined ? 0 : (Math.ceil(kept.leftMs / 1000) + slackSeconds) * 1000;
  if (kept !== undefined && keptMs > oldMs) {
    return {
      durationMs: keptMs,
      what: `the answer of before (recorded with a TTL of ${kept.ttlSeconds} s)`,
    };
  }
  const what =
    old?.what === undefined
      ? 'that it did not exist'
      : `the answer of before (${old.what}, ${old.ttlSeconds} s)`;
  return { durationMs: oldMs, what };
}

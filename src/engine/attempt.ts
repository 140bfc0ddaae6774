/**
 * One operation, from a look before to a look after. A reply that says "done" is not believed, and neither is one that
 * says "failed": what counts is how the world stands afterwards. A provider may look again in the exchange in which it
 * changed something; that look counts like one that is asked for.
 */
import {
  type Address,
  type Context,
  type Diagnostic,
  isOutOfReach,
  type Looks,
  type Operation,
  operationClass,
  type Provider,
  ProviderFailure,
  type RecordedResource,
  type Standing,
} from '../model/index.ts';
import { changedBySomeoneElse, effectNotSeen, timedOut, unexpected } from './diagnostics.ts';
import type { Failpoint } from './failpoint.ts';
import type { Admission } from './floor.ts';
import { limitMs, lookLimitMs } from './limits.ts';
import { type Bounded, within } from './within.ts';

export interface Attempt {
  readonly operation: Operation;
  readonly address: Address;
  readonly provider: Provider;
  readonly cx: Context;
  /** Whether this run began the operation (or the one that it undoes) before and did not see how it ended. */
  readonly wasBegun: boolean;
  /**
   * Writes down that it is about to happen; called once, after the look that found it still to be done. So what another
   * had already done is never taken for this run's doing, not even after a kill.
   */
  readonly intend: () => Promise<void>;
  /** Asked before each change of the world: whether the rest of the service can do without this host now. */
  readonly admit: () => Promise<Admission>;
  readonly failpoint: Failpoint;
}

export type AttemptResult =
  | {
      readonly kind: 'done';
      readonly unchanged: boolean;
      readonly seen: readonly RecordedResource[];
    }
  | {
      readonly kind: 'failed';
      readonly failure: Diagnostic;
      readonly mayHaveEffect: boolean;
      /** Nobody saw how it ended: what runs once may have, and must be found by the next try. */
      readonly isUnseen: boolean;
      /** It was not its own host that failed: the others do not hold the floor. */
      readonly isForOthers?: true;
    }
  /** The run must stop: how the world stands is for a resume to find out. */
  | { readonly kind: 'interrupted' };

/** How often a look that cannot see is repeated, and a change whose reply was lost. */
const tries = 3;
const pauseMs = 1_000;

export const bringAbout = (attempt: Attempt): Promise<AttemptResult> =>
  operationClass[attempt.operation.op] === 'wait' ? waitFor(attempt) : move(attempt);

async function move(attempt: Attempt): Promise<AttemptResult> {
  const { address, cx, wasBegun, operation } = attempt;
  const isOnce = operationClass[operation.op] === 'once';

  let before = await look(attempt);
  if (before === 'interrupted') return { kind: 'interrupted' };
  if (before.at === 'after') return record(attempt, !wasBegun, before.seen);
  if (before.at === 'unknown') return failed(before.why, wasBegun, true);
  if (before.at === 'elsewhere') {
    return failed(changedBySomeoneElse(operation.op, address, before.seen), wasBegun);
  }

  for (let turn = 1; ; turn += 1) {
    const admission = await attempt.admit();
    if (admission.kind === 'interrupted') return { kind: 'interrupted' };
    if (admission.kind === 'refused') {
      return { ...failed(admission.why, turn > 1 || wasBegun), isForOthers: true };
    }
    if (turn === 1) await attempt.intend();
    const performed = await perform(attempt, before).finally(admission.left);
    if (performed.ended === 'interrupted') return { kind: 'interrupted' };
    const failure = failureOf(attempt, performed);
    if (failure?.effect === 'none') return failed(failure.diagnostic, turn > 1 || wasBegun);
    if (failure === undefined && performed.seen !== undefined) return record(attempt, false, performed.seen);

    const after = await look(attempt);
    if (after === 'interrupted') return { kind: 'interrupted' };
    if (after.at === 'after') return record(attempt, false, after.seen);
    const said = failure?.diagnostic;
    if (after.at === 'unknown') return failed(said ?? after.why, true, true);
    if (after.at === 'elsewhere') {
      return failed(said ?? changedBySomeoneElse(operation.op, address, after.seen), true);
    }
    // Not there yet is not "will never be there": what was sent may still arrive, so an undo looks at it again.
    if (said === undefined) return failed(effectNotSeen(operation.op, address), true);
    // A lost reply is asked for again; what runs once is not run again without a person's word.
    if (isOnce || turn === tries) return failed(said, true);
    await cx.clock.sleep(pauseMs, cx.signal);
    before = after;
  }
}

/**
 * A wait changes nothing, so it is done again when its connection broke or none came about, like a look, and its failure
 * leaves nothing to undo.
 */
async function waitFor(attempt: Attempt): Promise<AttemptResult> {
  await attempt.intend();
  for (let turn = 1; ; turn += 1) {
    const performed = await perform(attempt, undefined);
    if (performed.ended === 'interrupted') return { kind: 'interrupted' };
    const failure = failureOf(attempt, performed);
    if (failure === undefined) return record(attempt, false, performed.seen);
    const isSure = failure.effect === 'none' && !isOutOfReach(failure.diagnostic);
    const isOver = performed.ended === 'timed_out' || isSure;
    if (isOver || turn === tries) return failed(failure.diagnostic, false);
    await attempt.cx.clock.sleep(pauseMs, attempt.cx.signal);
  }
}

const failed = (
  failure: Diagnostic,
  mayHaveEffect: boolean,
  isUnseen = false,
): Extract<AttemptResult, { kind: 'failed' }> => ({
  kind: 'failed',
  failure,
  mayHaveEffect,
  isUnseen,
});

/** `seen`: the provider has looked again, and found it in effect. */
type Performed = Bounded<void> & { readonly seen: readonly RecordedResource[] | undefined };

async function perform(attempt: Attempt, before: Looks['before']): Promise<Performed> {
  const { cx, provider, operation, failpoint } = attempt;
  failpoint(`effect:before:${operation.op}`);
  let seen: Performed['seen'];
  const after: Looks['after'] = (resources) => {
    seen = resources;
  };
  const performed = await within(limitMs(operation), cx.clock, cx.signal, (signal) =>
    provider.perform(operation, { ...cx, signal }, { before, after }),
  );
  failpoint(`effect:after:${operation.op}`);
  return { ...performed, seen };
}

/** Why it did not work, as far as the provider can tell; undefined: it says that it did. */
function failureOf({ operation, address }: Attempt, performed: Bounded<void>): ProviderFailure | undefined {
  if (performed.ended === 'timed_out') {
    return new ProviderFailure(timedOut(operation.op, address, limitMs(operation)), 'maybe');
  }
  if (performed.ended !== 'thrown') return undefined;
  const { cause } = performed;
  if (cause instanceof ProviderFailure) return cause;
  return new ProviderFailure(unexpected(operation.op, address, cause), 'maybe', cause);
}

/** Looks until it sees something, a few times. */
async function look({ operation, cx, provider, address }: Attempt): Promise<Standing | 'interrupted'> {
  for (let turn = 1; ; turn += 1) {
    const looked = await within(lookLimitMs, cx.clock, cx.signal, (signal) =>
      provider.look(operation, { ...cx, signal }),
    );
    if (looked.ended === 'interrupted') return 'interrupted';
    const standing: Standing =
      looked.ended === 'value' ? looked.value : { at: 'unknown', why: whyBlind(looked, operation, address) };
    if (standing.at !== 'unknown' || turn === tries) return standing;
    await cx.clock.sleep(pauseMs, cx.signal);
  }
}

/** It is in effect: what it left behind becomes the record. What cannot be read cannot be recorded as done. */
async function record(
  attempt: Attempt,
  unchanged: boolean,
  looked: readonly RecordedResource[] | undefined,
): Promise<AttemptResult> {
  if (looked !== undefined) return { kind: 'done', unchanged, seen: looked };
  const { operation, address, provider, cx } = attempt;
  for (let turn = 1; ; turn += 1) {
    const seen = await within(lookLimitMs, cx.clock, cx.signal, (signal) =>
      provider.seen(operation, { ...cx, signal }),
    );
    if (seen.ended === 'interrupted') return { kind: 'interrupted' };
    if (seen.ended === 'value') return { kind: 'done', unchanged, seen: seen.value };
    if (turn === tries) {
      const changesNothing = unchanged || operationClass[operation.op] === 'wait';
      return failed(whyBlind(seen, operation, address), !changesNothing, true);
    }
    await cx.clock.sleep(pauseMs, cx.signal);
  }
}

const whyBlind = (
  blind: Exclude<Bounded<unknown>, { ended: 'value' }>,
  operation: Operation,
  address: Address,
): Diagnostic => {
  if (blind.ended !== 'thrown') return timedOut(operation.op, address, lookLimitMs);
  return blind.cause instanceof ProviderFailure
    ? blind.cause.diagnostic
    : unexpected(operation.op, address, blind.cause);
};

/**
 * One operation, from a look before to a look after. A reply that says "done" is not believed, and neither is one that
 * says "failed": what counts is how the world stands afterwards.
 */
import {
  type Address,
  type Context,
  type Diagnostic,
  type Operation,
  operationClass,
  type Provider,
  ProviderFailure,
  type RecordedResource,
  type Standing,
} from '../model/index.ts';
import { changedBySomeoneElse, effectNotSeen, timedOut, unexpected } from './diagnostics.ts';
import type { Failpoint } from './failpoint.ts';
import { fromHalfway } from './halfway.ts';
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
  readonly failpoint: Failpoint;
}

export type AttemptResult =
  | {
      readonly kind: 'done';
      readonly unchanged: boolean;
      readonly seen: readonly RecordedResource[];
    }
  | { readonly kind: 'failed'; readonly failure: Diagnostic; readonly mayHaveEffect: boolean }
  /** The run must stop: how the world stands is for a resume to find out. */
  | { readonly kind: 'interrupted' };

/** How often a look that cannot see is repeated, and a change whose reply was lost. */
const tries = 3;
const pauseMs = 1_000;

export const bringAbout = (attempt: Attempt): Promise<AttemptResult> =>
  operationClass[attempt.operation.op] === 'wait' ? waitFor(attempt) : move(attempt);

async function move(attempt: Attempt): Promise<AttemptResult> {
  const { address, cx, wasBegun } = attempt;
  let operation = attempt.operation;
  const isOnce = operationClass[operation.op] === 'once';

  const before = await look(attempt, operation);
  if (before === 'interrupted') return { kind: 'interrupted' };
  if (before.at === 'after') return record(attempt, operation, !wasBegun, true);
  if (before.at === 'unknown') return failed(before.why, wasBegun);
  if (before.at === 'elsewhere') {
    const middle = wasBegun ? await halfway(attempt, operation) : undefined;
    if (middle === undefined)
      return failed(changedBySomeoneElse(operation.op, address, before.seen), wasBegun);
    operation = middle;
  }

  await attempt.intend();
  for (let turn = 1; ; turn += 1) {
    const performed = await perform(attempt, operation);
    if (performed.ended === 'interrupted') return { kind: 'interrupted' };
    const failure = failureOf(attempt, operation, performed);
    if (failure?.effect === 'none') return failed(failure.diagnostic, turn > 1 || wasBegun);

    const after = await look(attempt, operation);
    if (after === 'interrupted') return { kind: 'interrupted' };
    if (after.at === 'after') return record(attempt, operation, false, true);
    const maySay = failure?.diagnostic;
    if (after.at === 'unknown') return failed(maySay ?? after.why, true);
    // Not there yet is not "will never be there": what was sent may still arrive, so an undo looks at it again.
    if (after.at === 'before' && maySay === undefined) {
      return failed(effectNotSeen(operation.op, address), true);
    }
    if (after.at === 'elsewhere') {
      const middle = maySay === undefined ? undefined : await halfway(attempt, operation);
      if (middle === undefined) {
        return failed(maySay ?? changedBySomeoneElse(operation.op, address, after.seen), true);
      }
      operation = middle;
    }
    if (isOnce || turn === tries) {
      return failed(maySay ?? effectNotSeen(operation.op, address), true);
    }
    await cx.clock.sleep(pauseMs, cx.signal);
  }
}

/** A wait changes nothing, so it is done again when its connection broke, and its failure leaves nothing to undo. */
async function waitFor(attempt: Attempt): Promise<AttemptResult> {
  await attempt.intend();
  for (let turn = 1; ; turn += 1) {
    const performed = await perform(attempt, attempt.operation);
    if (performed.ended === 'interrupted') return { kind: 'interrupted' };
    const failure = failureOf(attempt, attempt.operation, performed);
    if (failure === undefined) return record(attempt, attempt.operation, false, false);
    const isOver = performed.ended === 'timed_out' || failure.effect === 'none';
    if (isOver || turn === tries) return failed(failure.diagnostic, false);
    await attempt.cx.clock.sleep(pauseMs, attempt.cx.signal);
  }
}

const failed = (failure: Diagnostic, mayHaveEffect: boolean): AttemptResult => ({
  kind: 'failed',
  failure,
  mayHaveEffect,
});

async function perform(attempt: Attempt, operation: Operation): Promise<Bounded<void>> {
  const { cx, provider, failpoint } = attempt;
  failpoint('effect:before');
  const performed = await within(limitMs(operation), cx.clock, cx.signal, (signal) =>
    provider.perform(operation, { ...cx, signal }),
  );
  failpoint('effect:after');
  return performed;
}

/** Why it did not work, as far as the provider can tell; undefined: it says that it did. */
function failureOf(
  attempt: Attempt,
  operation: Operation,
  performed: Bounded<void>,
): ProviderFailure | undefined {
  if (performed.ended === 'timed_out') {
    return new ProviderFailure(timedOut(operation.op, attempt.address, limitMs(operation)), 'maybe');
  }
  if (performed.ended !== 'thrown') return undefined;
  if (performed.cause instanceof ProviderFailure) return performed.cause;
  return new ProviderFailure(
    unexpected(operation.op, attempt.address, performed.cause),
    'maybe',
    performed.cause,
  );
}

/** Looks until it sees something, a few times. */
async function look(attempt: Attempt, operation: Operation): Promise<Standing | 'interrupted'> {
  const { cx, provider, address } = attempt;
  for (let turn = 1; ; turn += 1) {
    const looked = await within(lookLimitMs, cx.clock, cx.signal, (signal) =>
      provider.look(operation, { ...cx, signal }),
    );
    if (looked.ended === 'interrupted') return 'interrupted';
    const standing = standingOf(looked, operation, address);
    if (standing.at !== 'unknown' || turn === tries) return standing;
    await cx.clock.sleep(pauseMs, cx.signal);
  }
}

function standingOf(looked: Bounded<Standing>, operation: Operation, address: Address): Standing {
  switch (looked.ended) {
    case 'value':
      return looked.value;
    case 'thrown':
      return {
        at: 'unknown',
        why:
          looked.cause instanceof ProviderFailure
            ? looked.cause.diagnostic
            : unexpected(operation.op, address, looked.cause),
      };
    default:
      return { at: 'unknown', why: timedOut(operation.op, address, lookLimitMs) };
  }
}

async function halfway(attempt: Attempt, operation: Operation): Promise<Operation | undefined> {
  const seen = await see(attempt, operation);
  return seen.ended === 'value' ? fromHalfway(operation, seen.value) : undefined;
}

const see = (attempt: Attempt, operation: Operation): Promise<Bounded<readonly RecordedResource[]>> =>
  within(lookLimitMs, attempt.cx.clock, attempt.cx.signal, (signal) =>
    attempt.provider.seen(operation, { ...attempt.cx, signal }),
  );

/** It is in effect: what it left behind becomes the record. What cannot be read cannot be recorded as done. */
async function record(
  attempt: Attempt,
  operation: Operation,
  unchanged: boolean,
  mayHaveEffect: boolean,
): Promise<AttemptResult> {
  for (let turn = 1; ; turn += 1) {
    const seen = await see(attempt, operation);
    if (seen.ended === 'interrupted') return { kind: 'interrupted' };
    if (seen.ended === 'value') return { kind: 'done', unchanged, seen: seen.value };
    if (turn === tries) {
      const failure = seen.ended === 'thrown' ? seen.cause : undefined;
      return failed(
        failure instanceof ProviderFailure
          ? failure.diagnostic
          : failure === undefined
            ? timedOut(operation.op, attempt.address, lookLimitMs)
            : unexpected(operation.op, attempt.address, failure),
        mayHaveEffect && !unchanged,
      );
    }
    await attempt.cx.clock.sleep(pauseMs, attempt.cx.signal);
  }
}

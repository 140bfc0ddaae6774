/** A wait by the clock under the checks of what was brought into service. */
import {
  type Context,
  type Diagnostic,
  type Instant,
  type Operation,
  ProviderFailure,
  type ProviderOf,
} from '../model/index.ts';
import { within } from './within.ts';

type Bake = Extract<Operation, { op: 'bake' }>;
type Verify = Extract<Operation, { op: 'health.verify' }>;

/** Between two rounds of checks, where no check says how often. */
const usualIntervalMs = 1_000;
/** How often in a row a check may fail, where no check says how often it must pass. */
const usualPasses = 2;
const usualTimeoutMs = 5_000;

export interface Baking {
  readonly operation: Bake;
  /** Absolute: after a resume only what is left is waited. */
  readonly until: Instant;
  readonly providerOf: ProviderOf;
  readonly cx: Context;
}

export type BakeResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly failure: Diagnostic }
  | { readonly kind: 'interrupted' };

/**
 * Checks every instance in rounds until the time is over, and at least once. Fails when a check failed as many times
 * in a row as it would have to pass: one lost packet is not a sick service.
 */
export async function bake({ operation, until, providerOf, cx }: Baking): Promise<BakeResult> {
  const intervalMs = Math.min(
    ...operation.watch.map((verify) => verify.health?.intervalMs ?? usualIntervalMs),
    ...(operation.watch.length === 0 ? [usualIntervalMs] : []),
  );
  const failuresInARow = operation.watch.map(() => 0);
  for (;;) {
    const round = await Promise.all(operation.watch.map((verify) => checkOnce(verify, providerOf, cx)));
    if (cx.signal.aborted) return { kind: 'interrupted' };
    for (const [index, failure] of round.entries()) {
      const before = failuresInARow[index] ?? 0;
      failuresInARow[index] = failure === undefined ? 0 : before + 1;
      const allowed = operation.watch[index]?.health?.passes ?? usualPasses;
      if (failure !== undefined && before + 1 >= allowed) return { kind: 'failed', failure };
    }
    const leftMs = Math.max(0, until - cx.clock.now());
    const done = operation.durationMs - Math.min(leftMs, operation.durationMs);
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done,
      total: operation.durationMs,
      unit: 'ms',
      text: `${seconds(done)} of ${seconds(operation.durationMs)}`,
    });
    const sickFor = Math.max(0, ...failuresInARow);
    // A service that is just now failing may not pass because the time is over.
    if (leftMs === 0 && sickFor === 0) return { kind: 'done' };
    await cx.clock.sleep(sickFor > 0 ? intervalMs : Math.min(intervalMs, leftMs), cx.signal);
    if (cx.signal.aborted) return { kind: 'interrupted' };
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** It had become healthy, so it does not need longer to start. */
const fellIll = {
  summary: 'The service did not stay healthy under traffic',
  hint: 'Look at its log on the host.',
} as const;

/** One check with a short deadline; undefined: it passed. */
async function checkOnce(
  verify: Verify,
  providerOf: ProviderOf,
  cx: Context,
): Promise<Diagnostic | undefined> {
  const timeoutMs = verify.health?.timeoutMs ?? usualTimeoutMs;
  const once: Verify =
    verify.health === undefined
      ? verify
      : { ...verify, health: { ...verify.health, passes: 1, deadlineMs: timeoutMs } };
  const checked = await within(timeoutMs + usualTimeoutMs, cx.clock, cx.signal, (signal) =>
    // Progress of a single check would only cover up the progress of the wait.
    providerOf(once).perform(once, { ...cx, signal, report: () => {} }),
  );
  if (checked.ended === 'value' || checked.ended === 'interrupted') return undefined;
  if (checked.ended === 'thrown' && checked.cause instanceof ProviderFailure) {
    const { diagnostic } = checked.cause;
    return diagnostic.code === 'health-not-passed' ? { ...diagnostic, ...fellIll } : diagnostic;
  }
  return {
    code: 'bake-check-lost',
    severity: 'error',
    summary: 'A check gave no answer during the bake',
    detail:
      checked.ended === 'thrown'
        ? `The check of ${verify.instance} ended with: ${checked.cause instanceof Error ? checked.cause.message : String(checked.cause)}.`
        : `The check of ${verify.instance} gave no answer for ${seconds(timeoutMs)}.`,
    hint: 'Check that the host answers.',
    address: verify.instance,
  };
}

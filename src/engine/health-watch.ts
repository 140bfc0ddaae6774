/** The checks of what was brought into service, round after round while a gate waits. */
import {
  type Context,
  type Diagnostic,
  type Operation,
  ProviderFailure,
  type ProviderOf,
} from '../model/index.ts';
import { within } from './within.ts';

type Verify = Extract<Operation, { op: 'health.verify' }>;

/** Between two rounds of checks, where no check says how often. */
export const usualIntervalMs = 1_000;
/** How often in a row a check may fail, where no check says how often it must pass. */
const usualPasses = 2;
const usualTimeoutMs = 5_000;

/**
 * The rounds of checks of one gate. An instance is sick when its check failed as many times in a row as it would have to
 * pass (one lost packet is no sick service), and when it comes and goes: half of the last rounds failed, of four times as
 * many.
 */
export class HealthWatch {
  readonly intervalMs: number;
  readonly #watch: readonly Verify[];
  readonly #failuresInARow: number[];
  /** Of each, the last rounds: whether they failed. */
  readonly #last: boolean[][];

  constructor(watch: readonly Verify[]) {
    this.#watch = watch;
    this.#failuresInARow = watch.map(() => 0);
    this.#last = watch.map(() => []);
    const intervals = watch.map((verify) => verify.health?.intervalMs ?? usualIntervalMs);
    this.intervalMs = intervals.length === 0 ? usualIntervalMs : Math.min(...intervals);
  }

  /** Whether some check failed in the last round, if not often enough. */
  get isDoubtful(): boolean {
    return this.#failuresInARow.some((failures) => failures > 0);
  }

  /** One check of each instance; gives the failure that is one too many. */
  async round(providerOf: ProviderOf, cx: Context): Promise<Diagnostic | undefined> {
    const round = await Promise.all(this.#watch.map((verify) => checkOnce(verify, providerOf, cx)));
    if (cx.signal.aborted) return undefined;
    for (const [index, failure] of round.entries()) {
      const before = this.#failuresInARow[index] ?? 0;
      this.#failuresInARow[index] = failure === undefined ? 0 : before + 1;
      const allowed = this.#watch[index]?.health?.passes ?? usualPasses;
      const failed = this.#failedOfLast(index, failure !== undefined, 4 * allowed);
      if (failure === undefined) continue;
      if (before + 1 >= allowed) return failure;
      if (failed < 2 * allowed) continue;
      return {
        ...failure,
        detail: `${failure.detail} It comes and goes: of the last ${this.#last[index]?.length} checks ${failed} failed, though never ${allowed} in a row.`,
      };
    }
    return undefined;
  }

  /** How many of the last rounds failed, with this one. */
  #failedOfLast(index: number, hasFailed: boolean, most: number): number {
    const last = this.#last[index];
    if (last === undefined) return 0;
    last.push(hasFailed);
    if (last.length > most) last.shift();
    return last.filter((each) => each).length;
  }
}

/** It had become healthy, so it does not need longer to start. */
const fellIll = {
  summary: 'The service did not stay healthy under traffic',
  hint: 'Look at its log on the host.',
} as const;

/** One check; undefined: it passed. */
async function checkOnce(
  verify: Verify,
  providerOf: ProviderOf,
  cx: Context,
): Promise<Diagnostic | undefined> {
  const timeoutMs = verify.health?.timeoutMs ?? usualTimeoutMs;
  const once: Verify =
    verify.health === undefined
      ? verify
      : // Once, and not until it passes: what is ill for a moment in each of two is what is looked for.
        { ...verify, health: { ...verify.health, passes: 1, deadlineMs: 0 } };
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
        : `The check of ${verify.instance} gave no answer for ${Math.round(timeoutMs / 1000)} s.`,
    hint: 'Check that the host answers.',
    address: verify.instance,
  };
}

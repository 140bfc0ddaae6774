/** A wait by the clock, or for a person, under the checks of what was brought into service and under its analysis. */
import type {
  Context,
  Diagnostic,
  EventBody,
  Instant,
  Judge,
  Judged,
  OnFailure,
  Operation,
  ProviderOf,
  Verdict,
} from '../model/index.ts';
import { analysisFailed, analysisInconclusive } from './diagnostics.ts';
import { HealthWatch, usualIntervalMs } from './health-watch.ts';
import { within } from './within.ts';

type GateOperation = Extract<Operation, { op: 'bake' | 'record.expire' | 'approval' }>;
/** A look of an analysis that takes longer than this tells nothing. */
const judgeWithinMs = 30_000;

export interface Gate {
  readonly operation: GateOperation;
  readonly since: Instant;
  /** Absolute: after a resume only what is left is waited. undefined: as long as the person takes. */
  readonly until: Instant | undefined;
  /** Aborted when a person has said that it may go on now. */
  readonly promoted: AbortSignal;
  readonly providerOf: ProviderOf;
  readonly judge: Judge;
  /** Told each verdict that differs from the one before it, and the last one, for the journal. */
  readonly record: (verdict: Verdict) => Promise<void>;
  readonly tell: (event: EventBody) => void;
  readonly cx: Context;
}

export type GateResult =
  | { readonly kind: 'done' }
  /** `follows`: what the run does about it, where that is not for the strategy to say. */
  | { readonly kind: 'failed'; readonly failure: Diagnostic; readonly follows?: OnFailure }
  | { readonly kind: 'interrupted' };

/**
 * Checks every instance in rounds until the time is over or the person has spoken, and at least once. Fails when a
 * {@link HealthWatch} calls one sick, and as soon as the analysis says so. A time that is over without a verdict is no pass: what follows then is the analysis's to say.
 */
export async function passGate(gate: Gate): Promise<GateResult> {
  const { operation, until, promoted, providerOf, cx } = gate;
  const judged = operation.op === 'record.expire' ? undefined : operation.judged;
  const health = new HealthWatch(operation.watch);
  const analysis = judged === undefined ? undefined : new AnalysisWatch(gate, judged);
  for (;;) {
    const sick = await health.round(providerOf, cx);
    if (cx.signal.aborted) return { kind: 'interrupted' };
    if (sick !== undefined) return { kind: 'failed', failure: sick };
    const mayPass = promoted.aborted || (until !== undefined && cx.clock.now() >= until);
    const verdict = await analysis?.look(mayPass);
    if (cx.signal.aborted) return { kind: 'interrupted' };
    if (verdict?.verdict === 'fail') {
      return { kind: 'failed', failure: analysisFailed(operation.service, judged, verdict) };
    }
    report(gate);
    // A service that is just now failing may not pass because the time is over.
    if (mayPass && !health.isDoubtful) {
      if (promoted.aborted || verdict?.verdict !== 'inconclusive') return { kind: 'done' };
      if (verdict.follows === 'fail') {
        return { kind: 'failed', failure: analysisFailed(operation.service, judged, verdict) };
      }
      if (verdict.follows === 'pause') {
        const failure = analysisInconclusive(operation.service, judged, verdict);
        return { kind: 'failed', failure, follows: 'pause' };
      }
    }
    const leftMs = mayPass || until === undefined ? Number.POSITIVE_INFINITY : until - cx.clock.now();
    await pause(
      Math.min(health.intervalMs, Math.max(0, leftMs)),
      promoted.aborted ? undefined : promoted,
      cx,
    );
    if (cx.signal.aborted) return { kind: 'interrupted' };
  }
}

/** Sleeps; a promotion wakes it up. */
async function pause(ms: number, promoted: AbortSignal | undefined, cx: Context): Promise<void> {
  const signal = promoted === undefined ? cx.signal : AbortSignal.any([cx.signal, promoted]);
  await cx.clock.sleep(ms, signal);
}

function report({ operation, since, until, cx }: Gate): void {
  const now = cx.clock.now();
  const total = until === undefined ? 0 : until - since;
  const done = until === undefined ? now - since : Math.min(total, Math.max(0, now - since));
  cx.report({
    type: 'step_progress',
    step: cx.step,
    done,
    total,
    unit: 'ms',
    text:
      operation.op === 'approval'
        ? `waits to be promoted, since ${seconds(done)}`
        : `${seconds(done)} of ${seconds(total)}`,
  });
}

/** The analysis of one gate: looked at as often as it is worth it, told and recorded when it changes. */
class AnalysisWatch {
  readonly #gate: Gate;
  readonly #judging: ReturnType<Judge>;
  #next = 0;
  #last: Verdict | undefined;
  #recorded: Verdict | undefined;
  #hasDecided = false;

  constructor(gate: Gate, judged: Judged) {
    this.#gate = gate;
    this.#judging = gate.judge(judged, gate.cx);
  }

  /** `isLast`: this look decides. Between two looks the verdict is the one of the last. */
  async look(isLast: boolean): Promise<Verdict | undefined> {
    const { since, until, cx, operation, tell } = this.#gate;
    const now = cx.clock.now();
    if (!isLast && now < this.#next) return this.#last;
    this.#next = now + this.#judging.intervalMs;
    const looked = await within(judgeWithinMs, cx.clock, cx.signal, () =>
      this.#judging.look({ since, until: until ?? now, now }),
    );
    if (looked.ended === 'interrupted') return this.#last;
    const verdict: Verdict = looked.ended === 'value' ? looked.value : noAnswer(looked);
    const isNew =
      verdict.verdict !== this.#recorded?.verdict ||
      verdict.dryRun?.verdict !== this.#recorded?.dryRun?.verdict;
    this.#last = verdict;
    tell({
      type: 'verdict',
      step: cx.step,
      service: operation.service,
      verdict: verdict.verdict,
      reason: verdict.reason,
      dryRun: verdict.dryRun,
      requests: verdict.requests,
      failed: verdict.failed,
    });
    // A gate that goes on waiting decides again and again, and most often the same.
    if (isNew || (isLast && !this.#hasDecided)) {
      this.#recorded = verdict;
      this.#hasDecided ||= isLast;
      await this.#gate.record(verdict);
    }
    return verdict;
  }
}

const noAnswer = (looked: { readonly ended: string; readonly cause?: unknown }): Verdict => ({
  verdict: 'inconclusive',
  follows: 'pause',
  reason:
    looked.ended === 'thrown'
      ? `the analysis ended with: ${looked.cause instanceof Error ? looked.cause.message : String(looked.cause)}`
      : `the analysis gave no answer for ${seconds(judgeWithinMs)}`,
  requests: undefined,
  failed: undefined,
  dryRun: undefined,
  parts: [],
});

/** Where nobody judges, nothing is known. */
export const noJudge: Judge = () => ({
  intervalMs: usualIntervalMs,
  look: async () => ({
    verdict: 'inconclusive',
    follows: 'pause',
    reason: 'nothing here can judge it',
    requests: undefined,
    failed: undefined,
    dryRun: undefined,
    parts: [],
  }),
});

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** Judges a gate: asks each analysis when it is due, and says what all of them together mean. */
import {
  type AnalysisDeclared,
  type Context,
  type Instant,
  type Judge,
  type Judged,
  type JudgedSide,
  type PartVerdict,
  type SideCounters,
  unreachable,
  type Verdict,
  type VerdictValue,
  type Window,
} from '../model/index.ts';
import { judgeCounters } from './counters-verdict.ts';
import { LatencyReader } from './latency.ts';
import { type Answer, judgeNumbers } from './number-verdict.ts';
import type { Opinion } from './words.ts';

/** Where the values come from. None of these throws: what cannot be had is said. */
export interface Sources {
  readonly measure: (
    judged: Judged,
    side: JudgedSide,
    signal: AbortSignal,
  ) => Promise<SideCounters | { readonly why: string }>;
  /** A query, a request or a command; which of its two queries is meant is for `prometheus` alone. */
  readonly ask: (asked: Asked, judged: Judged, signal: AbortSignal) => Promise<Answer>;
}

export type Asked = Exclude<AnalysisDeclared, { kind: 'load_balancer' }>;
type Counted = Extract<AnalysisDeclared, { kind: 'load_balancer' }>;

/** Counters are read ten times in an interval, and not more often than this. */
const fastestReadMs = 200;
const slowestReadMs = 1_000;

const readEveryMs = ({ intervalMs }: Counted): number =>
  Math.min(slowestReadMs, Math.max(fastestReadMs, intervalMs / 10));

/**
 * Answers, and latencies of one side: those of an earlier time say little about now, every one of a side is compared with
 * every one of the other, and the record must end somewhere. A gate may bake for days.
 */
const mostSamples = 200;

const keepNewest = (samples: unknown[]): void => void samples.splice(0, samples.length - mostSamples);

export const judgeBy =
  (sources: Sources): Judge =>
  (judged, cx) => {
    const parts = judged.analysis.map((analysis) => openPart(analysis, judged, sources, cx));
    return {
      intervalMs: Math.min(...parts.map(({ everyMs }) => everyMs), slowestReadMs * 60),
      async look(window) {
        const said = await Promise.all(parts.map((part) => part.look(window)));
        const counted = parts.find((part) => part.counted !== undefined)?.counted?.();
        return combine(said, counted?.failed);
      },
    };
  };

interface Part {
  readonly everyMs: number;
  look(window: Window): Promise<PartVerdict>;
  /** Requests of the canary since the gate opened, and those of them that failed. */
  readonly counted?: () => { readonly requests: number; readonly failed: number };
}

const openPart = (analysis: AnalysisDeclared, judged: Judged, sources: Sources, cx: Context): Part =>
  analysis.kind === 'load_balancer'
    ? countersPart(analysis, judged, sources, cx)
    : answersPart(analysis, judged, sources, cx);

// ── the balancer's counters ──────────────────────────────────────────────────────────────────────────

function countersPart(analysis: Counted, judged: Judged, sources: Sources, cx: Context): Part {
  const canary = new SideSeries();
  const stable = new SideSeries();
  const series = new VerdictSeries(analysis);
  let unread: string | undefined;
  const read = async (side: SideSeries, of: JudgedSide): Promise<void> => {
    const counters = await sources.measure(judged, of, cx.signal);
    if ('why' in counters) unread = counters.why;
    else side.take(counters);
  };
  const hasOther = judged.sharePercent < 100;
  return {
    everyMs: readEveryMs(analysis),
    counted: () => canary.counts,
    async look(window) {
      unread = undefined;
      await Promise.all([read(canary, judged.canary), ...(hasOther ? [read(stable, judged.stable)] : [])]);
      const opine = (look: number): Opinion => {
        if (unread !== undefined) return { says: 'unclear', reason: unread, samples: { none: unread } };
        return judgeCounters(
          analysis,
          {
            canary: canary.counts,
            stable: hasOther ? stable.counts : undefined,
            canaryLatency: canary.latencies,
            stableLatency: stable.latencies,
          },
          look,
        );
      };
      return series.look(
        window,
        async (look) => opine(look),
        () => canary.counts.requests,
      );
    },
  };
}

/** What one side counted since the gate opened. */
class SideSeries {
  readonly latencies: number[] = [];
  readonly #reader = new LatencyReader();
  #base: SideCounters | undefined;
  #last: SideCounters | undefined;

  take(counters: SideCounters): void {
    this.#base ??= counters;
    this.#last = counters;
    this.latencies.push(...this.#reader.take(counters.latency).map(({ ms }) => ms));
    keepNewest(this.latencies);
  }

  get counts(): { readonly requests: number; readonly failed: number } {
    const [base, last] = [this.#base, this.#last];
    if (base === undefined || last === undefined) return { requests: 0, failed: 0 };
    const failed = last.failed - base.failed;
    // A request counts when it comes and its failure when it ends: what fails now may have come before the gate opened.
    return { requests: Math.max(last.requests - base.requests, failed), failed };
  }
}

// ── answers from outside ─────────────────────────────────────────────────────────────────────────────

function answersPart(analysis: Asked, judged: Judged, sources: Sources, cx: Context): Part {
  const answers: Answer[] = [];
  const series = new VerdictSeries(analysis);
  return {
    everyMs: analysis.intervalMs,
    look: (window) =>
      series.look(
        window,
        async (look) => {
          answers.push(await sources.ask(analysis, judged, cx.signal));
          keepNewest(answers);
          return judgeNumbers(analysis, baselineOf(analysis), answers, look);
        },
        () => undefined,
      ),
  };
}

function baselineOf(analysis: Asked) {
  switch (analysis.kind) {
    case 'prometheus':
      return analysis.baseline === undefined ? undefined : analysis;
    case 'http':
    case 'command':
      return undefined;
    default:
      return unreachable(analysis);
  }
}

// ── one after the other ──────────────────────────────────────────────────────────────────────────────

/** The verdicts of one analysis in one gate: when the next is due, and how many bad ones came in a row. */
class VerdictSeries {
  readonly #analysis: AnalysisDeclared;
  #dueAt: Instant | undefined;
  #looks = 0;
  #badInARow = 0;
  #isAtEnd = false;
  #newest: Opinion = { says: 'unclear', reason: 'nothing was measured so far', samples: null };

  constructor(analysis: AnalysisDeclared) {
    this.#analysis = analysis;
  }

  async look(
    window: Window,
    opine: (look: number) => Promise<Opinion>,
    requests: () => number | undefined,
  ): Promise<PartVerdict> {
    const { intervalMs, name, dryRun } = this.#analysis;
    this.#dueAt ??= (window.now + intervalMs) as Instant;
    const isOver = window.now >= window.until;
    if (window.now >= this.#dueAt || (isOver && !this.#isAtEnd)) {
      this.#looks += 1;
      this.#isAtEnd = isOver;
      this.#dueAt = (window.now + intervalMs) as Instant;
      this.#newest = await opine(this.#looks);
      this.#badInARow = this.#newest.says === 'bad' ? this.#badInARow + 1 : 0;
    }
    const { reason, samples } = this.#newest;
    const grounds = { name, dryRun, requests: requests(), samples };
    return { ...grounds, ...this.#value(window), reason: this.#withCount(reason) };
  }

  #value(window: Window): VerdictValue {
    const { failures, deadlineMs, inconclusive } = this.#analysis;
    if (this.#newest.says === 'good') return { verdict: 'pass' };
    if (this.#newest.says === 'bad' && this.#badInARow >= failures) return { verdict: 'fail' };
    const mayWait = window.now < window.until + deadlineMs;
    return { verdict: 'inconclusive', follows: mayWait ? 'wait' : inconclusive };
  }

  #withCount(reason: string): string {
    const { failures } = this.#analysis;
    return this.#newest.says === 'bad' && failures > 1
      ? `${reason} (${this.#badInARow} of ${failures} in a row)`
      : reason;
  }
}

/** The worst of those that count, and beside it the worst of the dry runs, which decide nothing. */
export function combine(parts: readonly PartVerdict[], failed: number | undefined): Verdict {
  const counting = parts.filter(({ dryRun }) => !dryRun);
  const dry = parts.filter(({ dryRun }) => dryRun);
  const requests = parts.find((part) => part.requests !== undefined)?.requests;
  return {
    ...(counting.length === 0 ? { verdict: 'pass', reason: '' } : worstOf(counting)),
    dryRun: dry.length === 0 ? undefined : worstOf(dry),
    requests,
    failed,
    parts,
  };
}

/** The value of the worst, with the reasons of all that are as bad. */
function worstOf(parts: readonly PartVerdict[]): VerdictValue & { readonly reason: string } {
  const failing = parts.filter(({ verdict }) => verdict === 'fail');
  if (failing.length > 0) return { verdict: 'fail', reason: reasonsOf(failing) };
  const unclear = parts.filter((part) => part.verdict === 'inconclusive');
  if (unclear.length === 0) return { verdict: 'pass', reason: reasonsOf(parts) };
  const all = unclear.map(({ follows }) => follows);
  const follows = all.includes('fail') ? 'fail' : all.includes('pause') ? 'pause' : 'wait';
  return { verdict: 'inconclusive', follows, reason: reasonsOf(unclear) };
}

const reasonsOf = (parts: readonly PartVerdict[]): string => parts.map(clause).join('; ');

const clause = ({ name, reason }: PartVerdict): string =>
  name === 'load_balancer' ? reason : `${name}: ${reason}`;

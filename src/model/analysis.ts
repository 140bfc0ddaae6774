/**
 * What decides whether a canary is good, and how a decision is told.
 *
 *   load_balancer   the balancer's own counters of both sides: errors by exact tests, latency by Mann-Whitney
 *   prometheus      a query; with `baseline` a second one that it is compared with by Mann-Whitney
 *   http            a number or a text in a JSON answer, or the status alone
 *   command         an exit code, or a number on standard output
 */
import type { EnvironmentValue } from './declared.ts';
import type { SourceRange } from './diagnostic.ts';
import type { Address, Instant, Json } from './words.ts';

interface AnalysisCommon {
  /** Unique among those of its strategy, for people: `load_balancer`, `prometheus 2`. */
  readonly name: string;
  /** From one verdict to the next. */
  readonly intervalMs: number;
  /** How many bad verdicts in a row are a failure; those before the last one are inconclusive. */
  readonly failures: number;
  /** Told and recorded, and decides nothing. */
  readonly dryRun: boolean;
  /** How long after the end of the bake it may still be without a verdict; then `inconclusive` says what follows. */
  readonly deadlineMs: number;
  /** No data is never a pass. */
  readonly inconclusive: 'pause' | 'fail';
  /** 0.95: how sure it must be that the canary is worse before it says so. */
  readonly confidence: number;
  readonly origin: SourceRange;
}

/** Limits of one number; at least one of the two is set where nothing else decides. */
export interface NumberLimits {
  readonly max: number | undefined;
  readonly min: number | undefined;
}

/** Texts may hold `{{ canary }}`, `{{ stable }}` (pools), `{{ canary_hosts }}`, `{{ stable_hosts }}` (`web-1|web-2`) and `{{ share }}`. */
export type AnalysisDeclared =
  | (AnalysisCommon & {
      readonly kind: 'load_balancer';
      /** 0 to 1. */
      readonly maxErrorRate: number;
      /** How many times slower than the stable side the canary may be. */
      readonly maxLatencyRatio: number | undefined;
      /** Of the canary, in one gate. */
      readonly minRequests: number;
    })
  | (AnalysisCommon &
      NumberLimits & {
        readonly kind: 'prometheus';
        readonly url: string;
        readonly query: string;
        /** A query of the same kind about the stable side. */
        readonly baseline: string | undefined;
        /** How many times as large as the baseline the result may be. */
        readonly maxRatio: number;
        readonly headers: Readonly<Record<string, EnvironmentValue>>;
        readonly timeoutMs: number;
      })
  | (AnalysisCommon &
      NumberLimits & {
        readonly kind: 'http';
        readonly url: string;
        /** Where in the JSON answer the value is: `data.checks[0].rate`; undefined: only the status counts. */
        readonly path: string | undefined;
        /** The text, number or bool that the value must be. */
        readonly equals: string | undefined;
        readonly headers: Readonly<Record<string, EnvironmentValue>>;
        readonly timeoutMs: number;
      })
  | (AnalysisCommon &
      NumberLimits & {
        readonly kind: 'command';
        /** On the operator's machine, in the environment's folder. Without limits exit 0 is good and anything else bad. */
        readonly argv: readonly string[];
        readonly environment: Readonly<Record<string, EnvironmentValue>>;
        readonly timeoutMs: number;
      });

/** One side of a canary as the balancer knows it. With one slot both sides are members of the same pool. */
export interface JudgedSide {
  readonly pool: string;
  readonly members: readonly string[];
}

/** What a gate asks to be judged: plain data, part of its step. */
export interface Judged {
  readonly service: Address;
  readonly analysis: readonly AnalysisDeclared[];
  readonly balancer: Address;
  readonly stable: JudgedSide;
  readonly canary: JudgedSide;
  /** Whole percent of the requests that the canary has now; at 100 there is no other side to compare with. */
  readonly sharePercent: number;
}

/**
 * `fail` ends the gate at once. `inconclusive`: not enough is known, which is never a pass; `follows` says what follows when
 * the time of the gate is over: `wait` until it is known, and after the deadline `pause` or `fail`.
 */
export type VerdictValue =
  | { readonly verdict: 'pass' | 'fail' }
  | { readonly verdict: 'inconclusive'; readonly follows: 'wait' | 'pause' | 'fail' };

interface Grounds {
  /** One sentence with the values that matter: `3.1% of 1,204 requests failed, at most 1% may`. */
  readonly reason: string;
  /** How many requests of the canary it rests on; undefined: it does not rest on requests. */
  readonly requests: number | undefined;
}

/** What one analysis says. */
export type PartVerdict = VerdictValue &
  Grounds & {
    readonly name: string;
    readonly dryRun: boolean;
    /** What it was derived from, for the record. */
    readonly samples: Json;
  };

/** What the dry runs say together. It decides nothing. */
export interface DryRunVerdict {
  readonly verdict: VerdictValue['verdict'];
  readonly reason: string;
}

/** What all of them say together: the worst of those that count. With dry runs alone a `pass` without a reason. */
export type Verdict = VerdictValue &
  Grounds & {
    readonly parts: readonly PartVerdict[];
    /** Undefined: there are no dry runs. */
    readonly dryRun: DryRunVerdict | undefined;
    /** Requests to the canary since the gate opened that failed, as far as the balancer counts them. */
    readonly failed: number | undefined;
  };

/** The window of a gate: `now` lies in it, or at its end, or after it while it waits for a verdict. */
export interface Window {
  readonly since: Instant;
  readonly until: Instant;
  readonly now: Instant;
}

/** Counters of one side since the balancer was first asked: they never fall, whatever is reloaded. */
export interface SideCounters {
  readonly requests: number;
  /** Answers with a 5xx status, and requests without an answer. */
  readonly failed: number;
  /** How often a generation of the balancer ended or began between two looks: what it counted last is lost. */
  readonly generations: number;
  /** The time to the first byte of an answer as the balancer averages it, in each of its generations and members. */
  readonly latency: readonly LatencyAverage[];
}

/**
 * A sliding average: with each request it moves by one part in `window` towards that request's time; before it has seen
 * as many it is their plain mean. Whole ms, rounded up. So the mean of an interval follows from the averages at its ends.
 */
export interface LatencyAverage {
  /** Which counter it is: equal keys are the same counter at two times. */
  readonly key: string;
  readonly averageMs: number;
  /** Requests that the average has taken in since its counter began. */
  readonly requests: number;
  readonly window: number;
}

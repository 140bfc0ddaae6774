/** What the balancer's counters of both sides say. Pure: counts and samples in, a verdict out. */
import type { AnalysisDeclared, Json } from '../model/index.ts';
import { binomialTail, type Counts, fisherTail } from './exact-tests.ts';
import { compareSides } from './mann-whitney.ts';
import { levelOf } from './spending.ts';
import { count, type Opinion, percent, times } from './words.ts';

export type CountersAnalysis = Extract<AnalysisDeclared, { kind: 'load_balancer' }>;

export interface Evidence {
  /** Since the gate opened. */
  readonly canary: Counts;
  /** undefined: the canary has all requests, and there is no other side. */
  readonly stable: Counts | undefined;
  /** Means of ms of intervals that do not overlap; as many as may all be compared with each other. */
  readonly canaryLatency: readonly number[];
  readonly stableLatency: readonly number[];
}

/** Latencies are compared from so many samples of each side. */
const fewestSamples = 4;

/** Below this difference the balancer's whole milliseconds decide, and not the service. */
const smallestShiftMs = 0.5;

/** `look` counts the verdicts of this gate from 1. */
export function judgeCounters(analysis: CountersAnalysis, evidence: Evidence, look: number): Opinion {
  const asksLatency = analysis.maxLatencyRatio !== undefined && evidence.stable !== undefined;
  const level = levelOf(look, analysis.confidence, asksLatency ? 2 : 1);
  const errors = judgeErrors(analysis, evidence, level);
  const latency = asksLatency ? judgeLatency(analysis.maxLatencyRatio, evidence, level) : undefined;
  const opinions = [errors, ...(latency === undefined ? [] : [latency])];
  const worst =
    opinions.find(({ says }) => says === 'bad') ?? opinions.find(({ says }) => says === 'unclear') ?? errors;
  return {
    says: worst.says,
    reason:
      worst.says === 'good' && latency !== undefined ? `${errors.reason}; ${latency.reason}` : worst.reason,
    samples: {
      look,
      level,
      errors: errors.samples,
      ...(latency === undefined ? {} : { latency: latency.samples }),
    },
  };
}

function judgeErrors(analysis: CountersAnalysis, { canary, stable }: Evidence, level: number): Opinion {
  const { maxErrorRate, minRequests } = analysis;
  const rate = canary.requests === 0 ? 0 : canary.failed / canary.requests;
  // What has failed stays failed: if even with only good answers up to min_requests it would be too much, it is now.
  const judged = { ...canary, requests: Math.max(canary.requests, minRequests) };
  const pOver = binomialTail(judged, maxErrorRate);
  const pWorse = stable === undefined || stable.requests === 0 ? 0 : fisherTail(canary, stable);
  const samples: Json = {
    canary: { ...canary },
    ...(stable === undefined ? {} : { stable: { ...stable }, pWorse }),
    pOver,
  };
  const said = `${canary.failed === 0 ? 'none' : percent(rate)} of ${count(canary.requests)} requests failed`;
  const allowed = `at most ${percent(maxErrorRate)} may`;
  const isOver = canary.failed > 0 && pOver <= level;
  if (isOver && pWorse <= level) {
    const beside =
      stable === undefined
        ? ''
        : `; of the stable side's ${count(stable.requests)} it was ${percent(rateOf(stable))}`;
    return { says: 'bad', reason: `${said}, ${allowed}${beside}`, samples };
  }
  if (isOver && stable !== undefined) {
    const beside = `${percent(rateOf(stable))} of the stable side's ${count(stable.requests)}`;
    const reason =
      rateOf(stable) > maxErrorRate
        ? `${said}, ${allowed}, but ${beside} did too: it is not the canary alone`
        : `${said}, ${allowed}; beside ${beside} that may still be chance`;
    return { says: 'unclear', reason, samples };
  }
  if (canary.requests < minRequests) {
    const reason = `${count(canary.requests)} of the ${count(minRequests)} requests that a verdict needs have come`;
    return { says: 'unclear', reason, samples };
  }
  if (rate > maxErrorRate) {
    return { says: 'unclear', reason: `${said}, ${allowed}, and that may still be chance`, samples };
  }
  return { says: 'good', reason: `${said}, ${allowed}`, samples };
}

function judgeLatency(
  maxRatio: number | undefined,
  { canaryLatency, stableLatency }: Evidence,
  level: number,
): Opinion {
  const fewest = Math.min(canaryLatency.length, stableLatency.length);
  const kept = { canary: canaryLatency.map(tenths), stable: stableLatency.map(tenths) };
  if (fewest < fewestSamples || maxRatio === undefined) {
    const reason = `${fewest} of the ${fewestSamples} latency samples of each side that a comparison needs are there`;
    return { says: 'unclear', reason, samples: kept };
  }
  const { pValue, shift, medianStable, superiority } = compareSides(canaryLatency, stableLatency);
  // A stable side below what can be told apart takes at most as long as that: nothing is a multiple of 0.
  const stableMs = Math.max(medianStable, smallestShiftMs);
  const ratio = (stableMs + shift) / stableMs;
  const samples: Json = { ...kept, pValue, shift, ratio, superiority };
  const said = `answers take ${times(ratio)} as long as the stable side's ${stableMs.toFixed(1)} ms`;
  const allowed = `at most ${times(maxRatio)} is allowed`;
  if (ratio <= maxRatio || shift <= smallestShiftMs) return { says: 'good', reason: said, samples };
  return pValue <= level
    ? { says: 'bad', reason: `${said}; ${allowed}`, samples }
    : { says: 'unclear', reason: `${said}; ${allowed}, and that may still be chance`, samples };
}

const rateOf = ({ requests, failed }: Counts): number => (requests === 0 ? 0 : failed / requests);

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

/** What a number from outside says: within its limits, or compared with that of the stable side. Pure. */
import type { Json, NumberLimits } from '../model/index.ts';
import { compareSides } from './mann-whitney.ts';
import { levelOf } from './spending.ts';
import { type Opinion, times } from './words.ts';

/** One answer of a source: a value, a plain yes or no, or why there is none. */
export type Answer =
  | { readonly kind: 'number'; readonly value: number; readonly baseline?: number }
  /** `said`: a clause, `exit code 3`. */
  | { readonly kind: 'word'; readonly good: boolean; readonly said: string }
  | { readonly kind: 'none'; readonly why: string };

export interface BaselineLimits {
  readonly maxRatio: number;
  readonly confidence: number;
}

/** Below so many samples of each side no test can be sure. */
const fewestPairs = 4;

/** The newest answer decides by the limits, all of them together beside the baseline. `look` counts verdicts from 1. */
export function judgeNumbers(
  limits: NumberLimits,
  baseline: BaselineLimits | undefined,
  answers: readonly Answer[],
  look: number,
): Opinion {
  const newest = answers.at(-1) ?? { kind: 'none' as const, why: 'nothing was asked yet' };
  if (newest.kind === 'none') return { says: 'unclear', reason: newest.why, samples: { none: newest.why } };
  if (newest.kind === 'word') {
    const samples: Json = { said: newest.said };
    return { says: newest.good ? 'good' : 'bad', reason: newest.said, samples };
  }
  const { value } = newest;
  const samples = { value, ...(newest.baseline === undefined ? {} : { baseline: newest.baseline }) };
  const { max, min } = limits;
  if (max !== undefined && value > max) {
    return { says: 'bad', reason: `${shown(value)} is above ${shown(max)}`, samples };
  }
  if (min !== undefined && value < min) {
    return { says: 'bad', reason: `${shown(value)} is below ${shown(min)}`, samples };
  }
  if (baseline !== undefined) return besideBaseline(baseline, answers, look);
  const bounds = [
    ...(min === undefined ? [] : [`not below ${shown(min)}`]),
    ...(max === undefined ? [] : [`not above ${shown(max)}`]),
  ];
  return { says: 'good', reason: `${shown(value)} is ${bounds.join(' and ')}`, samples };
}

function besideBaseline(limits: BaselineLimits, answers: readonly Answer[], look: number): Opinion {
  const pairs = answers.flatMap((each) =>
    each.kind === 'number' && each.baseline !== undefined ? [[each.value, each.baseline] as const] : [],
  );
  const canary = pairs.map(([value]) => value);
  const stable = pairs.map(([, value]) => value);
  if (pairs.length < fewestPairs) {
    const reason = `${pairs.length} of the ${fewestPairs} samples that a comparison needs are there`;
    return { says: 'unclear', reason, samples: { canary, stable } };
  }
  const { pValue, shift, medianStable, superiority } = compareSides(canary, stable);
  const allowedShift = Math.abs(medianStable) * (limits.maxRatio - 1);
  const samples: Json = { canary, stable, pValue, shift, medianStable, superiority };
  const said = `${shown(medianStable + shift)} beside ${shown(medianStable)} of the stable side`;
  const allowed = `at most ${times(limits.maxRatio)} as much is allowed`;
  if (shift <= allowedShift) return { says: 'good', reason: said, samples };
  return pValue <= levelOf(look, limits.confidence, 1)
    ? { says: 'bad', reason: `${said}; ${allowed}`, samples }
    : { says: 'unclear', reason: `${said}; ${allowed}, and that may still be chance`, samples };
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));

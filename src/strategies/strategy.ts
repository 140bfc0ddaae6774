import type { Change, Diagnostic, Step } from '../model/index.ts';
import type { Situation } from './situation.ts';

/** What a strategy decides for one service: nothing at all where everything is as wanted. */
export interface Rollout {
  readonly changes: readonly Change[];
  /** In an order that their needs allow. */
  readonly steps: readonly Step[];
  readonly held: readonly Diagnostic[];
}

/** Pure: the same situation gives the same rollout. */
export type Strategy = (situation: Situation) => Rollout;

export const nothing: Rollout = { changes: [], steps: [], held: [] };

/** Requests that the balancer's own rules are asked about: where each would go. */
import type { AudienceRule } from '../../model/index.ts';

/** How many of the sampled requests each pool would have got. */
export interface Samples {
  readonly taken: number;
  readonly byPool: ReadonlyMap<string, number>;
  /** Audience rules, as tokens, that the balancer's configuration can decide this route by. */
  readonly audience: ReadonlySet<string>;
}

export interface SampleAsk {
  readonly route: string;
  /** How many requests, each decided afresh. */
  readonly count: number;
  /** The requests meet this rule; undefined: none. */
  readonly as?: AudienceRule;
}

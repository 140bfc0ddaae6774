/**
 * How much doubt each look may spend. A gate looks many times; a test at the full level each time would call nearly
 * every canary bad sooner or later.
 */

/**
 * The level of the look with this number, from 1: a half, a sixth, a twelfth, ... of what may be spent in all. The sum
 * over all looks that there could ever be is the whole, so the number of looks need not be known beforehand, and the
 * first ones, at which a bad canary should be found, have the most.
 */
export const levelOf = (look: number, confidence: number, questions: number): number =>
  (1 - confidence) / questions / (look * (look + 1));

import { graphemes } from './code-points.ts';
import type { Numeral } from './numbers.ts';
import { compareNumbers } from './numbers.ts';

/** One end of the range that an unknown number lies in. */
export interface Bound {
  readonly at: Numeral;
  readonly inclusive: boolean;
}

/** What is known of an unknown value. Everything left out is not known. */
export interface Refinement {
  readonly notNull?: boolean;
  /** The beginning of an unknown string. */
  readonly prefix?: string;
  readonly lower?: Bound;
  readonly upper?: Bound;
  /** The number of elements of an unknown list, set or map. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

export const UNREFINED: Refinement = {};
export const NOT_NULL: Refinement = { notNull: true };

const DELIMITER = /^[-_:;/\\,.(){}[\]|?!~ \t@#$%^&*+"']$/;

/**
 * The beginning of a text that stays when more is put behind it. What follows could join the last grapheme cluster
 * (a combining mark, say), so that one is left out, unless it is a delimiter that nothing joins.
 */
export function safePrefix(prefix: string): string {
  const clusters = graphemes(prefix.normalize('NFC'));
  const last = clusters.at(-1);
  if (last !== undefined && !DELIMITER.test(last)) clusters.pop();
  return clusters.join('');
}

/** Both refinements together. */
export function refineFurther(known: Refinement, more: Refinement): Refinement {
  const lower = tighter(known.lower, more.lower, 1);
  const upper = tighter(known.upper, more.upper, -1);
  const prefix = (more.prefix?.length ?? 0) > (known.prefix?.length ?? 0) ? more.prefix : known.prefix;
  const minLength = Math.max(known.minLength ?? 0, more.minLength ?? 0);
  const maxLength = Math.min(known.maxLength ?? Infinity, more.maxLength ?? Infinity);
  return {
    ...(known.notNull === true || more.notNull === true ? { notNull: true } : {}),
    ...(prefix === undefined ? {} : { prefix }),
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
    ...(minLength > 0 ? { minLength } : {}),
    ...(maxLength < Infinity ? { maxLength } : {}),
  };
}

function tighter(a: Bound | undefined, b: Bound | undefined, direction: 1 | -1): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const order = compareNumbers(a.at, b.at) * direction;
  if (order !== 0) return order > 0 ? a : b;
  return a.inclusive ? b : a;
}

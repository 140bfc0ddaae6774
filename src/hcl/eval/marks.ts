/**
 * A label that follows a value through every operation: the result of anything computed from a marked value is
 * marked too. `sensitive` is what `sensitive()` sets and `nonsensitive()` removes. Any other text names where a
 * value comes from (`secret.tsig`); nothing in the language removes it. A value with any mark is never shown.
 */
export type Mark = string;
export type Marks = ReadonlySet<Mark>;

export const SENSITIVE: Mark = 'sensitive';
export const NO_MARKS: Marks = new Set<Mark>();

/** All marks of both. Returns one of its arguments where it can, so that unmarked values cost nothing. */
export function joinMarks(a: Marks, b: Marks): Marks {
  if (b.size === 0 || a === b) return a;
  if (a.size === 0) return b;
  return a.isSupersetOf(b) ? a : a.union(b);
}

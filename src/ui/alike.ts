/** Many findings for people: what is the same is told once, and of one kind only a few. */
import type { Diagnostic } from '../model/index.ts';

/** Of one kind, so many are told in full. */
const framesEach = 3;

/** Without those that say the same as one before. */
export function distinct(found: readonly Diagnostic[]): readonly Diagnostic[] {
  const same = Map.groupBy(found, ({ code, detail }) => `${code} ${detail}`);
  return [...same.values()].flatMap(([first]) => first ?? []);
}

/**
 * Errors first, each with an empty line before it. What is the same is told once, in the words of who found it first: a
 * host's own check knows better what mends it than the balancer that could not be reached through it.
 */
export function framesOf(
  found: readonly Diagnostic[],
  frame: (diagnostic: Diagnostic) => string,
): readonly string[] {
  const kinds = [...Map.groupBy(distinct(found), ({ code }) => code).values()].toSorted(
    (a, b) => Number(a[0]?.severity !== 'error') - Number(b[0]?.severity !== 'error'),
  );
  return kinds.flatMap((kind) => [
    ...kind.slice(0, framesEach).flatMap((each) => ['', frame(each).trimEnd()]),
    ...(kind.length > framesEach
      ? ['', `  and ${kind.length - framesEach} more of this kind (--json has all).`]
      : []),
  ]);
}

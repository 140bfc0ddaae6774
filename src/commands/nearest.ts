/**
 * The known word that was probably meant: at most a third of its letters wrong, where a letter too many, too few,
 * another, or two neighbours swapped count as one. Undefined where nothing is that near; the first of equals.
 */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const word of known) {
    const wrong = distance(typed.toLowerCase(), word.toLowerCase());
    if (wrong < least && wrong <= Math.max(1, Math.floor(word.length / 3))) {
      best = word;
      least = wrong;
    }
  }
  return best;
}

/** Optimal string alignment: Levenshtein with swaps of neighbours. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      line.push(cost);
    }
    before = above;
    above = line;
  }
  return above[to.length] ?? 0;
}

/** How many single-character edits turn one text into the other; stops counting at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? limit;
}

/** The candidate that was probably meant, when one is at most two edits away; the nearest, then the first. */
export function nearestName(given: string, candidates: Iterable<string>): string | undefined {
  // With two edits every name of two letters would do.
  let limit = given.length <= 2 ? 2 : 3;
  let nearest: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(given, candidate, limit);
    if (distance < limit) {
      nearest = candidate;
      limit = distance;
    }
  }
  return nearest;
}

/** `Did you mean "x"?`, as a hint for an error. */
export function didYouMean(given: string, candidates: Iterable<string>): string | undefined {
  const nearest = nearestName(given, candidates);
  return nearest === undefined ? undefined : `Did you mean ${JSON.stringify(nearest)}?`;
}

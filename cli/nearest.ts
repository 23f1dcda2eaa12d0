/**
 * The known word nearest to a misspelt one. Pure. Caller: settings.ts.
 */

/** Words further apart than this share are no guess but a coincidence. */
const DISTANCE_SHARE_MAX = 0.4;

/** Undefined when nothing is near. */
export function nearest(
  word: string,
  known: Iterable<string>,
): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(word.length * DISTANCE_SHARE_MAX) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

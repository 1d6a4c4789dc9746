/**
 * The candidate that was most likely meant, if one is close: case, a slip in every third letter, two letters swapped.
 * A name cut short or gone on with (`stat` and `baudrate` for `status` and `baud`) is close too.
 */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  const wanted = written.toLowerCase();
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const shorter = Math.min(wanted.length, known.length);
    const allowed = Math.min(Math.max(1, Math.floor(shorter / 3)), shorter - 1);
    const goesOn = shorter > 1 && (known.startsWith(wanted) || (shorter > 2 && wanted.startsWith(known)));
    if (!goesOn && Math.abs(wanted.length - known.length) > allowed) {
      continue;
    }
    const edits = editDistance(wanted, known);
    const distance = goesOn ? edits - 0.5 : edits;
    if ((goesOn || edits <= allowed) && (best === undefined || distance < best.distance)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (last[column - 1] as number) + cost,
        swapped ? (beforeLast[column - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] as number;
}

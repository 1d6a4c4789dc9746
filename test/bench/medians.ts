/**
 * Medians of cases that are measured in turns, so that a machine that slows down does so for all of them. The first
 * round warms up and is not counted.
 */
export async function medians<Name extends string>(
  rounds: number,
  cases: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(cases) as Name[];
  const measured = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, values] of measured) {
      const value = await cases[name]();
      if (round > 0) {
        values.push(value);
      }
    }
  }
  return Object.fromEntries(Array.from(measured, ([name, values]) => [name, median(values)])) as Record<Name, number>;
}

/** Milliseconds that some work takes, by a clock. */
export async function timed(
  work: () => Promise<unknown>,
  clock: Pick<Performance, "now"> = performance,
): Promise<number> {
  const begun = clock.now();
  await work();
  return clock.now() - begun;
}

/** The value that a share of all does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]];
  return (low + high) / 2;
}

/** The first attempt after a loss comes within this, and the longest pause is this, in milliseconds. */
const firstMs = 1_000;
const longestMs = 30_000;

/**
 * The pause before an attempt, in milliseconds: the first is number 0. Spread out, because the agents of a server lose it
 * at the same time.
 */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  if (attempt === 0) {
    return random() * firstMs;
  }
  const most = Math.min(firstMs * 2 ** attempt, longestMs);
  return most * (0.5 + random() / 2);
}

/** The first attempt after a loss comes within this, in milliseconds: another server of the list may be there. */
const firstMs = 1_000;
/** The longest pause before the second, and before any. */
const secondMs = 12_000;
const longestMs = 30_000;
const growth = 1.2;
/** The shortest pause, as a part of the longest. */
const shortest = 0.1;

/**
 * The pause before an attempt, in milliseconds: the first is number 0. The agents of a server lose it at the same time.
 * Those that do not find one at once are spread so that in no second more than a fifth of them come.
 */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  if (attempt === 0) {
    return random() * firstMs;
  }
  const most = Math.min(secondMs * growth ** (attempt - 1), longestMs);
  return most * (shortest + (1 - shortest) * random());
}

import { setTimeout } from "node:timers/promises";

/** The longest time that a timer of Node takes, nearly 25 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Lets time pass; no time at all when there is none left. Throws the signal's reason. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    await setTimeout(Math.min(Math.ceil(left), longestTimerMs), undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}

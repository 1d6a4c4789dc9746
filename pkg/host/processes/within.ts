import { setTimeout } from "node:timers/promises";

/** Whether a promise resolved within a time. The timer does not outlive the answer. */
export async function within(milliseconds: number, awaited: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([awaited.then(() => true), setTimeout(milliseconds, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

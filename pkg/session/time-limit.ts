import { setTimeout as wait } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";

/**
 * The result of work that may never end. After `ms` it rejects with deadline_exceeded naming `what`; the work itself
 * goes on, and the caller decides what its late result means.
 */
export async function within<T>(ms: number, what: string, work: PromiseLike<T>): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([work, expiry(ms, what, done.signal)]);
  } finally {
    done.abort();
  }
}

async function expiry(ms: number, what: string, signal: AbortSignal): Promise<never> {
  await wait(ms, undefined, { signal });
  throw new DutError("deadline_exceeded", `${what} took longer than ${formatDuration(ms)}`);
}

import { DutError } from "#pkg/errors/dut-error.ts";

/** The longest that a timer of Node can wait: 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

/** A signal that follows another one and aborts after a time of its own. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time is up, and not the other signal aborted. */
  readonly expired: () => boolean;
}

/** Starts the clock; undefined sets no limit. Disposing stops it. */
export function startTimeLimit(signal: AbortSignal, milliseconds: number | undefined): TimeLimit {
  if (milliseconds === undefined) {
    return { signal, expired: () => false, [Symbol.dispose]() {} };
  }
  const clock = new AbortController();
  const timer = setTimeout(
    () => clock.abort(new DutError("deadline_exceeded", "context deadline exceeded")),
    Math.min(Math.ceil(milliseconds), longestTimerMs),
  );
  return {
    signal: AbortSignal.any([signal, clock.signal]),
    expired: () => clock.signal.aborted && !signal.aborted,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

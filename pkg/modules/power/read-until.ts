import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";

/** How a change is followed: by asking again and again. */
export interface Watch<State> {
  /** Asks the device. May throw unavailable or deadline_exceeded while the change keeps it busy. */
  read(): Promise<State>;
  /** How long the change may take, in milliseconds. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Default 1,000 ms: controllers are slow, and have few sessions to give. */
  readonly everyMs?: number;
}

/**
 * The first state that is enough, or what is read at the end of the time. Throws the signal's reason, and what `read`
 * throws, unless that may pass and there is time left.
 */
export async function readUntil<State>(
  { read, withinMs, signal, everyMs = 1_000 }: Watch<State>,
  enough: (state: State) => boolean,
): Promise<State> {
  const end = performance.now() + withinMs;
  for (;;) {
    const late = performance.now() >= end;
    try {
      const state = await read();
      if (late || enough(state)) {
        return state;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (late || !mayPass(error)) {
        throw error;
      }
    }
    const pauseMs = Math.max(0, Math.min(everyMs, end - performance.now()));
    await setTimeout(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof DutError && (error.code === "unavailable" || error.code === "deadline_exceeded");
}

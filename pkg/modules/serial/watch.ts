import type { Arrivals } from "./arrivals.ts";
import type { RunOutput } from "./run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

/**
 * Shows what the device says until the time is up or the port is closed.
 * Throws what ended the port, or the signal's reason when it aborts.
 */
export async function watch(
  arrivals: Arrivals,
  output: RunOutput,
  milliseconds: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  using limit = startTimeLimit(signal, milliseconds);
  try {
    for (
      let piece = await arrivals.next(limit.signal);
      piece !== undefined;
      piece = await arrivals.next(limit.signal)
    ) {
      await output.device(piece);
    }
  } catch (error) {
    if (!limit.expired()) {
      throw error;
    }
  }
}

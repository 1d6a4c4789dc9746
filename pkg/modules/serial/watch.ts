import { nextPiece } from "./next-piece.ts";
import type { RunOutput } from "./run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

/**
 * Shows what the device says until the time is up or the port is closed.
 * Throws what ended the port, or the signal's reason when it aborts.
 */
export async function watch(
  arrivals: AsyncIterator<Uint8Array>,
  output: RunOutput,
  milliseconds: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  using limit = startTimeLimit(signal, milliseconds);
  try {
    for (
      let piece = await nextPiece(arrivals, limit.signal);
      piece !== undefined;
      piece = await nextPiece(arrivals, limit.signal)
    ) {
      await output.device(piece);
    }
  } catch (error) {
    if (!limit.expired()) {
      throw error;
    }
  }
}

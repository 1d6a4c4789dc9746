import type { PortReader } from "./port/port-reader.ts";
import type { RunOutput } from "./shown/run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

interface Watching {
  readonly reader: PortReader;
  readonly output: RunOutput;
  /** In milliseconds; undefined when there is no limit. */
  readonly forMs: number | undefined;
  /** Told what was shown. */
  seen?(text: Uint8Array, signal: AbortSignal): Promise<void>;
}

/**
 * Shows what the device says until the time is up or the port is closed.
 * Throws what ended the port, or the signal's reason when it aborts.
 */
export async function watch({ reader, output, forMs, seen }: Watching, signal: AbortSignal): Promise<void> {
  using limit = startTimeLimit(signal, forMs);
  try {
    for (;;) {
      const text = await output.piece(await reader.next(limit.signal));
      await seen?.(text, limit.signal);
    }
  } catch (error) {
    if (!limit.expired()) {
      throw error;
    }
  }
}

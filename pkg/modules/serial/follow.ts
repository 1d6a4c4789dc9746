import { DutError } from "#pkg/errors/dut-error.ts";
import type { PortReader } from "./port/port-reader.ts";
import type { RunOutput } from "./shown/run-output.ts";

/** Shows what the device says until the signal aborts. A device that goes away is waited for, for as long as it takes. */
export async function follow(reader: PortReader, output: RunOutput, signal: AbortSignal): Promise<void> {
  for (;;) {
    await showUntilLost(reader, output, signal);
    await output.marker("Serial device disconnected, waiting to reconnect");
    await reader.reconnected(signal);
    await output.marker("Serial device reconnected");
  }
}

async function showUntilLost(reader: PortReader, output: RunOutput, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await output.piece(await reader.next(signal));
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof DutError && error.code === "unavailable")) {
      throw error;
    }
  }
}

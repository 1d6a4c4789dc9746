import { DutError } from "#pkg/errors/dut-error.ts";
import type { Call } from "../module.ts";
import { follow } from "./follow.ts";
import { nextKey } from "./next-key.ts";
import type { PortUse } from "./port/shared-port.ts";
import type { RunOutput } from "./shown/run-output.ts";
import { startTimeLimit } from "./time-limit.ts";

interface Interaction {
  readonly use: PortUse;
  readonly output: RunOutput;
  readonly timeoutMs: number | undefined;
}

/**
 * Joins the user and the device until the time is up, which is a success, or the signal aborts. Bytes pass unchanged in
 * both directions. A device that goes away is waited for, for as long as it takes; what is typed meanwhile is lost, and
 * so is what is typed when another run has the device. The
 * end of the user's input ends nothing: the device's answer may take its time.
 */
export async function interact({ use, output, timeoutMs }: Interaction, { session, signal }: Call): Promise<void> {
  using limit = startTimeLimit(signal, timeoutMs);
  await using _raw = session.terminal === undefined ? undefined : await session.rawMode();
  const failed = new AbortController();
  const over = AbortSignal.any([limit.signal, failed.signal]);
  const fail = (error: unknown) => {
    if (!over.aborted) {
      failed.abort(error);
    }
  };
  await Promise.all([follow(use.reader, output, over).catch(fail), passKeys(session.stdin, use, over).catch(fail)]);
  failed.signal.throwIfAborted();
  signal.throwIfAborted();
}

async function passKeys(stdin: AsyncIterable<Uint8Array>, use: PortUse, signal: AbortSignal): Promise<void> {
  const keys = stdin[Symbol.asyncIterator]();
  try {
    for (let piece = await nextKey(keys, signal); piece !== undefined; piece = await nextKey(keys, signal)) {
      if (use.isWriting) {
        await write(use.reader, piece, signal);
      }
    }
  } finally {
    // A reader that waits for the user answers only when the user does.
    void keys.return?.().catch(() => {});
  }
}

async function write(reader: PortUse["reader"], piece: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await reader.port.write(piece, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof DutError && error.code === "unavailable")) {
      throw error;
    }
  }
}

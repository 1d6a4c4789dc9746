import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";

/** What a controller says of a device's power: `on`, `off`, or a word of its own for what lies between. */
export type PowerState = string;

/** How a change is followed: by asking again and again. */
export interface Watch {
  /** Asks the controller. May throw unavailable or deadline_exceeded while the change keeps it busy. */
  read(): Promise<PowerState>;
  /** How long the change may take, in milliseconds. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Default 1,000 ms: controllers are slow, and have few sessions to give. */
  readonly everyMs?: number;
}

/**
 * Resolves when the controller reports the state. Throws deadline_exceeded with the state that it reports when the time
 * is over, the signal's reason, and what `read` throws.
 */
export async function confirmPower(wanted: PowerState, watch: Watch): Promise<void> {
  const last = await readUntil(watch, watch.withinMs, (state) => state === wanted);
  if (last !== wanted) {
    throw new DutError(
      "deadline_exceeded",
      `the command was accepted, but the power is still ${last} after ${formatDuration(watch.withinMs)}`,
      { hint: "if the device is only slow, allow it more time in the options" },
    );
  }
}

/** Off times shorter than this are standard; one that was not seen by then was too short, or never was. */
const offShowsMs = 5_000;

/**
 * Watches a power cycle: resolves with true when the power was seen off and then on, with false when it is on and was not
 * seen off in between, which says nothing of whether it was. Throws as `confirmPower`.
 */
export async function watchCycle(watch: Watch): Promise<boolean> {
  const first = await readUntil(watch, Math.min(offShowsMs, watch.withinMs), (state) => state !== "on");
  if (first === "on") {
    return false;
  }
  await confirmPower("on", watch);
  return true;
}

/** The last state that was read: one that is enough, or that of the end of the time. */
async function readUntil(
  { read, signal, everyMs = 1_000 }: Watch,
  withinMs: number,
  enough: (state: PowerState) => boolean,
): Promise<PowerState> {
  const end = performance.now() + withinMs;
  for (;;) {
    const late = performance.now() >= end;
    const state = await read().catch((error: unknown) => {
      if (late || !isPassing(error)) {
        throw error;
      }
      return undefined;
    });
    if (state !== undefined && (late || enough(state))) {
      return state;
    }
    await setTimeout(Math.max(0, Math.min(everyMs, end - performance.now())), undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof DutError && (error.code === "unavailable" || error.code === "deadline_exceeded");
}

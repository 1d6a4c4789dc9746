import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { readUntil, type Watch } from "./read-until.ts";

/** What a controller says of a device's power: `on`, `off`, or a word of its own for what lies between. */
export type PowerState = string;

/**
 * Resolves when the controller reports the state. Throws deadline_exceeded with the state that it reports when the time
 * is over, and as `readUntil`.
 */
export async function confirmPower(wanted: PowerState, watch: Watch<PowerState>): Promise<void> {
  const last = await readUntil(watch, (state) => state === wanted);
  if (last !== wanted) {
    throw new DutError(
      "deadline_exceeded",
      `the command was accepted, but the power is still ${last} after ${formatDuration(watch.withinMs)}`,
      { hint: "if the device is only slow, allow it more time in the options" },
    );
  }
}

/** A power cycle that was not seen off by then was too quick to be seen, or never was. */
const offShowsMs = 5_000;

/**
 * Watches a power cycle: resolves with true when the power was seen off and then on, with false when it is on and was not
 * seen off in between, which says nothing of whether it was. Throws as `confirmPower`.
 */
export async function watchCycle(watch: Watch<PowerState>): Promise<boolean> {
  const brief = { ...watch, withinMs: Math.min(offShowsMs, watch.withinMs) };
  const first = await readUntil(brief, (state) => state !== "on");
  if (first === "on") {
    return false;
  }
  await confirmPower("on", watch);
  return true;
}

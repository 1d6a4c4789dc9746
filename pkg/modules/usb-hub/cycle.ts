import { putBack } from "../hardware/put-back.ts";
import type { Call } from "../module.ts";
import { pause } from "../pause.ts";
import type { Hub } from "./hub.ts";

/**
 * Takes the power from a hub's ports for a time and gives it back, also when the run ends before; tells the user of both.
 * Throws as `Hub`, and unavailable when the ports may still be without power.
 */
export async function cycle(hub: Hub, offMs: number, call: Call): Promise<void> {
  const { session, signal } = call;
  // A hub that is not there, or not ours, has not lost its power by this run.
  await hub.look(signal);
  try {
    await hub.switch("off", signal);
    await session.print(`USB port ${hub.name} is off\n`);
    await pause(offMs, signal);
  } finally {
    await putBack(call, `USB port ${hub.name} may still be without power`, () =>
      hub.switch("on", new AbortController().signal),
    );
  }
  await session.print(`USB port ${hub.name} is on\n`);
}

import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Invocation } from "../grammar.ts";
import type { Context } from "./context.ts";
import { deviceEvents } from "./device-events.ts";

/** Between attempts to find a lost peer again. Milliseconds. */
const retryMs = 1_000;

/** Shows devices and every change until the user stops it; a connection that was there and is lost is made again. */
export async function watch({ device }: Invocation & { name: "watch" }, context: Context): Promise<void> {
  const { server, out, world } = context;
  const metadata = { server, msg: "Watch Response", ...(device === undefined ? {} : { device }) };
  let state: "new" | "connected" | "lost" = "new";
  for (;;) {
    try {
      for await (const event of deviceEvents(device, context, world.signal)) {
        if (state === "lost") {
          await out.write({ type: "notice", data: `connected to ${server} again` });
        }
        state = "connected";
        await out.write({ type: "device-event", data: event, metadata });
      }
    } catch (error) {
      world.signal.throwIfAborted();
      if (state === "new" || !(error instanceof DutError && error.code === "unavailable")) {
        throw error;
      }
      if (state === "connected") {
        await out.write({ type: "notice", data: `lost the connection to ${server} (${error.message}); trying again` });
      }
      state = "lost";
    }
    await setTimeout(retryMs, undefined, { signal: world.signal });
  }
}

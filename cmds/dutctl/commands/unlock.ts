import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";

/** Ends the caller's reservation of a device, or with force anybody's. */
export async function unlock(
  { device, force }: Invocation & { name: "unlock" },
  { devices, server, out, world }: Context,
): Promise<void> {
  await devices.unlock({ device, force }, unary(world.signal));
  await out.write({
    type: "lock-result",
    data: { name: device, lock: undefined },
    metadata: { server, msg: "Unlock Response" },
  });
}

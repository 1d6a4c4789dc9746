import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";

/** Shows the commands of a device. */
export async function commands(
  { device }: Invocation & { name: "commands" },
  { devices, server, out, world }: Context,
): Promise<void> {
  const response = await devices.commands({ device }, unary(world.signal));
  await out.write({
    type: "command-list",
    data: response.commands,
    metadata: { server, msg: "Commands Response", device },
  });
}

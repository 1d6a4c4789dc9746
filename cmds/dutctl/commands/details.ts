import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";

/** Shows what a command does. */
export async function details(
  { device, command }: Invocation & { name: "details" },
  { devices, server, out, world }: Context,
): Promise<void> {
  const keyword = "help";
  const response = await devices.details({ device, command, keyword }, unary(world.signal));
  await out.write({
    type: "command-detail",
    data: response.details,
    metadata: { server, rpc: "Details Response", device, command, keyword },
  });
}

import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { lockOf } from "./lock-state.ts";

/** Shows every device and who has it. */
export async function list({ devices, server, out, world }: Context): Promise<void> {
  const response = await devices.list({}, unary(world.signal));
  await out.write({
    type: "device-list",
    data: response.devices.map(({ name, lock }) => ({ name, lock: lockOf(lock) })),
    metadata: { server, msg: "List Response" },
  });
}

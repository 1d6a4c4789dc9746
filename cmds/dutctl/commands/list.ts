import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { deviceRow, deviceRowOfV1 } from "./device-rows.ts";
import { lockOf } from "./lock-state.ts";
import { preferLab } from "./prefer-lab.ts";

/** Shows every device and who has it. */
export async function list(context: Context): Promise<void> {
  const { devices, server, options, out, world } = context;
  if (options.long) {
    return listLong(context);
  }
  const response = await devices.list({}, unary(world.signal));
  await out.write({
    type: "device-list",
    data: response.devices.map(({ name, lock }) => ({ name, lock: lockOf(lock) })),
    metadata: { server, msg: "List Response" },
  });
}

/** Everything that is known of every device. */
async function listLong({ connection, devices, server, options, out, world }: Context): Promise<void> {
  const call = unary(world.signal);
  const data = await preferLab(
    options,
    async () => (await connection.lab.list({}, call)).devices.map(deviceRow),
    async () => (await devices.list({}, call)).devices.map(deviceRowOfV1),
  );
  await out.write({ type: "device-table", data, metadata: { server, msg: "List Response" } });
}

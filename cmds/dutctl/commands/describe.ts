import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Invocation } from "../grammar.ts";
import type { DeviceDescription } from "../output/content.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { commandRow, deviceRow, deviceRowOfV1 } from "./device-rows.ts";
import { preferLab } from "./prefer-lab.ts";

/** Shows a device: its state, description and labels, and its commands with their arguments. */
export async function describe({ device }: Invocation & { name: "describe" }, context: Context): Promise<void> {
  const { server, out, options } = context;
  const data = await preferLab(
    options,
    () => describeByLab(device, context),
    () => describeByV1(device, context),
  );
  await out.write({ type: "device-detail", data, metadata: { server, msg: "Describe Response", device } });
}

async function describeByLab(device: string, { connection, world }: Context): Promise<DeviceDescription> {
  const response = await connection.lab.describe({ device }, unary(world.signal));
  if (response.device === undefined) {
    throw new DutError("internal", `the answer to the question for device ${quote(device)} has no device`);
  }
  return { device: deviceRow(response.device), commands: response.commands.map(commandRow) };
}

async function describeByV1(device: string, { devices, out, world }: Context): Promise<DeviceDescription> {
  const call = unary(world.signal);
  const { commands } = await devices.commands({ device }, call);
  const entry = (await devices.list({}, call)).devices.find(({ name }) => name === device);
  if (entry === undefined) {
    throw new DutError("not_found", `device ${quote(device)}: no such device`);
  }
  await out.write({ type: "notice", data: "the old protocol tells no descriptions, labels and arguments" });
  return {
    device: deviceRowOfV1(entry),
    commands: commands.map((name) => ({
      name,
      description: "",
      arguments: [],
      passthrough: false,
      disabled: "",
      modules: [],
    })),
  };
}

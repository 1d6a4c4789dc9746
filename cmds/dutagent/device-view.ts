import { create } from "@bufbuild/protobuf";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Hold, Locks, Reservation } from "#pkg/lock/locks.ts";
import {
  type Command,
  CommandSchema,
  type Device,
  DeviceSchema,
  DeviceState,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { OpenCommand, OpenDevice } from "#pkg/session/open-device.ts";

/** Names in the order of their bytes, as the existing agent lists them. */
export function sortedNames(names: Iterable<string>): string[] {
  return Array.from(names).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** A device as dutlab.v1 shows it. */
export function viewDevice({ config, retiring }: OpenDevice, locks: Locks): Device {
  const { name, description, labels } = config;
  const reservation = locks.reservationOf(name);
  const hold = locks.holdOf(name);
  return create(DeviceSchema, {
    name,
    description,
    labels: Object.fromEntries(labels),
    state: stateOf(retiring, hold, reservation),
    lock: reservation && lockMessage(reservation),
    hold: hold && holdMessage(hold),
    reason: retiring ?? ((hold ?? reservation) ? undefined : locks.sharedHardwareOf(name)) ?? "",
  });
}

function stateOf(retiring: string | undefined, hold: Hold | undefined, reservation: Reservation | undefined) {
  if (retiring !== undefined) {
    return DeviceState.RETIRING;
  }
  if (hold !== undefined) {
    return DeviceState.BUSY;
  }
  return reservation === undefined ? DeviceState.FREE : DeviceState.LOCKED;
}

/** The commands of a device, sorted by name. */
export function viewCommands({ commands, failures }: OpenDevice): Command[] {
  return sortedNames(commands.keys()).map((name) => {
    const { config } = commands.get(name) as OpenCommand;
    const failed = failures.filter(({ command }) => command === name);
    return create(CommandSchema, {
      name,
      description: config.description,
      arguments: Array.from(config.arguments),
      passthrough: config.uses.some((use) => use.passthrough),
      disabled: failed.map(({ module, error }) => `module ${module}: ${explain(error)}`).join("; "),
      modules: config.uses.map(({ module }) => module.name),
    });
  });
}

export function lockMessage({ owner, since, until }: Reservation) {
  return { owner, sinceMs: BigInt(since), untilMs: BigInt(until) };
}

export function holdMessage({ owner, since, runId, command }: Hold) {
  return { owner, sinceMs: BigInt(since), runId, command };
}

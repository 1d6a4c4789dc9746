import { create } from "@bufbuild/protobuf";
import type { CommandConfig } from "#pkg/config/config.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Hold, Locks, Reservation } from "#pkg/lock/locks.ts";
import {
  type Command,
  CommandSchema,
  type Device,
  DeviceSchema,
  DeviceState,
} from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Bench } from "#pkg/session/bench.ts";

/** Names in the order of their bytes, as the existing agent lists them. */
export function sortedNames(names: Iterable<string>): string[] {
  return Array.from(names).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** A device as dutlab.v1 shows it; undefined when there is none of that name. */
export function viewDevice(bench: Bench, locks: Locks, name: string): Device | undefined {
  const config = bench.config.devices.get(name);
  if (config === undefined) {
    return undefined;
  }
  const reservation = locks.reservationOf(name);
  const hold = locks.holdOf(name);
  return create(DeviceSchema, {
    name,
    description: config.description,
    labels: Object.fromEntries(config.labels),
    state: hold !== undefined ? DeviceState.BUSY : reservation !== undefined ? DeviceState.LOCKED : DeviceState.FREE,
    lock: reservation && lockMessage(reservation),
    hold: hold && holdMessage(hold),
  });
}

/** Every device, sorted by name. */
export function viewDevices(bench: Bench, locks: Locks): Device[] {
  return sortedNames(bench.devices.keys()).flatMap((name) => viewDevice(bench, locks, name) ?? []);
}

/** The commands of a device, sorted by name. */
export function viewCommands(bench: Bench, device: string): Command[] {
  const commands = bench.config.devices.get(device)?.commands;
  return sortedNames(commands?.keys() ?? []).flatMap((name) => {
    const command = commands?.get(name);
    return command === undefined ? [] : viewCommand(command, disabled(bench, device, name));
  });
}

function viewCommand({ name, description, arguments: args, uses }: CommandConfig, disabled: string): Command {
  return create(CommandSchema, {
    name,
    description,
    arguments: Array.from(args),
    passthrough: uses.some((use) => use.passthrough),
    disabled,
    modules: uses.map(({ module }) => module.name),
  });
}

/** Why a command cannot be run; empty when it can. */
function disabled(bench: Bench, device: string, command: string): string {
  return bench.failures
    .filter((failure) => failure.device === device && failure.command === command)
    .map(({ module, error }) => `module ${module}: ${explain(error)}`)
    .join("; ");
}

export function lockMessage({ owner, since, until }: Reservation) {
  return { owner, sinceMs: BigInt(since), untilMs: BigInt(until) };
}

export function holdMessage({ owner, since, runId, command }: Hold) {
  return { owner, sinceMs: BigInt(since), runId, command };
}

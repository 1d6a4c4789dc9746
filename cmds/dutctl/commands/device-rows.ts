import type { DeviceInfo } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { type Command, type Device, DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { CommandRow, DeviceRow } from "../output/content.ts";

const states: Readonly<Record<DeviceState, DeviceRow["state"]>> = {
  [DeviceState.UNSPECIFIED]: "unknown",
  [DeviceState.FREE]: "free",
  [DeviceState.LOCKED]: "locked",
  [DeviceState.BUSY]: "busy",
  [DeviceState.OFFLINE]: "offline",
  [DeviceState.RETIRING]: "retiring",
};

/** A device of our protocol as it is shown; a state of a later version is unknown. */
export function deviceRow({ name, description, labels, state, reason, offlineSinceMs, lock, hold }: Device): DeviceRow {
  return {
    name,
    description,
    labels,
    state: states[state] ?? "unknown",
    reason,
    offlineSinceMs: Number(offlineSinceMs),
    lock: lock && { owner: lock.owner, sinceMs: Number(lock.sinceMs), untilMs: Number(lock.untilMs) },
    hold: hold && { owner: hold.owner, sinceMs: Number(hold.sinceMs), runId: hold.runId, command: hold.command },
  };
}

/** A device of the old protocol, which calls a device in use locked without an end. */
export function deviceRowOfV1({ name, lock }: DeviceInfo): DeviceRow {
  const row = { name, description: "", labels: {}, reason: "", offlineSinceMs: 0 };
  if (lock === undefined) {
    return { ...row, state: "free", lock: undefined, hold: undefined };
  }
  const { owner } = lock;
  const sinceMs = Number(lock.lockedAt) * 1000;
  return lock.expiresAt === 0n
    ? { ...row, state: "busy", lock: undefined, hold: { owner, sinceMs, runId: "", command: "" } }
    : { ...row, state: "locked", lock: { owner, sinceMs, untilMs: Number(lock.expiresAt) * 1000 }, hold: undefined };
}

/** A command as it is shown. */
export function commandRow({
  name,
  description,
  arguments: args,
  passthrough,
  disabled,
  modules,
}: Command): CommandRow {
  return {
    name,
    description,
    arguments: args.map((argument) => ({ name: argument.name, description: argument.description })),
    passthrough,
    disabled,
    modules,
  };
}

import { create } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { CallOptions } from "#pkg/protocol/client.ts";
import type { DeviceInfo } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { type Device, DeviceSchema, DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Callee } from "../agents/callee.ts";

/** An agent's devices, with what it can say of them: one that knows only dutctl.v1 is asked there. */
export async function devicesOf({ clients }: Callee, options: CallOptions): Promise<readonly Device[]> {
  try {
    return (await clients.lab.list({}, options)).devices;
  } catch (error) {
    if (!isUnknownCall(error)) {
      throw error;
    }
    return (await clients.devices.list({}, options)).devices.map(asDevice);
  }
}

/** True for a call that the peer has never heard of. */
export function isUnknownCall(error: unknown): boolean {
  return error instanceof DutError && error.code === "unimplemented";
}

/** A device of dutctl.v1, which has one place for both, in seconds: what does not expire is a run's. */
function asDevice({ name, lock }: DeviceInfo): Device {
  if (lock === undefined) {
    return create(DeviceSchema, { name, state: DeviceState.FREE });
  }
  const { owner, lockedAt, expiresAt } = lock;
  const sinceMs = lockedAt * 1000n;
  return expiresAt === 0n
    ? create(DeviceSchema, { name, state: DeviceState.BUSY, hold: { owner, sinceMs } })
    : create(DeviceSchema, { name, state: DeviceState.LOCKED, lock: { owner, sinceMs, untilMs: expiresAt * 1000n } });
}

/** A device that cannot be reached, since a Unix time in milliseconds if that is known. */
export function offline(name: string, reason: string, since = 0): Device {
  return create(DeviceSchema, { name, state: DeviceState.OFFLINE, reason, offlineSinceMs: BigInt(since) });
}

/** Why a registered device is offline although its agent answers. */
export function dropped({ title }: Callee): string {
  return `${title} does not have it any more`;
}

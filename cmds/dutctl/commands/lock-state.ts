import type { LockState } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import type { Lock } from "../output/content.ts";

/** The lock of a message as it is shown; absent means free. */
export function lockOf(state: LockState | undefined): Lock | undefined {
  return state === undefined
    ? undefined
    : { owner: state.owner, expiresAt: Number(state.expiresAt), lockedAt: Number(state.lockedAt) };
}

import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { LockState } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { lockOf } from "./lock-state.ts";

/** Longer reservations tend to be forgotten ones. Milliseconds. */
const longLock = 8 * 3600_000;

/** Reserves a device for the caller; without a duration for as long as the agent likes. */
export async function lock(
  { device, duration }: Invocation & { name: "lock" },
  { devices, server, out, log, world }: Context,
): Promise<void> {
  const milliseconds = duration === undefined ? 0 : parseLockDuration(duration);
  if (milliseconds > longLock) {
    log.warn("requested a long lock duration; release the device when you are done", {
      duration: formatDuration(milliseconds),
    });
  }
  const seconds = wholeSeconds(milliseconds);
  const response = await devices.lock({ device, durationSeconds: seconds }, unary(world.signal));
  await out.write({
    type: "lock-result",
    data: { name: response.device, lock: lockOf(response.lock) },
    metadata: { server, msg: "Lock Response" },
  });
  const notice = surprise(milliseconds, response.lock, world.now());
  if (notice !== undefined) {
    await out.write({ type: "notice", data: notice });
  }
}

/** How much clocks of two computers may differ before a lock looks longer than it was asked for. Milliseconds. */
const clockTolerance = 60_000;

/** What is not as it was asked for. */
function surprise(asked: number, granted: LockState | undefined, now: Date): string | undefined {
  if (asked > 0 && asked < 1000) {
    return `a lock lasts a second at least, so 1s was asked for in the place of ${formatDuration(asked)}`;
  }
  if (asked === 0 || granted === undefined) {
    return undefined;
  }
  const [since, until] = [Number(granted.lockedAt) * 1000, Number(granted.expiresAt) * 1000];
  const isNew = until - since <= asked + 1000;
  return isNew || until <= now.getTime() + asked + clockTolerance
    ? undefined
    : `you had it for longer already: a lock of ${formatDuration(asked)} does not shorten that, unlock does`;
}

function parseLockDuration(text: string): number {
  let milliseconds: number;
  try {
    milliseconds = parseDuration(text);
  } catch (error) {
    const hint = error instanceof DutError ? error.hint : undefined;
    throw new DutError("invalid_argument", `invalid lock duration ${quote(text)}: ${messageOf(error)}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (milliseconds <= 0) {
    throw new DutError(
      "invalid_argument",
      `lock duration must be positive, got ${quote(formatDuration(milliseconds))}`,
    );
  }
  return milliseconds;
}

/** The wire counts whole seconds and takes 0 for the agent's default, so less than a second asks for one. */
function wholeSeconds(milliseconds: number): bigint {
  return milliseconds === 0 ? 0n : BigInt(Math.max(1, Math.trunc(milliseconds / 1000)));
}

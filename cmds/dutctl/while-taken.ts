import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Context } from "./commands/context.ts";
import { deviceEvents } from "./commands/device-events.ts";
import { isTaken } from "./exit-codes.ts";
import { clockTime } from "./output/clock-time.ts";
import type { DeviceRow } from "./output/content.ts";
import { openStatus } from "./terminal/open-status.ts";
import type { Status } from "./terminal/user-console.ts";

/** The least time between two attempts: what hinders one may be hardware that another device uses. Milliseconds. */
const retryMs = 1_000;

/**
 * Makes attempts until one is not refused because somebody else has the device, and tells who has it and until when.
 * When the time of -wait is over, it throws the last refusal; any other error ends the waiting too.
 */
export async function whileTaken(device: string, context: Context, attempt: () => Promise<void>): Promise<void> {
  const { options, world } = context;
  using patience = patienceOf(options.waitMs);
  for (;;) {
    const refusal = await refusalOf(attempt);
    if (refusal === undefined) {
      return;
    }
    const signal = AbortSignal.any([world.signal, patience.signal]);
    try {
      await using status = openStatus(world, context.out);
      status.waiting(`waiting: ${refusal.message}`);
      await Promise.all([setTimeout(retryMs, undefined, { signal }), freed(device, context, { status, signal })]);
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    }
    world.signal.throwIfAborted();
    if (patience.signal.aborted) {
      throw new DutError(refusal.code, refusal.message, {
        cause: refusal,
        hint: `still so after ${formatDuration(options.waitMs)} of waiting`,
      });
    }
  }
}

async function refusalOf(attempt: () => Promise<void>): Promise<DutError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (error instanceof DutError && isTaken(error)) {
      return error;
    }
    throw error;
  }
}

/** Resolves when nobody else has the device, as far as its own state tells. */
async function freed(
  device: string,
  context: Context,
  { status, signal }: { readonly status: Status; readonly signal: AbortSignal },
): Promise<void> {
  for await (const { devices } of deviceEvents(device, context, signal)) {
    const row = devices.find(({ name }) => name === device);
    const holder = row === undefined ? undefined : holderText(row, context.identity, context.world.now());
    if (holder === undefined) {
      break;
    }
    status.waiting(`waiting: device ${quote(device)} is ${holder}`);
  }
}

/** Who has a device and until when; undefined when nobody else has. */
function holderText({ lock, hold }: DeviceRow, identity: string, now: Date): string | undefined {
  if (hold !== undefined) {
    const since = hold.sinceMs === 0 ? "" : ` since ${clockTime(hold.sinceMs, now)}`;
    return `in use by ${quote(hold.owner)}${since}${hold.command === "" ? "" : ` (${hold.command})`}`;
  }
  return lock === undefined || lock.owner === identity
    ? undefined
    : `locked by ${quote(lock.owner)} until ${clockTime(lock.untilMs, now)}`;
}

/** Aborted when the time is over. */
function patienceOf(waitMs: number): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const timer = Number.isFinite(waitMs) ? globalThis.setTimeout(() => over.abort(), waitMs) : undefined;
  return { signal: over.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

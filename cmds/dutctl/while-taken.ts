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

/** Between a refusal and the next attempt: what hinders it may be hardware that another device uses. Milliseconds. */
const retryMs = 1_000;

/**
 * Waits until nobody else has the device and makes an attempt, until one is not refused because somebody else was faster.
 * Tells who has the device and until when. When the time of -wait is over, it throws a refusal; any other error ends the
 * waiting too. The waiting comes first: an attempt by the old protocol takes input with it that a second one would lack.
 */
export async function whileTaken(device: string, context: Context, attempt: () => Promise<void>): Promise<void> {
  const { options, world } = context;
  using patience = patienceOf(options.waitMs);
  const signal = AbortSignal.any([world.signal, patience.signal]);
  await using status = openStatus(world, context.out);
  let refusal: DutError | undefined;
  const refused = (error: DutError) => {
    refusal = error;
  };
  try {
    for (;;) {
      await setTimeout(refusal === undefined ? 0 : retryMs, undefined, { signal });
      await freed(device, context, { refusal, refused, status, signal });
      status.waiting(undefined);
      refusal = undefined;
      const answer = await refusalOf(attempt);
      if (answer === undefined) {
        return;
      }
      refused(answer);
    }
  } catch (error) {
    if (refusal === undefined || world.signal.aborted || !patience.signal.aborted) {
      throw error;
    }
    throw new DutError(refusal.code, refusal.message, {
      cause: refusal,
      hint: `still so after ${formatDuration(options.waitMs)} of waiting`,
    });
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

interface Waiting {
  /** Why the last attempt was refused. */
  readonly refusal: DutError | undefined;
  /** Told what an attempt would be refused with. */
  refused(refusal: DutError): void;
  readonly status: Status;
  readonly signal: AbortSignal;
}

/** Resolves when nobody else has the device, as far as its own state tells: that may be at once. */
async function freed(device: string, context: Context, { refusal, refused, status, signal }: Waiting): Promise<void> {
  for await (const { devices, change } of deviceEvents(device, context, signal)) {
    const row = devices.find(({ name }) => name === device);
    const holder = row === undefined ? undefined : holderOf(row, context);
    if (holder !== undefined) {
      refused(new DutError("failed_precondition", `device ${quote(device)} is locked by ${holder.name}`));
      status.waiting(`waiting: device ${quote(device)} is ${holder.text}`);
      continue;
    }
    if (refusal !== undefined && change.kind === "snapshot") {
      status.waiting(`waiting: ${refusal.message}`);
    }
    return;
  }
}

/** Who else has a device and until when. */
function holderOf(
  { lock, hold }: DeviceRow,
  { identity, world }: Context,
): { readonly name: string; readonly text: string } | undefined {
  const now = world.now();
  if (hold !== undefined) {
    const name = quote(hold.owner);
    const since = hold.sinceMs === 0 ? "" : ` since ${clockTime(hold.sinceMs, now)}`;
    return { name, text: `in use by ${name}${since}${hold.command === "" ? "" : ` (${hold.command})`}` };
  }
  if (lock === undefined || lock.owner === identity) {
    return undefined;
  }
  const name = quote(lock.owner);
  return { name, text: `locked by ${name} until ${clockTime(lock.untilMs, now)}` };
}

/** Aborted when the time is over. */
function patienceOf(waitMs: number): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const timer = Number.isFinite(waitMs) ? globalThis.setTimeout(() => over.abort(), waitMs) : undefined;
  return { signal: over.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

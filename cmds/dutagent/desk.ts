import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Hold, Locks, Reservation } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Caller } from "#pkg/protocol/headers.ts";
import type { Bench } from "#pkg/session/bench.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import { within } from "#pkg/session/time-limit.ts";

/** What locks and unlocks devices. */
export interface Desk {
  readonly bench: Bench;
  readonly locks: Locks;
  readonly engine: Pick<RunEngine, "cancelRunsOn" | "noticeRunsOn">;
  readonly log: Log;
}

/** What an unlock has ended. */
export interface Unlocked {
  readonly reservation: Reservation | undefined;
  /** The run that was cancelled, or left alone. */
  readonly hold: Hold | undefined;
}

/** Shorter than the deadline of existing clients, which could not be told otherwise. */
const cancelMs = 20_000;

/**
 * Reserves a device for a caller: for so many milliseconds, 0 for the default. Throws unauthenticated for a nameless
 * caller, not_found, and what Locks.reserve throws.
 */
export async function lockDevice(
  desk: Desk,
  { device, duration, caller }: { device: string; duration: number; caller: Caller },
): Promise<Reservation> {
  const { locks, log } = desk;
  refuseNameless(caller);
  refuseUnknown(desk, device);
  const reservation = await locks.reserve(device, caller.name, duration === 0 ? undefined : duration);
  log.info("device locked", { user: caller.name, device, until: new Date(reservation.until).toISOString() });
  return reservation;
}

/** Ends a caller's reservation. Throws unauthenticated for a nameless caller, and what Locks.release throws. */
export async function unlockDevice(
  { locks, log }: Desk,
  { device, caller }: { device: string; caller: Caller },
): Promise<Reservation> {
  refuseNameless(caller);
  const reservation = await locks.release(device, caller.name);
  log.info("device unlocked", { user: caller.name, device });
  return reservation;
}

/**
 * Ends whoever's reservation, and cancels what runs on the device unless that is to be kept; a run that is kept is told
 * when there was a reservation. Resolves when it has
 * stopped: a device has one run at a time, also now. Throws unauthenticated for a nameless caller, since others are told
 * who it was, not_found, resource_exhausted, and deadline_exceeded for a run that does not stop.
 */
export async function unlockDeviceByForce(
  desk: Desk,
  { device, keepRun, caller }: { device: string; keepRun: boolean; caller: Caller },
): Promise<Unlocked> {
  const { locks, engine, log } = desk;
  refuseNameless(caller);
  refuseGone(desk, device);
  const running = locks.holdOf(device);
  const reservation = await locks.releaseByForce(device, caller.name);
  // One that began since then is not meant.
  const hold = locks.holdOf(device) === running ? running : undefined;
  if (reservation === undefined && (hold === undefined || keepRun)) {
    log.info("nothing to unlock by force", { user: caller.name, device, "run-owner": hold?.owner });
    return { reservation, hold };
  }
  const text = `${quote(caller.name)} unlocked device ${quote(device)} by force`;
  log.warn("device unlocked by force", {
    user: caller.name,
    device,
    owner: reservation?.owner,
    run: hold?.runId,
    "run-owner": hold?.owner,
    "run-kept": hold && keepRun,
  });
  if (hold !== undefined && keepRun) {
    engine.noticeRunsOn(device, text);
  } else if (hold !== undefined) {
    const stopping = engine.cancelRunsOn(device, new DutError("aborted", text));
    await within(cancelMs, `stopping what runs on device ${quote(device)}, which stays in use until then,`, stopping);
  }
  return { reservation, hold };
}

/** Throws not_found for a device that the configuration does not have. */
function refuseUnknown({ bench }: Pick<Desk, "bench">, device: string): void {
  if (!bench.devices.has(device)) {
    throw new DutError("not_found", `device ${quote(device)}: no such device`);
  }
}

/** The same for one that is nobody's: what was taken out of the configuration may still be locked or in use. */
export function refuseGone(desk: Desk, device: string): void {
  const { locks } = desk;
  if (locks.reservationOf(device) === undefined && locks.holdOf(device) === undefined) {
    refuseUnknown(desk, device);
  }
}

function refuseNameless(caller: Caller): void {
  if (caller.kind === "anonymous") {
    throw new DutError("unauthenticated", "operation requires an identified caller; set the From header");
  }
}

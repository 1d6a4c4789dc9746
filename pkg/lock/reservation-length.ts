import { DutError } from "#pkg/errors/dut-error.ts";

const usual = 30 * 60_000;
const shortest = 1_000;
/** A century: beyond it dates are no numbers that every peer can read. */
const longest = 100 * 365 * 24 * 3_600_000;

/** For how long a device is reserved, in milliseconds, when so much is asked for. Throws invalid_argument. */
export function reservationLength(asked = usual): number {
  if (!(asked > 0)) {
    throw new DutError("invalid_argument", "lock duration must be positive");
  }
  if (asked > longest) {
    throw new DutError("invalid_argument", "lock duration must not be longer than 100 years");
  }
  return Math.max(asked, shortest);
}

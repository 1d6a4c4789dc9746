import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** Throws aborted when the revision that a change expects of a key is not the one it has, 0 for a key that is not there. */
export function refuseChanged(key: string, found: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== found) {
    throw new DutError("aborted", `key ${quote(key)} is at revision ${found} and not at ${expected}`);
  }
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Change } from "./store.ts";

/** What one change may have, so that it fits into a request of every backend with room to spare. */
export const changeLimits = {
  /** etcd takes 128 operations at once. */
  changes: 128,
  /** Of keys and values together, in UTF-8; etcd takes 1.5 MiB. */
  bytes: 1024 * 1024,
} as const;

/** The bytes of a change. Throws invalid_argument for one that cannot be made: too many, too large, or two of one key. */
export function checkChanges(changes: readonly Change[]): number {
  if (changes.length > changeLimits.changes) {
    throw new DutError("invalid_argument", `${changes.length} changes at once, at most ${changeLimits.changes} fit`);
  }
  const keys = new Set<string>();
  let bytes = 0;
  for (const change of changes) {
    if (keys.has(change.key)) {
      throw new DutError("invalid_argument", `key ${quote(change.key)} occurs twice in one change`);
    }
    keys.add(change.key);
    bytes += Buffer.byteLength(change.key) + (change.kind === "put" ? Buffer.byteLength(change.value) : 0);
  }
  if (bytes > changeLimits.bytes) {
    throw new DutError("invalid_argument", `a change of ${bytes} bytes, at most ${changeLimits.bytes} fit`);
  }
  return bytes;
}

import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Combination } from "./key-combination.ts";
import type { Qmp } from "./qmp.ts";

/** A keyboard holds 16 bytes for a guest that is busy: one combination at a time, slower than a guest without KVM polls. */
const holdMs = 30;
const betweenMs = 60;

/** Presses combinations one after the other. Throws invalid_argument for a key that QEMU does not know; those before it were pressed. */
export async function pressKeys(combinations: readonly Combination[], qmp: Qmp, signal: AbortSignal): Promise<void> {
  for (const combination of combinations) {
    const keys = combination.map((data) => ({ type: "qcode", data }));
    await qmp.execute("send-key", { keys, "hold-time": holdMs }, signal).catch((error: unknown) => {
      throw unknownKey(error, combination);
    });
    await setTimeout(betweenMs, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}

function unknownKey(error: unknown, combination: Combination): unknown {
  const [, key] = (error instanceof DutError && /does not accept value '(.*)'/.exec(error.message)) || [];
  if (key === undefined) {
    return error;
  }
  return new DutError("invalid_argument", `there is no key ${key}, which ${combination.join("-")} names`, {
    hint: "keys are named as in QEMU: a, ret, esc, tab, spc, delete, f1, up, ctrl, alt, shift, meta_l; those before it were pressed",
    cause: error,
  });
}

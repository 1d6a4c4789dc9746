import type { DutError } from "#pkg/errors/dut-error.ts";
import { pause } from "../pause.ts";

/** Hardware shows what it was told within a moment; each look starts a tool. */
const confirmWithinMs = 3000;
const lookAgainMs = 100;

/** Looks until what was asked of hardware is to be seen. Throws `otherwise` when it is not after 3 seconds. */
export async function confirm(
  isSo: () => Promise<boolean>,
  otherwise: () => DutError,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + confirmWithinMs;
  while (!(await isSo())) {
    if (performance.now() > end) {
      throw otherwise();
    }
    await pause(lookAgainMs, signal);
  }
}

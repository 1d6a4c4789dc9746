import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import type { Outcome } from "./run-event.ts";

export const success: Outcome = { error: undefined, exitStatus: undefined };

/** What became of a run whose module threw. A run that was stopped says why, whatever its module threw on the way out. */
export function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (signal.aborted) {
    return stoppedBy(signal.reason);
  }
  const hint = error instanceof DutError && error.hint !== undefined ? { hint: error.hint } : {};
  return {
    error: new DutError("aborted", `module failed: ${messageOf(error)}`, { ...hint, cause: error }),
    exitStatus: error instanceof RemoteExit ? error.status : undefined,
  };
}

export function stoppedBy(reason: unknown): Outcome {
  const error =
    reason instanceof DutError
      ? reason
      : new DutError("canceled", `module execution aborted: ${messageOf(reason)}`, { cause: reason });
  return { error, exitStatus: undefined };
}

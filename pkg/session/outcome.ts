import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import type { Outcome } from "./run-event.ts";

export const success: Outcome = { error: undefined, exitStatus: undefined };

/** What became of a run whose module threw; `title` says which module, where that is told. */
export function outcomeOf(thrown: unknown, title: string | undefined): Outcome {
  const error = thrown instanceof SuppressedError ? firstOf(thrown) : thrown;
  const hint = error instanceof DutError && error.hint !== undefined ? { hint: error.hint } : {};
  const where = title === undefined ? "" : `${title}: `;
  return {
    error: new DutError("aborted", `module failed: ${where}${messageOf(error)}`, { ...hint, cause: error }),
    exitStatus: error instanceof RemoteExit ? error.status : undefined,
  };
}

/** What went wrong first, where giving things back failed as well. */
function firstOf({ suppressed }: SuppressedError): unknown {
  return suppressed instanceof SuppressedError ? firstOf(suppressed) : suppressed;
}

/** The same for one that was stopped: it says why, whatever its module threw on the way out. */
export function stoppedBy(reason: unknown): Outcome {
  const error =
    reason instanceof DutError
      ? reason
      : new DutError("canceled", `module execution aborted: ${messageOf(reason)}`, { cause: reason });
  return { error, exitStatus: undefined };
}

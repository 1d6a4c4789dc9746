import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Call } from "../module.ts";

/**
 * Puts hardware back at the end of a run that moved it for a while. What keeps it from that is the run's failure, as
 * `<otherwise>: <why>`; of a run that was stopped the reason stays that of the stop, and the agent's log has it.
 */
export async function putBack({ signal, log }: Call, otherwise: string, back: () => Promise<unknown>): Promise<void> {
  try {
    await back();
  } catch (error) {
    const said = `${otherwise}: ${messageOf(error)}`;
    if (signal.aborted) {
      log.error(said);
      throw signal.reason;
    }
    throw new DutError("unavailable", said, { hint: "look at the board before anything else", cause: error });
  }
}

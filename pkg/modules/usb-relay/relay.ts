import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askToolWellInTime } from "../tool/ask-tool-in-time.ts";
import { confirm } from "../tool/confirm.ts";
import { findTool } from "../tool/find-tool.ts";

/** usbrelay asks every board in turn, which takes some ten milliseconds each. */
const answerMs = 5000;

export type State = "on" | "off";

export interface Relay {
  /** Serial number of the board and number of the relay, such as `BITFT_1`. */
  readonly name: string;
  /** Throws not_found when it is not connected, unavailable when its board does not say. */
  look(signal: AbortSignal): Promise<State>;
  /** Resolves when the board shows the state. Throws as `look`, and failed_precondition when it does not. */
  switch(state: State, signal: AbortSignal): Promise<void>;
}

/** Throws failed_precondition when there is no usbrelay. Whether the board is there is not asked before it is used. */
export async function openRelay(name: string, processes: Processes): Promise<Relay> {
  const program = await findTool(processes, "usbrelay", "usbrelay");
  const ask = (args: readonly string[], signal: AbortSignal) =>
    askToolWellInTime(processes, "usbrelay", { program, args, signal }, answerMs);
  const look = async (signal: AbortSignal) => {
    const states = parseStates(await ask([], signal));
    const state = states.get(name);
    if (state === undefined) {
      const found = Array.from(states.keys());
      throw new DutError("not_found", `there is no USB relay ${name}`, {
        hint:
          found.length === 0
            ? "usbrelay finds none; see to the cable and the agent's rights"
            : `there are: ${found.join(", ")}`,
      });
    }
    if (state === "unknown") {
      throw new DutError("unavailable", `the board of USB relay ${name} does not say how it stands`);
    }
    return state;
  };
  return {
    name,
    look,
    async switch(state, signal) {
      // usbrelay is content with a board that is not there.
      await look(signal);
      await ask([`${name}=${state === "on" ? 1 : 0}`], signal);
      await confirm(
        async () => (await look(signal)) === state,
        () => new DutError("failed_precondition", `USB relay ${name} was switched ${state} and does not show it`),
        signal,
      );
    },
  };
}

/** What usbrelay prints without arguments: `BITFT_1=0` for each relay, with -1 for one that its board says nothing of. */
export function parseStates(text: string): ReadonlyMap<string, State | "unknown"> {
  return new Map(
    Array.from(text.matchAll(/^(\S+_\d+)=(-?\d+)$/gm), ([, name = "", value]) => [
      name,
      value === "1" ? "on" : value === "0" ? "off" : "unknown",
    ]),
  );
}

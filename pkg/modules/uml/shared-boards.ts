import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { SharedHardware } from "../shared-hardware.ts";
import { Board } from "./board.ts";
import type { BoardPlan } from "./options.ts";

/** By state directory. */
const boards = new SharedHardware<BoardPlan, Board>();

export interface BoardUse extends AsyncDisposable {
  readonly board: Board;
}

/**
 * Opens a board, or shares the one that another entry of the configuration opened. Throws invalid_argument when that one
 * was given other options, and as `Board.open`.
 */
export async function useBoard(plan: BoardPlan, host: Host, log: Log): Promise<BoardUse> {
  const use = await boards.use(host, plan.state, plan, {
    open: () => Board.open(plan, host, log),
    refuse: (first) => refuseOther(plan, first),
  });
  return { board: use.thing, [Symbol.asyncDispose]: () => use[Symbol.asyncDispose]() };
}

function refuseOther(plan: BoardPlan, first: BoardPlan): void {
  for (const option of Object.keys(plan) as (keyof BoardPlan)[]) {
    if (!isDeepStrictEqual(plan[option], first[option])) {
      const name = option.replace(/(Ms|Bytes)$/, "");
      throw new DutError(
        "invalid_argument",
        `option ${name} is ${JSON.stringify(plan[option])} here and ${JSON.stringify(first[option])} in another entry with the state directory ${plan.state}`,
        { hint: "give all entries of one board the same options, with a YAML anchor for instance" },
      );
    }
  }
}

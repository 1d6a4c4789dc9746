import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { Board } from "./board.ts";
import type { BoardPlan } from "./options.ts";

interface Shared {
  readonly plan: BoardPlan;
  readonly board: Promise<Board>;
  users: number;
}

/** The open boards of a computer, by state directory. A board belongs to the host that it runs on, and ends with its last user. */
const boardsOf = new WeakMap<Host, Map<string, Shared>>();

export interface BoardUse extends AsyncDisposable {
  readonly board: Board;
}

/**
 * Opens a board, or shares the one that another entry of the configuration opened. Throws invalid_argument when that one
 * was given other options, and as `Board.open`.
 */
export async function useBoard(plan: BoardPlan, host: Host, log: Log): Promise<BoardUse> {
  const boards = boardsOf.get(host) ?? new Map<string, Shared>();
  boardsOf.set(host, boards);
  const shared = boards.get(plan.state) ?? { plan, board: Board.open(plan, host, log), users: 0 };
  boards.set(plan.state, shared);
  refuseOther(plan, shared.plan);
  shared.users++;
  let use: "held" | "given back" = "held";
  const giveBack = async () => {
    if (use === "held") {
      use = "given back";
      shared.users--;
      if (shared.users === 0) {
        boards.delete(plan.state);
        await (await shared.board)[Symbol.asyncDispose]();
      }
    }
  };
  try {
    return { board: await shared.board, [Symbol.asyncDispose]: giveBack };
  } catch (error) {
    if (boards.get(plan.state) === shared) {
      boards.delete(plan.state);
    }
    throw error;
  }
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

import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { Board } from "./board.ts";
import type { BoardDesign, BoardPlan, Machine } from "./board-design.ts";

interface Shared<Plan, M extends Machine> {
  readonly plan: Plan;
  readonly board: Promise<Board<M>>;
  users: number;
}

export interface BoardUse<M extends Machine> extends AsyncDisposable {
  readonly board: Board<M>;
}

/**
 * The open boards of one kind, by computer and state directory: a board belongs to the host that it runs on, and ends
 * with its last user. The result opens a board, or shares the one that another entry of the configuration opened; it
 * throws invalid_argument when that one was given other options, and as `Board.open`.
 */
export function sharedBoards<Plan extends BoardPlan, M extends Machine>(design: (plan: Plan) => BoardDesign<M>) {
  const boardsOf = new WeakMap<Host, Map<string, Shared<Plan, M>>>();
  return async function useBoard(plan: Plan, host: Host, log: Log): Promise<BoardUse<M>> {
    const boards = boardsOf.get(host) ?? new Map<string, Shared<Plan, M>>();
    boardsOf.set(host, boards);
    const shared = boards.get(plan.state) ?? { plan, board: Board.open(design(plan), host, log), users: 0 };
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
  };
}

function refuseOther<Plan extends BoardPlan>(plan: Plan, first: Plan): void {
  for (const option of Object.keys({ ...first, ...plan }) as (keyof Plan & string)[]) {
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

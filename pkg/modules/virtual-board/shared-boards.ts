import { isDeepStrictEqual } from "node:util";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { SharedHardware, type Use } from "../hardware/shared-hardware.ts";
import { Board } from "./board.ts";
import type { BoardDesign, BoardPlan, Machine } from "./board-design.ts";

/**
 * The open boards of one kind, by computer and state directory: a board belongs to the host that it runs on, and ends
 * with its last user. The result opens a board, or shares the one that another entry of the configuration opened; it
 * throws invalid_argument when that one was given other options, and as `Board.open`.
 */
export function sharedBoards<Plan extends BoardPlan, M extends Machine>(design: (plan: Plan) => BoardDesign<M>) {
  const boards = new SharedHardware<Plan, Board<M>>();
  return (plan: Plan, host: Host, log: Log): Promise<Use<Board<M>>> =>
    boards.use(host, plan.state, plan, {
      open: () => Board.open(design(plan), host, log),
      refuse: (first) => refuseOther(plan, first),
    });
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

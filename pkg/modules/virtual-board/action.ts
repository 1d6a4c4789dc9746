import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Call } from "../module.ts";
import type { Board } from "./board.ts";
import type { Machine } from "./board-design.ts";
import { type DescribeImage, flash } from "./flash.ts";
import { off, on, renderPower, requireOff, reset } from "./power.ts";

/** What can be done to every virtual board. */
export type BoardAction =
  | { readonly kind: "on" | "off" | "reset" | "status" }
  | { readonly kind: "flash"; readonly image: string };

/** Throws invalid_argument with the hint when the arguments name no action or not what it needs. */
export function parseAction([verb, ...rest]: readonly string[], hint: string): BoardAction {
  switch (verb) {
    case undefined:
      throw new DutError("invalid_argument", "nothing to do was given", { hint });
    case "on":
    case "off":
    case "reset":
    case "status":
      refuseArguments(verb, rest);
      return { kind: verb };
    case "flash": {
      const [image, ...more] = rest;
      if (image === undefined || image === "" || more.length > 0) {
        throw new DutError("invalid_argument", `flash takes one image but got ${rest.length} arguments`, { hint });
      }
      return { kind: "flash", image };
    }
    default:
      throw new DutError("invalid_argument", `unknown action ${quote(verb)}`, { hint });
  }
}

/** Throws invalid_argument when there are arguments. */
export function refuseArguments(verb: string, args: readonly string[]): void {
  if (args.length > 0) {
    throw new DutError("invalid_argument", `${verb} takes no arguments but got ${quote(args.join(" "))}`);
  }
}

/** Does to a board what a run asks for; everything but `status` waits for its turn. */
export async function perform<M extends Machine>(
  action: BoardAction,
  board: Board<M>,
  describe: DescribeImage,
  host: Host,
  call: Call,
): Promise<void> {
  if (action.kind === "status") {
    await call.session.print(`${renderPower(board.power)}\n`);
    return;
  }
  using _turn = await board.takeTurn(call.signal);
  switch (action.kind) {
    case "on":
      return await on(board, call);
    case "off":
      return await off(board, call);
    case "reset":
      return await reset(board, call);
    case "flash":
      requireOff(board);
      return await flash(action.image, board.plan, describe, host, call);
  }
}

import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import { type Call, defineModule } from "../module.ts";
import type { Board, Power } from "./board.ts";
import { flash } from "./flash.ts";
import { type Machine, switchedItselfOff } from "./machine.ts";
import { planBoard, umlOptions } from "./options.ts";
import { useBoard } from "./shared-boards.ts";

type Action = { readonly kind: "on" | "off" | "reset" | "status" } | { readonly kind: "flash"; readonly image: string };

/** A virtual board: User-Mode Linux with power, a serial console and a disk to flash. */
export const uml = defineModule({
  name: "uml",
  summary: "run a virtual board: power, serial console and a disk to flash",
  config: umlOptions,
  resources: ({ state }) => [{ kind: "virtual board", name: resolve(state) }],
  help: ({ state, console = `${state}/console` }) => `on              switch the board on
off             shut the board down; cut its power if it does not go
reset           cut the power and switch the board on again
status          say whether the board is on
flash <image>   replace the disk by an image of yours: raw, or compressed with gzip, zstd or xz; the board must be off

A virtual board (User-Mode Linux). Its serial console is ${console}.
`,
  async open(options, { host, log }) {
    const { board, [Symbol.asyncDispose]: giveBack } = await useBoard(planBoard(options), host, log);
    return {
      async run(call) {
        const action = parseAction(call.args);
        if (action.kind === "status") {
          await call.session.print(`${renderPower(board.power)}\n`);
          return;
        }
        using _turn = await board.takeTurn(call.signal);
        await perform(action, board, host, call);
      },
      [Symbol.asyncDispose]: giveBack,
    };
  },
});

function parseAction([verb, ...rest]: readonly string[]): Action {
  const hint = "use on, off, reset, status or flash <image>";
  switch (verb) {
    case undefined:
      throw new DutError("invalid_argument", "nothing to do was given", { hint });
    case "on":
    case "off":
    case "reset":
    case "status":
      if (rest.length > 0) {
        throw new DutError("invalid_argument", `${verb} takes no arguments but got ${quote(rest.join(" "))}`);
      }
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

async function perform(action: Exclude<Action, { kind: "status" }>, board: Board, host: Host, call: Call) {
  const { session } = call;
  const { power } = board;
  switch (action.kind) {
    case "on": {
      if (power.kind === "on") {
        await session.print(`already ${renderPower(power)}\n`);
        return;
      }
      await switchOn(board, call);
      return;
    }
    case "off":
      if (power.kind === "off") {
        await session.print(`already ${renderPower(power)}\n`);
        return;
      }
      await switchOff(power.machine, board.plan.graceMs, call);
      return;
    case "reset":
      if (power.kind === "off") {
        throw new DutError("failed_precondition", "the board is off", { hint: "switch it on" });
      }
      await power.machine[Symbol.asyncDispose]();
      await switchOn(board, call);
      return;
    case "flash":
      if (power.kind === "on") {
        throw new DutError("failed_precondition", "the board is on, and its disk in use", {
          hint: "switch it off first",
        });
      }
      await flash(action.image, board.plan, host, call);
      return;
  }
}

async function switchOn(board: Board, { session, log }: Call): Promise<void> {
  const { pid } = await board.switchOn();
  log.info("the board is on", { state: board.plan.state, pid });
  await session.print(`on, pid ${pid}, console ${board.plan.console}\n`);
}

/** Orderly, then hard. When the run ends meanwhile the board goes on shutting down but is not cut off. */
async function switchOff(machine: Machine, graceMs: number, { session, signal }: Call): Promise<void> {
  const waiting = new AbortController();
  const waited = AbortSignal.any([signal, waiting.signal]);
  try {
    if (await machine.ctrlAltDelete(signal)) {
      await session.print("asked the board to shut down\n");
      const timeout = setTimeout(graceMs, "too late" as const, { signal: waited });
      const how = await Promise.race([machine.ended, timeout]);
      if (how !== "too late") {
        await session.print(how === switchedItselfOff ? "off\n" : `off: ${how}\n`);
        return;
      }
      await session.print(`it did not within ${formatDuration(graceMs)}\n`);
    } else {
      await session.print("the board's kernel does not listen yet\n");
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    waiting.abort();
  }
  await machine[Symbol.asyncDispose]();
  await session.print("off: cut the power\n");
}

function renderPower(power: Power): string {
  if (power.kind === "on") {
    return `on, pid ${power.machine.pid}, since ${power.since.toISOString()}`;
  }
  return power.ended === undefined ? "off" : `off, since ${power.ended.at.toISOString()}: ${power.ended.how}`;
}

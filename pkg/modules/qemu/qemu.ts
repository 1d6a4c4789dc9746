import { resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { type Call, defineModule } from "../module.ts";
import { type BoardAction, parseAction, perform, refuseArguments } from "../virtual-board/action.ts";
import type { Board } from "../virtual-board/board.ts";
import type { DescribeImage } from "../virtual-board/flash.ts";
import { describeImage } from "../virtual-board/image.ts";
import { requireOn } from "../virtual-board/power.ts";
import { sharedBoards } from "../virtual-board/shared-boards.ts";
import { type QemuMachine, qemuBoard } from "./machine/machine.ts";
import { type Combination, keysFor, parseCombination } from "./monitor/key-combination.ts";
import { pressKeys } from "./monitor/press-keys.ts";
import { screenshot } from "./monitor/screenshot.ts";
import { planBoard, type QemuPlan, qemuOptions, runDirectory } from "./options.ts";
import { describeQcow2 } from "./qcow2.ts";

type Action =
  | BoardAction
  | { readonly kind: "screenshot"; readonly file: string }
  | { readonly kind: "keys"; readonly combinations: readonly Combination[]; readonly said: string }
  | { readonly kind: "nmi" };

const hint = "use on, off, reset, status, flash <image>, screenshot <file>, keys <combination>…, type <text> or nmi";

const useBoard = sharedBoards(qemuBoard);

/** A virtual board: QEMU with power, a serial console, a disk to flash, a screen and a keyboard. */
export const qemu = defineModule({
  name: "qemu",
  summary: "run a virtual board in QEMU: power, serial console, disk, screen, keyboard and network",
  config: qemuOptions,
  resources: ({ state }) => [{ kind: "virtual board", name: resolve(state) }],
  help: ({ state, arch, format, console = `${state}/console` }) => `on                    switch the board on
off                   press its power button; cut its power if it does not go
reset                 cut the power and switch the board on again
status                say whether the board is on, and how it runs
flash <image>         replace the disk by an image of yours: ${format}, or compressed with gzip, zstd or xz; the board must be off
screenshot <file>     what its screen shows, as PNG, or as PPM when the name ends so
keys <combination>…   press keys one after the other, such as ctrl-alt-delete or f2 ret
type <text>           type ASCII text; Enter is keys ret
nmi                   send a non-maskable interrupt

A virtual board (QEMU, ${arch}). Its serial console is ${console}.
`,
  async open(options, { host, log }) {
    const plan = planBoard(options);
    const { thing: board, [Symbol.asyncDispose]: giveBack } = await useBoard(plan, host, log);
    return {
      async run(call) {
        await act(parseQemuAction(call.args), board, plan, host, call);
      },
      [Symbol.asyncDispose]: giveBack,
    };
  },
});

function parseQemuAction(args: readonly string[]): Action {
  const [verb, ...rest] = args;
  switch (verb) {
    case "screenshot": {
      const [file, ...more] = rest;
      if (file === undefined || file === "" || more.length > 0) {
        throw new DutError("invalid_argument", `screenshot takes one file but got ${rest.length} arguments`, { hint });
      }
      return { kind: "screenshot", file };
    }
    case "keys":
      if (rest.length === 0) {
        throw new DutError("invalid_argument", "keys takes at least one combination of keys", { hint });
      }
      return { kind: "keys", combinations: rest.map(parseCombination), said: `pressed ${rest.join(" ")}` };
    case "type": {
      const [text, ...more] = rest;
      if (text === undefined || text === "" || more.length > 0) {
        throw new DutError("invalid_argument", `type takes one text but got ${rest.length} arguments`, {
          hint: "quote a text with blanks",
        });
      }
      return { kind: "keys", combinations: keysFor(text), said: `typed ${text.length} characters` };
    }
    case "nmi":
      refuseArguments(verb, rest);
      return { kind: "nmi" };
    default:
      return parseAction(args, hint);
  }
}

async function act(action: Action, board: Board<QemuMachine>, plan: QemuPlan, host: Host, call: Call): Promise<void> {
  const { session, signal } = call;
  switch (action.kind) {
    case "screenshot":
      return await screenshot(action.file, requireOn(board).qmp, runDirectory(plan), host.files, call);
    case "keys":
      await pressKeys(action.combinations, requireOn(board).qmp, signal);
      return await session.print(`${action.said}\n`);
    case "nmi":
      await requireOn(board).qmp.execute("inject-nmi", {}, signal);
      return await session.print("sent an NMI\n");
    default: {
      await perform(action, board, describer(plan), host, call);
      if (action.kind === "status" && board.power.kind === "on") {
        for (const line of await board.power.machine.describe(signal)) {
          await session.print(`${line}\n`);
        }
      }
    }
  }
}

function describer({ format, limitBytes }: QemuPlan): DescribeImage {
  return format === "raw" ? describeImage : (head) => describeQcow2(head, limitBytes);
}

import { resolve } from "node:path";
import { defineModule } from "../module.ts";
import { parseAction, perform } from "../virtual-board/action.ts";
import { describeImage } from "../virtual-board/image.ts";
import { sharedBoards } from "../virtual-board/shared-boards.ts";
import { umlBoard } from "./machine.ts";
import { planBoard, umlOptions } from "./options.ts";

const useBoard = sharedBoards(umlBoard);

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
    const { thing: board, [Symbol.asyncDispose]: giveBack } = await useBoard(planBoard(options), host, log);
    return {
      async run(call) {
        const action = parseAction(call.args, "use on, off, reset, status or flash <image>");
        await perform(action, board, describeImage, host, call);
      },
      [Symbol.asyncDispose]: giveBack,
    };
  },
});

import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { type Call, defineModule } from "../module.ts";
import { askToolWellInTime } from "../tool/ask-tool-in-time.ts";
import { excerpt } from "../tool/excerpt.ts";
import { findTool } from "../tool/find-tool.ts";
import { parseVerb } from "../verb.ts";

/** A change takes usbsdmux a second, which lets the card's supply fall. */
const answerMs = 10_000;

const modes = ["host", "dut", "off"] as const;

type Mode = (typeof modes)[number];

/** Connects an SD card to the agent or to the board (USB-SD-Mux of Linux Automation). */
export const sdMux = defineModule({
  name: "sd-mux",
  summary: "connect an SD card to the agent or to the board",
  config: z.strictObject({
    device: z
      .string()
      .regex(/^\/dev\/.+$/, { error: "expected the path of a device, such as /dev/usb-sd-mux/id-00048.00643" })
      .describe("device of the USB-SD-Mux, such as /dev/usb-sd-mux/id-00048.00643"),
  }),
  resources: ({ device }) => [{ kind: "SD mux", name: device }],
  help: ({ device }) => `host      connect the card to the agent
dut       connect the card to the board
off       connect it to neither
status    say what it is connected to

USB-SD-Mux ${device}, through usbsdmux.
`,
  async open({ device }, { host: { processes } }) {
    const program = await findTool(processes, "usbsdmux", "usbsdmux");
    return {
      run: (call) => run(call, device, program, processes),
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function run({ args, session, signal }: Call, device: string, program: string, processes: Processes) {
  const ask = (word: string) =>
    askToolWellInTime(processes, "usbsdmux", { program, args: [device, word], signal }, answerMs);
  const verb = parseVerb(args, [...modes, "status"]);
  if (verb !== "status") {
    await ask(verb);
  }
  const mode = parseMode(await ask("get"));
  if (verb !== "status" && mode !== verb) {
    throw new DutError("failed_precondition", `the SD mux was told ${verb} and is at ${mode}`);
  }
  await session.print(`SD card: ${mode}\n`);
}

function parseMode(answer: string): Mode {
  const mode = modes.find((candidate) => candidate === answer.trim());
  if (mode === undefined) {
    throw new DutError("unavailable", `usbsdmux says no mode that is known: ${quote(excerpt(answer.trim()))}`);
  }
  return mode;
}

import { join, resolve } from "node:path";
import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { storeImage } from "../image-stream/store-image.ts";
import { defineModule } from "../module.ts";
import { findTool } from "../tool/find-tool.ts";
import { Emulator } from "./emulator.ts";

/** The largest chip that an EM100Pro can be. */
const mostBytes = 64 * 1024 ** 2;

const word = z.string().regex(/^[^-]/, "must not begin with a dash");

/** Lets an EM100Pro stand for the flash chip of a board. */
export const flashEmulate = defineModule({
  name: "flash-emulate",
  summary: "let an emulator stand for a flash chip",
  config: z.strictObject({
    chip: z
      .string({ error: 'chip must be configured (e.g. "N25Q256A13")' })
      .pipe(word)
      .describe("the chip to be, as em100 names it"),
    tool: z.string().min(1).default("em100").describe("em100: a name that is searched on PATH, or a path"),
    device: word
      .optional()
      .describe("the emulator, where there are several: bus and device at the USB, or its serial number"),
  }),
  resources: ({ device = "em100" }) => [{ kind: "flash emulator", name: device }],
  help: ({ chip, device }) => `<image>    start to emulate a ${chip} with an image of yours
stop       stop the emulation
status     say whether the emulator runs

An image with the name of an action is given as a path, such as ./stop.
${device === undefined ? "" : `Emulator: ${device}\n`}`,
  async open({ chip, tool, device }, { host }) {
    const program = resolve(await findTool(host.processes, tool, undefined));
    return {
      async run(call) {
        const emulator = new Emulator({ program, device }, host.processes, call);
        const [action, ...more] = call.args;
        refuse(action, more);
        if (action === "status") {
          await call.session.print(`The emulator is ${await emulator.state()}\n`);
        } else if (action === "stop") {
          await emulator.stop();
          await call.session.print("Emulation stopped\n");
        } else {
          await using directory = await host.files.temporaryDirectory("flash-emulate-");
          const path = join(directory.path, "image.bin");
          const image = await call.session.requestFile(action);
          await storeImage(path, { size: image.attributes.size, content: image, limit }, host.files, call);
          await emulator.start(chip, path);
          await call.session.print("Emulation started successfully\n");
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

/** Words after an image are ignored, as they always were. */
function refuse(action: string | undefined, more: readonly string[]): asserts action is string {
  if (action === undefined || action === "") {
    throw new DutError("invalid_argument", "missing argument: image file path", {
      hint: "use <image>, stop or status",
    });
  }
  if ((action === "stop" || action === "status") && more.length > 0) {
    throw new DutError("invalid_argument", `${action} takes no arguments but got ${quote(more.join(" "))}`);
  }
}

function limit(bytes: number): void {
  if (bytes > mostBytes) {
    throw new DutError("invalid_argument", `the image is larger than the ${mostBytes} bytes of the largest chip`, {
      hint: "give an image of exactly the chip's size; the emulator is as it was",
    });
  }
}

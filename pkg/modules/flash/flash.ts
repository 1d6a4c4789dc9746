import { resolve } from "node:path";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { defineModule } from "../module.ts";
import { askTool } from "../tool/ask-tool.ts";
import { findTool } from "../tool/find-tool.ts";
import { openHub, portResource } from "../usb-hub/hub.ts";
import type { Workshop } from "./chip/programmer.ts";
import { readChip } from "./chip/read-chip.ts";
import { writeChip } from "./chip/write-chip.ts";
import { type FlashOptions, flashOptions, toolNameOf } from "./options.ts";
import { parseRequest } from "./parse-request.ts";
import { flashTool } from "./tool/flash-tool.ts";

/** Reads and writes the flash chip of a board through a programmer. */
export const flash = defineModule({
  name: "flash",
  summary: "read and write a flash chip",
  config: flashOptions,
  resources: ({ tool, programmer, recover }) => [
    { kind: "flash programmer", name: resourceName(tool, programmer) },
    ...(recover === undefined ? [] : [portResource(recover.location, recover.port)]),
  ],
  help: helpText,
  async open(options, { host, signal }) {
    const shop = await openWorkshop(options, host, signal);
    return {
      async run(call) {
        const request = parseRequest(call.args, options.file);
        await using directory = await host.files.temporaryDirectory("flash-");
        if (request.kind === "read") {
          await readChip(request.image, shop, directory.path, call);
        } else {
          await writeChip(request, options, shop, directory.path, call);
        }
        await call.session.print("Flash operation completed successfully\n");
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

/** The numbers of dpcmd are its own; what flashrom and flashprog call a programmer is the same one. */
function resourceName(tool: string, programmer = ""): string {
  return toolNameOf(tool) === "dpcmd" ? `dpcmd ${programmer}`.trim() : programmer;
}

async function openWorkshop(options: FlashOptions, host: Workshop["host"], signal: AbortSignal): Promise<Workshop> {
  const { processes } = host;
  const name = toolNameOf(options.tool);
  const program = resolve(await findTool(processes, options.tool, name === "flashrom" ? "flashrom" : undefined));
  const { recover } = options;
  return {
    host,
    tool: flashTool(options, { progress: name !== "dpcmd" && (await knowsProgress(processes, program, signal)) }),
    program,
    name,
    recover: recover && {
      hub: await openHub(recover.location, [recover.port], processes),
      offMs: parseDuration(recover.delay),
    },
  };
}

/** flashrom 1.3 does not, later ones do. */
async function knowsProgress(processes: Processes, program: string, signal: AbortSignal): Promise<boolean> {
  const { stdout, stderr } = await askTool(processes, program, { program, args: ["--help"], signal });
  return /--progress\b/.test(stdout + stderr);
}

function helpText({ tool, programmer, file }: FlashOptions): string {
  const write = file === undefined ? "write <image>" : "write        ";
  const image =
    file === undefined
      ? "<image> is a file of yours: what is written, or where what is read is put."
      : `What is written is the agent's file ${quote(file)}. <image> is the file of yours where what is read is put.`;
  return `read <image>    save the content of the flash chip
${write}    write an image to the flash chip

${image}
Tool: ${tool}${programmer === undefined ? "" : `, programmer: ${programmer}`}
`;
}

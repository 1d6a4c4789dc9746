import { basename } from "node:path";
import { z } from "zod";
import { durationOption } from "../options/duration-option.ts";
import { hubLocationOption } from "../usb-hub/location-option.ts";

const toolNames = ["flashrom", "flashprog", "dpcmd"] as const;

export type ToolName = (typeof toolNames)[number];

const supported = `supported tools are [${toolNames.join(" ")}]`;

/** A value that a tool cannot take for an option of its own. */
const word = z.string().regex(/^[^-]/, "must not begin with a dash");

export const flashOptions = z
  .strictObject({
    tool: z
      .string({ error: `tool must be configured; ${supported}` })
      .refine(isSupported, { error: ({ input }) => `${JSON.stringify(input)} unsupported; ${supported}` })
      .describe("flashrom, flashprog or dpcmd: a name that is searched on PATH, or a path that ends in one"),
    programmer: word.optional().describe("what the tool reaches the chip with; for dpcmd the number of the USB device"),
    chip: word.optional().describe("the chip, in the tool's words, where it cannot tell alike ones apart"),
    layout: z.string().min(1).optional().describe("layout file on the agent; for flashrom and flashprog"),
    regions: z
      .array(word.regex(/^[^:]+$/, "must not have a colon"))
      .default([])
      .describe("the regions of the layout that are read or written; default all"),
    verify: z.boolean().default(true).describe("read the chip back after a write and compare"),
    "skip-unchanged": z.boolean().default(false).describe("write nothing when the chip has the image already"),
    file: z.string().min(1).optional().describe("an image on the agent that is written instead of one of the client's"),
    recover: z
      .strictObject({
        location: hubLocationOption(),
        port: z.int().min(1).max(99).describe("number of the port on its hub"),
        delay: durationOption().default("2s").describe("how long the port is left without power"),
      })
      .optional()
      .describe("USB port of the programmer: power-cycled with uhubctl before a second try"),
  })
  .refine(({ tool, programmer }) => !isSupported(tool) || toolNameOf(tool) === "dpcmd" || programmer !== undefined, {
    path: ["programmer"],
    error: ({ input }) => `programmer must be configured for ${JSON.stringify(toolIn(input))}`,
  })
  .refine(({ tool, layout }) => toolNameOf(tool) !== "dpcmd" || layout === undefined, {
    path: ["layout"],
    message: "dpcmd has no layouts: leave the option out",
  })
  .refine(({ layout, regions }) => layout !== undefined || regions.length === 0, {
    path: ["regions"],
    message: "regions are those of a layout: set the option layout",
  });

export type FlashOptions = z.output<typeof flashOptions>;

export function toolNameOf(tool: string): ToolName {
  return basename(tool) as ToolName;
}

function isSupported(tool: string): boolean {
  return toolNames.some((name) => name === basename(tool));
}

function toolIn(options: unknown): unknown {
  return (options as { readonly tool: string }).tool;
}

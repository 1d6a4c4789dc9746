import { join, resolve } from "node:path";
import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { durationOption } from "../options/duration-option.ts";
import { bytesOf, sizeOption } from "../options/size-option.ts";
import type { BoardPlan } from "../virtual-board/board-design.ts";

export const umlOptions = z.strictObject({
  state: z.string().min(1).describe("directory that is this board's alone; made when it is missing"),
  kernel: z.string().min(1).default("linux.uml").describe("User-Mode Linux, a path or a name on PATH"),
  disk: z.string().min(1).optional().describe("root disk; default `disk.img` in the state directory"),
  console: z
    .string()
    .min(1)
    .optional()
    .describe("symbolic link to the serial console; default `console` in the state directory"),
  limit: sizeOption().default("8G").describe("the largest image that `flash` takes, also after unpacking"),
  memory: sizeOption().default("64M").describe("the board's memory"),
  arguments: z.array(z.string()).default([]).describe("further arguments of the kernel"),
  grace: durationOption().default("10s").describe("how long `off` waits for an orderly end"),
});

export type UmlOptions = z.output<typeof umlOptions>;

/** Every default filled in. */
export interface UmlPlan extends BoardPlan {
  readonly kernel: string;
  readonly memory: string;
  readonly arguments: readonly string[];
}

/** The longest path of a unix socket (unix(7)), less what the kernel's management console adds to the state directory. */
const longestState = 107 - "/run/board/mconsole".length;

/** Throws invalid_argument for a path that the kernel's command line cannot carry. */
export function planBoard(options: UmlOptions): UmlPlan {
  const state = resolve(options.state);
  const disk = resolve(options.disk ?? join(state, "disk.img"));
  for (const [option, path] of [
    ["state", state],
    ["disk", disk],
  ] as const) {
    if (/[\s,:"]/.test(path)) {
      throw new DutError(
        "invalid_argument",
        `option ${option}: the kernel cannot take the path ${JSON.stringify(path)}`,
        {
          hint: "choose a path without blanks, commas, colons and quotes",
        },
      );
    }
  }
  if (Buffer.byteLength(state) > longestState) {
    throw new DutError("invalid_argument", `option state: ${state} is longer than ${longestState} bytes`, {
      hint: "choose a shorter path: the kernel keeps a socket there",
    });
  }
  return {
    state,
    kernel: options.kernel,
    disk,
    console: resolve(options.console ?? join(state, "console")),
    limitBytes: bytesOf(options.limit),
    memory: options.memory,
    arguments: options.arguments,
    graceMs: parseDuration(options.grace),
  };
}

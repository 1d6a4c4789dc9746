import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askToolWellInTime } from "../tool/ask-tool-in-time.ts";
import { findTool } from "../tool/find-tool.ts";
import type { Level } from "./line-options.ts";

/** Each answer takes milliseconds. */
export const answerMs = 5000;

/** What the kernel shows as the holder of a line, as far as the tools let it be chosen. */
const consumer = "dutagent";

/** A line at a level. */
export interface Request {
  /** The kernel's name of the chip, such as `gpiochip0`. */
  readonly chip: string;
  readonly pin: number;
  readonly level: Level;
  /** What the pin's own resistor pulls to, where it has one. */
  readonly pull: Level;
}

/** The tools of libgpiod that this computer has. The command lines of 1.x and of 2.x differ, and so do those of each other's builds. */
export interface Gpiod {
  readonly detect: string;
  readonly info: string;
  readonly set: string;
  infoArguments(chip: string): readonly string[];
  /** A command line that sets the line and keeps it until it is ended. */
  setArguments(request: Request): readonly string[];
  /** Whether that program takes commands to change the level; 2.x does when it was built so. */
  readonly takesCommands: boolean;
}

/** Throws failed_precondition when the tools are missing, or are of a version that has another command line. */
export async function findGpiod(processes: Processes, signal: AbortSignal): Promise<Gpiod> {
  const find = (program: string) => findTool(processes, program, "gpiod");
  const [detect, info, set] = [await find("gpiodetect"), await find("gpioinfo"), await find("gpioset")];
  const ask = (argument: string) =>
    askToolWellInTime(processes, "gpioset", { program: set, args: [argument], signal }, answerMs);
  const version = await ask("--version");
  // "gpioset (libgpiod) v1.6.3", with "v2.2.1-devel" and the like.
  switch (/\(libgpiod\) v?(\d+)\./.exec(version)?.[1]) {
    case "1":
      return { detect, info, set, ...version1, takesCommands: false };
    case "2":
      return { detect, info, set, ...version2((await ask("--help")).includes("--interactive")) };
    default:
      throw new DutError("failed_precondition", `the agent's gpioset is of no known version: ${firstLine(version)}`, {
        hint: "install the Debian package gpiod, version 1.x or 2.x",
      });
  }
}

type CommandLines = Pick<Gpiod, "infoArguments" | "setArguments" | "takesCommands">;

const value = (level: Level) => (level === "high" ? "1" : "0");

const bias = (pull: Level) => `--bias=pull-${pull === "high" ? "up" : "down"}`;

/** gpioset(1) and gpioinfo(1) of 1.6. */
const version1: Omit<CommandLines, "takesCommands"> = {
  infoArguments: (chip) => [chip],
  setArguments: ({ chip, pin, level, pull }) => ["--mode=signal", bias(pull), chip, `${pin}=${value(level)}`],
};

/** gpioset(1) and gpioinfo(1) of 2.x. */
function version2(takesCommands: boolean): CommandLines {
  return {
    takesCommands,
    infoArguments: (chip) => [`--chip=${chip}`],
    setArguments: ({ chip, pin, level, pull }) => [
      ...(takesCommands ? ["--interactive"] : []),
      bias(pull),
      `--consumer=${consumer}`,
      `--chip=${chip}`,
      `${pin}=${value(level)}`,
    ],
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

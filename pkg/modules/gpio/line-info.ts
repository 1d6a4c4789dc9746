import { DutError } from "#pkg/errors/dut-error.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askToolWellInTime } from "../tool/ask-tool-in-time.ts";
import { answerMs, type Gpiod } from "./gpiod.ts";

/** What the kernel says of a line. Its level is not among that: only who holds a line may read it. */
export interface LineInfo {
  /** Undefined when nobody holds it. */
  readonly holder: string | undefined;
  readonly direction: "input" | "output";
}

export async function askLineInfo(
  { chip, pin }: { readonly chip: string; readonly pin: number },
  processes: Processes,
  gpiod: Gpiod,
  signal: AbortSignal,
): Promise<LineInfo> {
  const options = { program: gpiod.info, args: gpiod.infoArguments(chip), signal };
  const info = parseLineInfo(await askToolWellInTime(processes, "gpioinfo", options, answerMs), pin);
  if (info === undefined) {
    throw new DutError("unavailable", `gpioinfo does not show line ${pin} of ${chip}`);
  }
  return info;
}

/**
 * A line of gpioinfo(1), of 1.6 or of 2.x:
 * `line  17:     "GPIO17"    "gpioset"  output  active-high [used]`
 * `line  17:	"GPIO17"        	output consumer="gpioset"`
 */
export function parseLineInfo(text: string, pin: number): LineInfo | undefined {
  for (const line of text.split("\n")) {
    const [, number, rest = ""] = /^\s*line\s+(\d+):\s*(.*)$/.exec(line) ?? [];
    if (Number(number) !== pin) {
      continue;
    }
    const [, holder1, direction1] =
      /^(?:"[^"]*"|unnamed)\s+("[^"]*"|kernel|unused)\s+(input|output)\s/.exec(rest) ?? [];
    if (holder1 !== undefined) {
      return { holder: holder1 === "unused" ? undefined : unquoted(holder1), direction: direction1 as "input" };
    }
    const [, direction2, attributes = ""] = /^(?:"[^"]*"|unnamed)\s+(input|output)\b(.*)$/.exec(rest) ?? [];
    if (direction2 !== undefined) {
      const [, holder2] = /\bconsumer=("[^"]*"|\S+)/.exec(attributes) ?? [];
      return { holder: holder2 === undefined ? undefined : unquoted(holder2), direction: direction2 as "input" };
    }
  }
  return undefined;
}

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, "$1");
}

import type { FlashOptions } from "../options.ts";
import { toolNameOf } from "../options.ts";
import { dpcmd } from "./dpcmd.ts";
import { flashrom } from "./flashrom.ts";

/** The chip that a programmer is wired to. */
export interface Chip {
  readonly name: string;
  readonly bytes: number;
}

/** How one tool is told what to do: the arguments of its command lines, and what its answers mean. */
export interface FlashTool {
  /** Asks for the chip; nothing is changed. */
  readonly probe: readonly string[];
  /** Undefined when the answer names none. */
  chipIn(answer: string): Chip | undefined;
  read(image: string): readonly string[];
  write(image: string): readonly string[];
  /** Compares the chip with an image, and ends well when they are alike; undefined for a tool that cannot. */
  readonly compare: ((image: string) => readonly string[]) | undefined;
  /** True for a tool that reads back what it wrote, and fails when that is something else. */
  readonly verifies: boolean;
  /** True for a tool that is to be started in the directory of the images and told their names only. */
  readonly inDirectory: boolean;
  /** What is wrong with the size of an image for this chip; undefined when nothing is. */
  misfit(bytes: number, chip: Chip): string | undefined;
  /** The names under which the content of a chip may be found after `read("<image>")`. */
  isResult(name: string, image: string): boolean;
}

/** The tool that the options name. `progress` says whether it can be asked for percentages. */
export function flashTool(options: FlashOptions, { progress }: { readonly progress: boolean }): FlashTool {
  return toolNameOf(options.tool) === "dpcmd" ? dpcmd(options) : flashrom(options, progress);
}

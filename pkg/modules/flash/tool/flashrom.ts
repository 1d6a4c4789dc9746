import type { FlashOptions } from "../options.ts";
import type { FlashTool } from "./flash-tool.ts";

/**
 * flashrom, and flashprog, which branched off it and takes the same words. From flashrom(8) of version 1.3 and what that
 * version prints.
 */
export function flashrom(options: FlashOptions, progress: boolean): FlashTool {
  const { programmer = "", chip, layout, regions, verify } = options;
  const where = ["-p", programmer, ...(chip === undefined ? [] : ["-c", chip])];
  const what = layout === undefined ? [] : ["-l", layout, ...regions.flatMap((region) => ["-i", region])];
  const told = [...where, ...what, ...(progress ? ["--progress"] : [])];
  return {
    probe: [...where, "--flash-size"],
    chipIn(answer) {
      const size = Array.from(answer.matchAll(/^(\d+)\r?$/gm)).at(-1)?.[1];
      const [, vendor = "", name = "of unknown name"] = /^Found (?:(.+) )?flash chip "([^"]+)"/m.exec(answer) ?? [];
      return size === undefined ? undefined : { name: `${vendor} ${name}`.trim(), bytes: Number(size) };
    },
    read: (image) => [...told, "-r", image],
    write: (image) => [...told, ...(verify ? [] : ["-n"]), "-w", image],
    compare: (image) => [...told, "-v", image],
    verifies: true,
    inDirectory: false,
    misfit: (bytes, { bytes: size }) => (bytes === size ? undefined : `must have exactly the ${size} of the chip`),
    isResult: (name, image) => name === image,
  };
}

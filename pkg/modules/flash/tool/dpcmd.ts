import type { FlashOptions } from "../options.ts";
import type { FlashTool } from "./flash-tool.ts";

/**
 * dpcmd of Dediprog for the SF100 and SF600, from the usage text and the sources of its version for Linux. `-u` changes
 * the sectors that differ from the image and leaves what is beyond its end. It succeeds also when it could not load the
 * image, and its own `--verify` compares checksums, so what it wrote is read back here.
 */
export function dpcmd({ programmer, chip }: FlashOptions): FlashTool {
  const where = [
    ...(programmer === undefined ? [] : ["--device", programmer]),
    ...(chip === undefined ? [] : ["--type", chip]),
  ];
  return {
    probe: [...where, "--detect"],
    chipIn(answer) {
      const [, name = "", size] = /^\s*(.*?)\s*chip size is (\d+) bytes/m.exec(answer) ?? [];
      return size === undefined ? undefined : { name, bytes: Number(size) };
    },
    read: (image) => [...where, "-r", image],
    write: (image) => [...where, "-u", image],
    compare: undefined,
    verifies: false,
    // It keeps the name of a file that it reads to in 64 bytes.
    inDirectory: true,
    misfit: (bytes, { bytes: size }) =>
      bytes > 0 && bytes <= size ? undefined : `must have at least one and no more than the ${size} of the chip`,
    // Without a device number it reads every programmer, into files with its number in front.
    isResult: (name, image) => name.replace(/^\d+_/, "") === image,
  };
}

import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Call } from "../../module.ts";
import type { Qmp } from "./qmp.ts";

/**
 * Hands the client what the board's screen shows: as a PPM when the name ends with `.ppm`, otherwise as a PNG, which QEMU
 * makes since 7.1. `directory` is for QEMU to write into. Throws failed_precondition when the board has no screen.
 */
export async function screenshot(name: string, qmp: Qmp, directory: string, files: Files, call: Call): Promise<void> {
  const { session, signal } = call;
  const format = name.toLowerCase().endsWith(".ppm") ? "ppm" : "png";
  const path = join(directory, `screen.${format}`);
  await using taken = new AsyncDisposableStack();
  taken.defer(() => files.remove(path));
  await qmp.execute("screendump", { filename: path, ...(format === "png" && { format }) }, signal);
  await using picture = await files.read(path);
  const { size, content } = picture;
  if (size === 0) {
    throw new DutError("internal", "qemu made an empty picture", { hint: `look for room in ${directory}` });
  }
  await session.sendFile(name, content, { size });
  await session.print(`${size} bytes of ${format.toUpperCase()}\n`);
}

import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";

/** Throws failed_precondition when a disk is missing or empty. */
export async function requireDisk(disk: string, files: Files): Promise<void> {
  const size = await files.size(disk);
  if (size === undefined || size === 0) {
    throw new DutError("failed_precondition", `there is no disk ${disk}`, { hint: "flash an image first" });
  }
}

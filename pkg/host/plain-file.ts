import { stat } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { doing, errnoOf } from "./errno.ts";

/**
 * Throws failed_precondition when something else than a file is at a path. Renaming a new file to it would take the place
 * of a device, too.
 */
export async function refuseOther(path: string): Promise<void> {
  const found = await doing(`look at ${path}`, () => stat(path).catch(missing));
  if (found !== undefined && !found.isFile()) {
    throw new DutError("failed_precondition", `${path} is not a file`);
  }
}

function missing(error: unknown): undefined {
  if (errnoOf(error) !== "ENOENT") {
    throw error;
  }
}

import type { Stats } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";

/**
 * Makes a directory and the parents that are missing, all with the same mode; what is there is left as it is. One by one:
 * where none can be made, as in /proc, Node's own recursion looks for the first that is missing for ever. Throws
 * failed_precondition there, else what Node has against it.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const missing = [path];
  let there = dirname(path);
  while ((await statIfThere(there)) === undefined) {
    missing.unshift(there);
    there = dirname(there);
  }
  for (const each of missing) {
    try {
      await mkdir(each, { mode });
    } catch (error) {
      if (codeOf(error) === "ENOENT") {
        throw new DutError(
          "failed_precondition",
          `cannot make the directory ${path}: none can be made in ${dirname(each)}`,
          { cause: error },
        );
      }
      if ((await statIfThere(each))?.isDirectory() !== true) {
        throw error;
      }
    }
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) {
      throw error;
    }
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

import { access, constants, realpath } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";

/** How this program was started. */
export interface ThisProgram {
  /** The executable that runs: this program itself, or the Node that runs its sources. */
  readonly executable: string;
  /** The sources of dutagent beside ours; undefined in an executable. */
  readonly agentSource: string | undefined;
  readonly path: string | undefined;
}

/**
 * The words that start the dutagent that belongs to this program: its sources with the same Node, or the executable in
 * the same folder, else the first one on PATH. Throws unavailable when there is none.
 */
export async function agentWords({ executable, agentSource, path = "" }: ThisProgram): Promise<readonly string[]> {
  if (agentSource !== undefined) {
    return [executable, agentSource];
  }
  const beside = dirname(await realpath(executable));
  // An entry that is not absolute, or empty, means the folder one happens to be in.
  const folders = [beside, ...path.split(delimiter).filter(isAbsolute)];
  for (const folder of folders) {
    const candidate = join(folder, "dutagent");
    if (await isExecutable(candidate)) {
      return [candidate];
    }
  }
  throw new DutError("unavailable", `there is no dutagent in ${beside} or on PATH`, {
    hint: "-local needs the program dutagent: put it beside dutctl",
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    // Whatever is wrong with it, it is not the one to start.
    return false;
  }
}

import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { basename, extname, join } from "node:path";

/**
 * The name of an agent's state directory: one for each configuration file, so that the agents of a user on one machine do
 * not meet. Throws ENOENT for a configuration that is not there.
 */
export async function stateName(config: string): Promise<string> {
  const file = await realpath(config);
  const mark = createHash("sha256").update(file).digest("hex").slice(0, 8);
  return join("dutagent", `${basename(file, extname(file))}-${mark}`);
}

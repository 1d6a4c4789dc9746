import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, extname, join } from "node:path";

/**
 * Where an agent keeps what outlives it: the directory of `-state`, else the one that systemd gives a service, else one
 * for its configuration file below the user's state directory, so that the agents of a user on one machine do not meet.
 * Throws ENOENT for a configuration that is not there.
 */
export async function stateDirectory(
  asked: string | undefined,
  config: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (asked !== undefined) {
    return asked;
  }
  // systemd separates several by colons.
  const [given = ""] = (env.STATE_DIRECTORY ?? "").split(":");
  if (given !== "") {
    return given;
  }
  const base = env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const file = await realpath(config);
  const mark = createHash("sha256").update(file).digest("hex").slice(0, 8);
  return join(base, "dutagent", `${basename(file, extname(file))}-${mark}`);
}

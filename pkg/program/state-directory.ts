import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where a daemon keeps what outlives it: the directory of `-state`, else the one that systemd gives a service, else the one
 * of this name below the user's state directory.
 */
export function stateDirectory(
  asked: string | undefined,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (asked !== undefined) {
    return asked;
  }
  // systemd separates several by colons.
  const [given = ""] = (env.STATE_DIRECTORY ?? "").split(":");
  return given !== "" ? given : join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), name);
}

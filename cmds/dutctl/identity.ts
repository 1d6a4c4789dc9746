import { randomBytes } from "node:crypto";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { World } from "./world.ts";

/** Who the caller is to other users: `$USER@<hostname>`, or a name for this call alone when either is not known. */
export function defaultIdentity(world: Pick<World, "env" | "hostname">, log: Log): string {
  const user = world.env.USER ?? "";
  const host = hostnameOf(world, log);
  return user === "" || host === "" ? `unknown-${randomBytes(4).toString("hex")}` : `${user}@${host}`;
}

function hostnameOf({ hostname }: Pick<World, "hostname">, log: Log): string {
  try {
    return hostname();
  } catch (error) {
    log.debug("the name of this computer is not known", { err: messageOf(error) });
    return "";
  }
}

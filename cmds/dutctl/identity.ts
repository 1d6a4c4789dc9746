import { randomBytes } from "node:crypto";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { World } from "./world.ts";

type Names = Pick<World, "env" | "hostname" | "userName">;

/**
 * Who the caller is to other users: `$USER@<hostname>`, the name of the account where USER is not set, or a name for this
 * call alone when either half is not known.
 */
export function defaultIdentity(world: Names, log: Log): string {
  const user = world.env.USER || known("user", world.userName, log);
  const host = known("computer", world.hostname, log);
  return user === "" || host === "" ? `unknown-${randomBytes(4).toString("hex")}` : `${user}@${host}`;
}

function known(what: string, ask: () => string, log: Log): string {
  try {
    return ask();
  } catch (error) {
    log.debug(`the name of this ${what} is not known`, { err: messageOf(error) });
    return "";
  }
}

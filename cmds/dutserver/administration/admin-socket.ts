import { join } from "node:path";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { type Administration, administrationRoutes } from "./administration.ts";

/** Where a server with a state directory answers its administrator: whoever may enter the directory. */
export function adminSocket(directory: string): string {
  return join(directory, "admin.sock");
}

/** A server does without when the socket cannot be made, and logs why. */
export async function listenForAdmin(
  directory: string,
  administration: Administration,
  log: Log,
): Promise<Listener | undefined> {
  const path = adminSocket(directory);
  const handler = rpcHandler(administrationRoutes(administration), { self: "dutserver", log });
  try {
    return await listen({ kind: "unix", path }, handler, { log, insecure: false });
  } catch (error) {
    log.warn("no administration while this server runs", { path, err: explain(error) });
    return undefined;
  }
}

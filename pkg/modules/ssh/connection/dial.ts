import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Endpoint } from "../options.ts";
import { nameOf } from "./known-hosts.ts";

/** A connection to a server, whose bytes leave at once. Throws unavailable, and the signal's reason. */
export async function dial({ host, port }: Endpoint, signal: AbortSignal): Promise<Duplex> {
  const socket = connectSocket({ host, port, noDelay: true });
  try {
    await once(socket, "connect", { signal });
    // What ends it before somebody listens shows in the login.
    socket.on("error", () => {});
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw notReached(nameOf(host, port), error, "check the options host and port, and whether the server runs");
  }
}

/** The same through a server that one is logged in at. */
export async function dialThrough(client: Client, { host, port }: Endpoint, signal: AbortSignal): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const stop = () => reject(signal.reason);
  const lost = () => reject(new Error("the connection to it was lost"));
  signal.addEventListener("abort", stop);
  client.on("close", lost);
  client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  try {
    return await promise;
  } catch (error) {
    signal.throwIfAborted();
    const name = `${nameOf(host, port)} through the jump host`;
    throw notReached(name, error, "check the options host and port as the jump host knows them");
  } finally {
    signal.removeEventListener("abort", stop);
    client.off("close", lost);
  }
}

function notReached(name: string, error: unknown, hint: string): DutError {
  return new DutError("unavailable", `failed to dial SSH server: ${name}: ${messageOf(error)}`, { hint, cause: error });
}

import type { Duplex } from "node:stream";
import type { Client } from "ssh2";

/** How often a server that says nothing is asked whether it is there. */
export const askEveryMs = 2500;

const goneAfterMs = 10_000;

/**
 * Ends the connection of a server from which nothing has come for ten seconds, though it was asked. Whatever comes
 * counts, and not only the answers: behind much output on a slow line they are late. `silent` is called before.
 */
export function watchSilence(client: Client, socket: Duplex, silent: () => void): void {
  const timer = setTimeout(() => {
    silent();
    client.destroy();
  }, goneAfterMs);
  const heard = () => void timer.refresh();
  socket.on("data", heard);
  client.once("close", () => {
    clearTimeout(timer);
    socket.off("data", heard);
  });
}

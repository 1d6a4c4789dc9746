import { once } from "node:events";
import type { Child } from "./child.ts";

/** What Node is told by `NODE_OPTIONS` so that its debugger can be had on a port of the system's choice. */
export const debuggable = "NODE_OPTIONS=--inspect-port=0";

/** Lets a program that was started with that collect its garbage, as its debugger does. Resolves when it has. */
export async function collectGarbage(program: Child): Promise<void> {
  program.kill("SIGUSR1");
  const [, url = ""] = await program.said("stderr", /Debugger listening on (ws:\S+)/);
  const socket = new WebSocket(url);
  await once(socket, "open");
  const collected = once(socket, "message");
  socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
  await collected;
  const closed = once(socket, "close");
  socket.close();
  await closed;
}

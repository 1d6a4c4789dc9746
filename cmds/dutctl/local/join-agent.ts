import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

/** The agent counts whoever holds this as a user, and stays. */
export interface Membership extends Disposable {
  /** Of the agent. */
  readonly pid: number;
  /** What the agent has to say to new users. */
  readonly notes: readonly string[];
}

/** Becomes a user of the agent that counts its users at a socket. Undefined when none does, or one that is about to go. */
export async function joinAgent(path: string, signal: AbortSignal): Promise<Membership | undefined> {
  using acquired = new DisposableStack();
  const socket = acquired.adopt(createConnection({ path }), (open) => open.destroy());
  try {
    const greeting = await firstLine(socket, signal);
    if (greeting === undefined) {
      return undefined;
    }
    const { pid, notes } = JSON.parse(greeting) as { pid: number; notes: string[] };
    socket.on("error", () => {});
    const release = acquired.move();
    return { pid, notes, [Symbol.dispose]: () => release.dispose() };
  } catch (error) {
    if (isNobody(error)) {
      return undefined;
    }
    throw error;
  }
}

async function firstLine(socket: Socket, signal: AbortSignal): Promise<string | undefined> {
  let text = "";
  socket.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const closed = once(socket, "close", { signal }).then(() => "closed");
  while (!text.includes("\n")) {
    if ((await Promise.race([once(socket, "data", { signal }), closed])) === "closed") {
      return undefined;
    }
  }
  return text.slice(0, text.indexOf("\n"));
}

/** Nobody has made the socket, nobody serves it, or it was closed before we were heard. */
function isNobody(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(String(error.code))
  );
}

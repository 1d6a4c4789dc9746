import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";

/** Until an agent that takes the connection is not waited for any more, in milliseconds: it is stopped, or hangs. */
const greetingMs = 10_000;

/** The agent counts whoever holds this as a user, and stays. */
export interface Membership extends Disposable {
  /** Of the agent. */
  readonly pid: number;
  /** What the agent has to say to new users. */
  readonly notes: readonly string[];
}

/**
 * Becomes a user of the agent that counts its users at a socket. Undefined when none does, or one that is about to go.
 * Throws unavailable when one does but says nothing for `patienceMs`.
 */
export async function joinAgent(
  path: string,
  signal: AbortSignal,
  patienceMs = greetingMs,
): Promise<Membership | undefined> {
  using acquired = new DisposableStack();
  const socket = acquired.adopt(createConnection({ path }), (open) => open.destroy());
  const silence = AbortSignal.timeout(patienceMs);
  try {
    const greeting = await firstLine(socket, AbortSignal.any([signal, silence]));
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
    if (silence.aborted && !signal.aborted) {
      const message = `the dutagent that serves this configuration has said nothing for ${formatDuration(patienceMs)}`;
      throw new DutError("unavailable", message, {
        hint: `it is stopped or hangs; end it (pgrep -f ${path} shows its pid) and try again`,
        cause: error,
      });
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

import type { Session } from "#pkg/modules/session.ts";
import type { Conversation } from "../conversation.ts";

/**
 * A run's conversation for one step: what waits for the user, or sends a file to a client that takes nothing, ends with the
 * reason when the step is to end. What is printed is a matter of the journal's pace.
 */
export function stepSession(session: Conversation, signal: AbortSignal): Session {
  return {
    print: (text) => session.print(text),
    stdout: (bytes) => session.stdout(bytes),
    stderr: (bytes) => session.stderr(bytes),
    progress: (progress) => session.progress(progress),
    stdin: { [Symbol.asyncIterator]: () => readUntil(session.stdin, signal) },
    terminal: session.terminal,
    rawMode: () => session.rawMode(signal),
    onSignal: (listener) => session.onSignal(listener),
    requestFile: async (name) => {
      signal.throwIfAborted();
      return await session.requestFile(name, signal);
    },
    sendFile: (name, content, attributes) => session.sendFile(name, content, attributes, signal),
  };
}

/** Leaving loses nothing, also when the signal aborts while the next piece is awaited. */
function readUntil(stdin: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterator<Uint8Array, undefined> {
  const pieces = stdin[Symbol.asyncIterator]();
  const leave = () => void pieces.return?.();
  signal.addEventListener("abort", leave, { once: true });
  return {
    async next() {
      signal.throwIfAborted();
      const next = await pieces.next();
      if (next.done === true) {
        signal.removeEventListener("abort", leave);
        signal.throwIfAborted();
        return { done: true, value: undefined };
      }
      return next;
    },
    async return() {
      signal.removeEventListener("abort", leave);
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
}

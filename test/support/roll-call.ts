import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** Knows which programs live: each that attends holds a connection, and the kernel closes it when the program ends. */
export interface RollCall extends AsyncDisposable {
  /** A shell command that attends under a name until it is ended; `deaf` to all signals but SIGKILL if wanted. */
  attend(name: string, hearing?: "deaf"): string;
  /** Resolves when a program of that name has come. */
  came(name: string): Promise<void>;
  /** Resolves when a program of that name has come and ended. */
  gone(name: string): Promise<void>;
  present(name: string): boolean;
}

interface Seat {
  readonly came: PromiseWithResolvers<void>;
  readonly gone: PromiseWithResolvers<void>;
  present: boolean;
}

export async function openRollCall(): Promise<RollCall> {
  const seats = new Map<string, Seat>();
  const sockets = new Set<Socket>();
  const program = fileURLToPath(import.meta.resolve("#test/programs/attend.ts"));
  const seat = (name: string): Seat => {
    const known = seats.get(name) ?? { came: Promise.withResolvers(), gone: Promise.withResolvers(), present: false };
    seats.set(name, known);
    return known;
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    // A killed program's connection may end in a reset; "close" follows.
    socket.on("error", () => {});
    socket.once("data", (name) => {
      const its = seat(name.toString().trim());
      its.present = true;
      its.came.resolve();
      socket.once("close", () => {
        its.present = false;
        its.gone.resolve();
      });
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    attend: (name, hearing = undefined) => [process.execPath, program, port, name, hearing ?? ""].join(" ").trim(),
    came: (name) => seat(name).came.promise,
    gone: (name) => seat(name).gone.promise,
    present: (name) => seat(name).present,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}

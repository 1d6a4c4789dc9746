import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { errnoOf, fromErrno } from "./errno.ts";
import type { LocalConnection, LocalListener, Sockets } from "./sockets.ts";

/** `sun_path` holds 108 bytes, the last of which is zero. Node cuts longer names off in silence. */
const longestPath = 107;

/** Unix sockets of this computer. */
export function nodeSockets(): Sockets {
  return {
    async listen(path) {
      if (Buffer.byteLength(path) > longestPath) {
        throw new DutError("invalid_argument", `listen at ${path}: the name is longer than ${longestPath} bytes`);
      }
      const arrived: Socket[] = [];
      const server = createServer({ pauseOnConnect: true }, (socket) => {
        arrived.push(socket);
        server.emit("arrival");
      });
      server.listen(path);
      try {
        await once(server, "listening");
      } catch (error) {
        throw errnoOf(error) === "EADDRINUSE"
          ? new DutError("already_exists", `listen at ${path}: something is there already`, { cause: error })
          : fromErrno(error, `listen at ${path}`);
      }
      return {
        async accept(signal) {
          for (;;) {
            signal.throwIfAborted();
            const socket = arrived.shift();
            if (socket !== undefined) {
              return new NodeConnection(socket);
            }
            await once(server, "arrival", { signal }).catch((error: unknown) => {
              signal.throwIfAborted();
              throw error;
            });
          }
        },
        async [Symbol.asyncDispose]() {
          if (server.listening) {
            server.close();
          }
          for (const socket of arrived.splice(0)) {
            socket.destroy();
          }
        },
      } satisfies LocalListener;
    },
  };
}

class NodeConnection implements LocalConnection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A side that went away is met where it is read or written.
    socket.on("error", () => {});
  }

  get received(): AsyncIterable<Uint8Array> {
    return untilGone(this.#socket);
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp);
    try {
      this.#socket.write(bytes, (error) =>
        error
          ? reject(new DutError("unavailable", "the other side closed the connection", { cause: error }))
          : resolve(),
      );
      await promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

/** A connection that is reset, or closed here while it is read, has ended. */
async function* untilGone(socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    yield* socket as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(errnoOf(error) ?? "")) {
      throw error;
    }
  }
}

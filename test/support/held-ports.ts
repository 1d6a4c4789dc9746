import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * Ports of 127.0.0.1 for programs that have to be told theirs before they listen, or that come back to the one they had.
 * Nobody else gets one before the disposal: each is an end of a connection, and whoever looks for a free port passes it
 * over, while a program that asks for it by its number may listen there (SO_REUSEADDR).
 */
export class HeldPorts implements AsyncDisposable {
  readonly #ends: Socket[] = [];
  // In the end its sockets are reset.
  readonly #server = createServer((socket) => socket.on("error", () => {}));
  #listening: Promise<unknown> | undefined;

  async hold(): Promise<number> {
    this.#listening ??= once(this.#server.listen(0, "127.0.0.1"), "listening");
    await this.#listening;
    const { port } = this.#server.address() as AddressInfo;
    const end = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.1" });
    this.#ends.push(end);
    await once(end, "connect");
    return end.localPort as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) {
      end.resetAndDestroy();
    }
    if (this.#server.listening) {
      this.#server.close();
      await once(this.#server, "close");
    }
  }
}

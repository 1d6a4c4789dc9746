import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A way to a server of datagrams on which some of its answers are lost. */
export class LossyRelay implements AsyncDisposable {
  readonly #front: Socket;
  readonly #backs = new Map<number, Socket>();

  private constructor(front: Socket) {
    this.#front = front;
  }

  /** An answer is lost when `loses` says so at the time that it comes. */
  static async open({ host, port }: { readonly host: string; readonly port: number }, loses: () => boolean) {
    const front = createSocket("udp4");
    front.bind(0, "127.0.0.1");
    await once(front, "listening");
    const relay = new LossyRelay(front);
    front.on("message", (request, from) => {
      const back = relay.#backs.get(from.port) ?? createSocket("udp4");
      if (!relay.#backs.has(from.port)) {
        relay.#backs.set(from.port, back);
        back.on("message", (answer) => {
          if (!loses()) {
            front.send(answer, from.port, from.address);
          }
        });
      }
      back.send(request, port, host);
    });
    return relay;
  }

  get address(): AddressInfo {
    return this.#front.address();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#front, ...this.#backs.values()].map((socket) => socket[Symbol.asyncDispose]()));
  }
}

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Which way bytes go: from the one who connected, or to it. */
export type Direction = "up" | "down";

/** What becomes of one connection. */
export interface Fault {
  /** Lets this many bytes pass in one direction, then breaks the connection both ways. */
  readonly cut?: { readonly direction: Direction; readonly bytes: number; readonly how: "reset" | "end" };
  /** Added to every piece in each direction, in milliseconds. */
  readonly delayMs?: number;
}

/** A TCP proxy that does to its connections what cables, routers and switches do. Disposing closes all of it. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** How many connections there have been. */
  readonly connections: number;
  /** How many bytes have passed, over all connections. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Breaks every connection that there is. */
  cut(how?: "reset" | "end"): void;
  /** Breaks what there is and resets what comes, until it is called with false. */
  refuse(on: boolean): void;
  /** Passes nothing on, and loses nothing, until it is called with false: a cable that is pulled and put back. */
  hold(on: boolean): void;
}

/** What may be on its way in one direction of a delayed connection, in bytes: 100 ms at 300 MB/s. */
const delayedBytes = 32 * 1024 * 1024;

/** Stands in front of `target`, a `host:port`; `faultOf` is asked for every connection by its number, the first is 0. */
export async function openTcpProxy(
  target: string,
  faultOf: (connection: number) => Fault = () => ({}),
): Promise<TcpProxy> {
  const proxy = new FaultyProxy(target, faultOf);
  await proxy.listen();
  return proxy;
}

class FaultyProxy implements TcpProxy {
  readonly passed = { up: 0, down: 0 };
  connections = 0;
  readonly #host: string;
  readonly #port: number;
  readonly #faultOf: (connection: number) => Fault;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  #refusing = false;
  #holding: PromiseWithResolvers<void> | undefined;

  constructor(target: string, faultOf: (connection: number) => Fault) {
    const colon = target.lastIndexOf(":");
    this.#host = target.slice(0, colon);
    this.#port = Number(target.slice(colon + 1));
    this.#faultOf = faultOf;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(how: "reset" | "end" = "reset"): void {
    for (const socket of this.#sockets) {
      if (how === "reset") {
        reset(socket);
      } else {
        socket.destroy();
      }
    }
  }

  refuse(on: boolean): void {
    this.#refusing = on;
    if (on) {
      this.cut();
    }
  }

  hold(on: boolean): void {
    this.#holding?.resolve();
    this.#holding = on ? Promise.withResolvers() : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hold(false);
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      reset(client);
      return;
    }
    const fault = this.#faultOf(this.connections++);
    const peer = connect({ host: this.#host, port: this.#port, noDelay: true });
    const both = [client, peer];
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.#sockets.delete(socket);
        for (const other of both) {
          other.destroy();
        }
      });
    }
    void this.#pass("up", client, peer, fault);
    void this.#pass("down", peer, client, fault);
  }

  /** Order is kept, and what the receiver does not take is not read from the sender. */
  async #pass(direction: Direction, from: Socket, to: Socket, { cut, delayMs }: Fault): Promise<void> {
    let left = cut?.direction === direction ? cut.bytes : Number.POSITIVE_INFINITY;
    let last: Promise<unknown> = Promise.resolve();
    let queued = 0;
    const deliver = async (piece: Buffer, due: number) => {
      if (delayMs !== undefined) {
        await wait(Math.max(0, due - performance.now()));
      }
      await this.#holding?.promise;
      if (!to.destroyed && !to.write(piece)) {
        await Promise.race([once(to, "drain"), once(to, "close")]);
      }
      queued -= piece.length;
    };
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const piece = chunk.subarray(0, left);
        left -= piece.length;
        this.passed[direction] += piece.length;
        const due = performance.now() + (delayMs ?? 0);
        queued += piece.length;
        last = last.then(() => deliver(piece, due));
        if (delayMs === undefined || left === 0 || queued > delayedBytes) {
          await last;
        }
        if (left === 0) {
          this.#break(from, to, cut?.how ?? "reset");
          return;
        }
      }
      await last;
      to.end();
    } catch {
      // Either side broke: its "close" breaks the other.
    }
  }

  #break(from: Socket, to: Socket, how: "reset" | "end"): void {
    for (const socket of [from, to]) {
      if (how === "reset") {
        reset(socket);
      } else {
        socket.end();
      }
    }
  }
}

/**
 * A connection whose end was sent cannot be reset any more: libuv refuses (uv_tcp_close_reset), and Node 26.10 then never
 * closes its handle, so that the process spins when it ends.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { passBytes } from "./faulty-line.ts";
import type { Direction, Fault } from "./line-fault.ts";
import { pseudoRandom, type Random } from "./pseudo-random.ts";
import { reset } from "./reset-socket.ts";

/** A TCP proxy that does to its connections what cables, routers and switches do. Disposing closes all of it. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** How many connections there have been. */
  readonly connections: number;
  /** How many bytes have passed, over all connections. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Leads connections that are made from now on to another `host:port`. */
  lead(target: string): void;
  /** Breaks every connection that there is. */
  cut(how?: "reset" | "end"): void;
  /** Breaks what there is and resets what comes, until it is called with false. */
  refuse(on: boolean): void;
  /** Passes nothing on, in one direction or both, and loses nothing, until it is called with false: a cable that is pulled and put back. */
  hold(on: boolean, direction?: Direction): void;
}

/** Chooses what becomes of a connection, by its number, the first is 0, or by drawing. */
export type FaultOf = (connection: number, random: Random) => Fault;

/** Stands in front of `target`, a `host:port`. The same seed draws the same for the same connection. */
export async function openTcpProxy(target: string, faultOf: FaultOf = () => ({}), seed = 1): Promise<TcpProxy> {
  const proxy = new FaultyProxy(target, faultOf, seed);
  await proxy.listen();
  return proxy;
}

const directions: readonly Direction[] = ["up", "down"];

class FaultyProxy implements TcpProxy {
  readonly passed = { up: 0, down: 0 };
  connections = 0;
  #target: { readonly host: string; readonly port: number };
  readonly #faultOf: FaultOf;
  readonly #seed: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  #refusing = false;
  readonly #held: Record<Direction, PromiseWithResolvers<void> | undefined> = { up: undefined, down: undefined };

  constructor(target: string, faultOf: FaultOf, seed: number) {
    this.#target = placeOf(target);
    this.#faultOf = faultOf;
    this.#seed = seed;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  lead(target: string): void {
    this.#target = placeOf(target);
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

  hold(on: boolean, direction?: Direction): void {
    for (const each of direction === undefined ? directions : [direction]) {
      this.#held[each]?.resolve();
      this.#held[each] = on ? Promise.withResolvers() : undefined;
    }
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
    const random = pseudoRandom(this.#seed + this.connections);
    const fault = this.#faultOf(this.connections, random);
    this.connections += 1;
    const peer = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
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
    const line = (direction: Direction, from: Socket, to: Socket) => ({
      ...{ direction, from, to, fault, random: pseudoRandom(Math.floor(random() * 2 ** 32)) },
      open: async () => this.#held[direction]?.promise,
      passed: (bytes: number) => {
        this.passed[direction] += bytes;
      },
    });
    void passBytes(line("up", client, peer));
    void passBytes(line("down", peer, client));
  }
}

function placeOf(target: string): { readonly host: string; readonly port: number } {
  const colon = target.lastIndexOf(":");
  return { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
}

import { type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { meaningOf } from "#pkg/protocol/connection-loss.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { LiveSession } from "#pkg/protocol/live-session.ts";
import type { Streams } from "#pkg/protocol/streams.ts";

/**
 * The calling end of HTTP/2 on a connection that is there already: a server's to the agent that dialled it, or to another
 * server. It is pinged always, and cannot be made anew. Disposing drops it with everything that is open on it.
 */
export class Tunnel implements Streams, Disposable {
  /** Resolves when the connection is gone, with why. */
  readonly closed: Promise<string>;
  readonly #live: LiveSession;

  /** Owns the socket. `peer` is who is at the other end, for errors. */
  constructor(socket: Socket, peer: string) {
    const session = connect("http://tunnel", {
      createConnection: () => socket,
      maxSessionMemory: limits.tunnel.sessionMegabytes,
      maxOutstandingPings: limits.outstandingPings,
      peerMaxConcurrentStreams: limits.tunnel.concurrentStreams,
      settings: { initialWindowSize: limits.relayWindowBytes, enablePush: false },
    });
    this.#live = new LiveSession(session, socket, { peer, pingWhenIdle: true, pingIntervalMs: limits.pingIntervalMs });
    this.closed = this.#live.closed.then((fault) =>
      fault === undefined ? "the connection was lost" : meaningOf(fault),
    );
  }

  /** True while new streams can be opened. */
  get usable(): boolean {
    return this.#live.usable;
  }

  /** How many streams are open. */
  get openStreams(): number {
    return this.#live.openStreams;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    signal?: AbortSignal,
  ): Promise<ClientHttp2Stream> {
    signal?.throwIfAborted();
    if (!this.#live.usable) {
      throw new DutError("unavailable", "the connection was lost");
    }
    return this.#live.request({ ...headers, ":method": method, ":path": path });
  }

  /** Drops the connection; what is open on it ends with this reason. */
  drop(reason: string): void {
    this.#live.destroy(new DutError("unavailable", reason));
  }

  [Symbol.dispose](): void {
    this.drop("the connection was closed");
  }
}

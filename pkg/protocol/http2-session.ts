import { type ClientHttp2Stream, type ClientSessionOptions, connect, type OutgoingHttpHeaders } from "node:http2";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { type ClientTls, dial } from "./dial.ts";
import { limits } from "./limits.ts";
import { LiveSession } from "./live-session.ts";
import type { Streams } from "./streams.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** The authority of requests to a unix socket, which has no name that HTTP could use. */
const unixAuthority = "http://localhost";

const sessionOptions: ClientSessionOptions = {
  maxSessionMemory: limits.client.sessionMegabytes,
  peerMaxConcurrentStreams: limits.client.concurrentStreams,
};

export interface Http2SessionOptions {
  /** Pings also without an open stream, so that a dead peer is known before it is needed. */
  readonly pingWhenIdle: boolean;
  /** What one stream may have on its way to us, in bytes. */
  readonly streamWindowBytes?: number;
  /** Undefined speaks in clear. */
  readonly tls?: ClientTls | undefined;
}

/**
 * The connection to one peer: opened with the first request, opened again when it was lost, alive by pings. Every
 * request of a program to that peer goes through it, RPC calls and joined streams alike. Disposing drops it with
 * everything that is open on it.
 */
export class Http2Session implements Streams, Disposable {
  readonly #address: Address;
  readonly #pingWhenIdle: boolean;
  readonly #streamWindowBytes: number;
  readonly #tls: ClientTls | undefined;
  readonly #end = new AbortController();
  #current: Promise<LiveSession> | undefined;

  constructor(
    address: Address,
    { pingWhenIdle, streamWindowBytes = limits.streamWindowBytes, tls }: Http2SessionOptions,
  ) {
    this.#address = address;
    this.#tls = tls;
    this.#pingWhenIdle = pingWhenIdle;
    this.#streamWindowBytes = streamWindowBytes;
  }

  /** Opens a stream. Throws unavailable when the peer cannot be reached, and the signal's reason when it aborts first. */
  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    signal?: AbortSignal,
  ): Promise<ClientHttp2Stream> {
    signal?.throwIfAborted();
    const session = await unlessAborted(this.#session(), signal);
    return session.request({ ...headers, ":method": method, ":path": path });
  }

  [Symbol.dispose](): void {
    this.#end.abort(new DutError("canceled", "the connection was closed"));
  }

  async #session(): Promise<LiveSession> {
    for (;;) {
      this.#current ??= this.#open();
      const current = this.#current;
      const session = await current;
      if (session.usable) {
        return session;
      }
      // A peer that says goodbye finishes what is open; what comes now goes over another connection.
      if (this.#current === current) {
        this.#current = undefined;
      }
    }
  }

  async #open(): Promise<LiveSession> {
    const address = this.#address;
    const end = this.#end.signal;
    try {
      const socket = await dial(address, end, this.#tls);
      const session = connect(urlOf(address, this.#tls !== undefined), {
        ...sessionOptions,
        settings: { initialWindowSize: this.#streamWindowBytes, enablePush: false },
        createConnection: () => socket,
      });
      return new LiveSession(session, socket, { peer: formatAddress(address), pingWhenIdle: this.#pingWhenIdle, end });
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }
}

/** The base URL of calls to an address. */
function urlOf(address: Address, secure: boolean): string {
  return address.kind === "unix"
    ? unixAuthority
    : `${secure ? "https" : "http"}://${formatAddress(clientAddress(address))}`;
}

/** For a client an empty host is this machine. */
function clientAddress(address: Address & { kind: "tcp" }): Address {
  return address.host === "" ? { ...address, host: "localhost" } : address;
}

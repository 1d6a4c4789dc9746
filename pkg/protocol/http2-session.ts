import { type ClientHttp2Stream, type ClientSessionOptions, connect, type OutgoingHttpHeaders } from "node:http2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
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
  maxOutstandingPings: limits.outstandingPings,
  peerMaxConcurrentStreams: limits.client.concurrentStreams,
};

export interface Http2SessionOptions {
  /** Pings also without an open stream, so that a dead peer is known before it is needed. */
  readonly pingWhenIdle: boolean;
  /** Some peers take a ping that comes too early for an attack. */
  readonly pingIntervalMs?: number;
  /** What one stream may have on its way to us, in bytes. */
  readonly streamWindowBytes?: number;
  /** Undefined speaks in clear. */
  readonly tls?: ClientTls | undefined;
}

/**
 * The connection to one peer, or to the first of several alike that answers: opened with the first request, opened again when it was lost, alive by pings. Every
 * request of a program to that peer goes through it, RPC calls and joined streams alike. Disposing drops it with
 * everything that is open on it.
 */
export class Http2Session implements Streams, Disposable {
  readonly #addresses: readonly Address[];
  /** Of the one that is tried first: the one that answered last. */
  #first = 0;
  readonly #pingWhenIdle: boolean;
  readonly #pingIntervalMs: number;
  readonly #streamWindowBytes: number;
  readonly #tls: ClientTls | undefined;
  readonly #end = new AbortController();
  #current: Promise<LiveSession> | undefined;

  constructor(
    address: Address | readonly Address[],
    {
      pingWhenIdle,
      pingIntervalMs = limits.pingIntervalMs,
      streamWindowBytes = limits.streamWindowBytes,
      tls,
    }: Http2SessionOptions,
  ) {
    this.#addresses = "kind" in address ? [address] : address;
    this.#tls = tls;
    this.#pingWhenIdle = pingWhenIdle;
    this.#pingIntervalMs = pingIntervalMs;
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
    const count = this.#addresses.length;
    const failures: unknown[] = [];
    for (let turn = 0; turn < count; turn++) {
      const index = (this.#first + turn) % count;
      try {
        const session = await this.#openAt(this.#addresses[index] as Address);
        this.#first = index;
        return session;
      } catch (error) {
        failures.push(error);
        if (!(error instanceof DutError) || error.code !== "unavailable") {
          break;
        }
      }
    }
    this.#current = undefined;
    throw failures.length === 1 ? failures[0] : new DutError("unavailable", failures.map(messageOf).join("; "));
  }

  async #openAt(address: Address): Promise<LiveSession> {
    const end = this.#end.signal;
    const socket = await dial(address, end, this.#tls);
    const session = connect(urlOf(address, this.#tls !== undefined), {
      ...sessionOptions,
      settings: { initialWindowSize: this.#streamWindowBytes, enablePush: false },
      createConnection: () => socket,
    });
    return new LiveSession(session, socket, {
      peer: formatAddress(address),
      pingWhenIdle: this.#pingWhenIdle,
      pingIntervalMs: this.#pingIntervalMs,
      end,
    });
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

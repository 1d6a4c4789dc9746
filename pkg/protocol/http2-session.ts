import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "./address.ts";
import { dial } from "./dial.ts";
import { limits } from "./limits.ts";

/** The authority of requests to a unix socket, which has no name that HTTP could use. */
const unixAuthority = "http://localhost";

const sessionOptions: ClientSessionOptions = {
  maxSessionMemory: limits.sessionMegabytes,
  peerMaxConcurrentStreams: limits.concurrentStreams,
};

export interface Http2SessionOptions {
  /** Pings also without an open stream, so that a dead peer is known before it is needed. */
  readonly pingWhenIdle: boolean;
  /** What one stream may have on its way to us, in bytes. */
  readonly streamWindowBytes?: number;
}

/** The cause of an error about a peer that takes connections and has never said a word. */
export class NeverAnswered extends Error {}

/**
 * The connection to one peer: opened with the first request, opened again when it was lost, alive by pings. Every
 * request of a program to that peer goes through it, RPC calls and joined streams alike. Disposing drops it with
 * everything that is open on it.
 */
export class Http2Session implements Disposable {
  readonly #address: Address;
  readonly #pingWhenIdle: boolean;
  readonly #streamWindowBytes: number;
  readonly #end = new AbortController();
  #current: Promise<LiveSession> | undefined;

  constructor(address: Address, { pingWhenIdle, streamWindowBytes = limits.streamWindowBytes }: Http2SessionOptions) {
    this.#address = address;
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
      const socket = await dial(address, end);
      const session = connect(urlOf(address), {
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

interface Care {
  readonly peer: string;
  readonly pingWhenIdle: boolean;
  /** Drops the session when it aborts. */
  readonly end: AbortSignal;
}

/**
 * A session that is pinged while it has open streams, or always, and dropped when the peer says nothing in time. One
 * that is not pinged and has had no stream for the idle time is closed.
 */
class LiveSession {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #care: Care;
  #openStreams = 0;
  #idleSince = performance.now();
  #leaving = false;

  constructor(session: ClientHttp2Session, socket: Socket, care: Care) {
    this.#session = session;
    this.#socket = socket;
    this.#care = care;
    const drop = () => session.destroy();
    const timer = setInterval(() => this.#look(), limits.pingIntervalMs).unref();
    care.end.addEventListener("abort", drop);
    session.once("connect", () => session.setLocalWindowSize(limits.connectionWindowBytes));
    session.once("goaway", () => {
      this.#leaving = true;
    });
    // The streams and requests of the session report it.
    session.on("error", () => {});
    session.once("close", () => {
      clearInterval(timer);
      care.end.removeEventListener("abort", drop);
    });
  }

  /** True while new streams can be opened. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed;
  }

  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: false });
    this.#openStreams += 1;
    stream.once("close", () => {
      this.#openStreams -= 1;
      this.#idleSince = performance.now();
    });
    return stream;
  }

  #look(): void {
    if (this.#session.destroyed) {
      // Its close event comes when its socket has closed, which a silent peer delays.
      return;
    }
    if (this.#openStreams > 0 || this.#care.pingWhenIdle) {
      this.#ping();
    } else if (performance.now() - this.#idleSince >= limits.idleMs - limits.pingIntervalMs) {
      this.#session.close();
    }
  }

  #ping(): void {
    const heard = this.#socket.bytesRead;
    const seconds = limits.pingTimeoutMs / 1000;
    const patience = setTimeout(() => {
      // An answer that waits behind much data is none that is missing.
      if (this.#socket.bytesRead === heard) {
        const cause = heard === 0 ? { cause: new NeverAnswered() } : {};
        this.#session.destroy(
          new DutError("unavailable", `${this.#care.peer} has said nothing for ${seconds} s`, cause),
        );
      }
    }, limits.pingTimeoutMs).unref();
    this.#session.ping(() => clearTimeout(patience));
  }
}

/** The base URL of calls to an address; TLS is not spoken yet. */
function urlOf(address: Address): string {
  return address.kind === "unix" ? unixAuthority : `http://${formatAddress(clientAddress(address))}`;
}

/** For a client an empty host is this machine. */
function clientAddress(address: Address & { kind: "tcp" }): Address {
  return address.host === "" ? { ...address, host: "localhost" } : address;
}

/** Waits for shared work, which goes on when this wait is aborted. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return work;
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

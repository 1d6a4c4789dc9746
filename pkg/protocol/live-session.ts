import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { limits } from "./limits.ts";

/** The cause of an error about a peer that takes connections and has never said a word. */
export class NeverAnswered extends Error {}

export interface Care {
  readonly peer: string;
  readonly pingWhenIdle: boolean;
  readonly pingIntervalMs: number;
  /** Drops the session when it aborts. */
  readonly end?: AbortSignal;
}

/**
 * A session that is pinged while it has open streams, or always, and dropped when the peer says nothing in time. One
 * that is not pinged and has had no stream for the idle time is closed.
 */
export class LiveSession {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #care: Care;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #openStreams = 0;
  #idleSince = performance.now();
  #leaving = false;

  constructor(session: ClientHttp2Session, socket: Socket, care: Care) {
    this.#session = session;
    this.#socket = socket;
    this.#care = care;
    const drop = () => session.destroy();
    const timer = setInterval(() => this.#look(), care.pingIntervalMs).unref();
    care.end?.addEventListener("abort", drop);
    session.once("connect", () => session.setLocalWindowSize(limits.connectionWindowBytes));
    session.once("goaway", () => {
      this.#leaving = true;
    });
    let fault: Error | undefined;
    session.on("error", (error) => {
      fault = error;
    });
    session.once("close", () => {
      clearInterval(timer);
      care.end?.removeEventListener("abort", drop);
      this.#closed.resolve(fault);
    });
  }

  /** Resolves when the connection is gone, with the fault that ended it if there was one. */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise;
  }

  get openStreams(): number {
    return this.#openStreams;
  }

  /** True while new streams can be opened. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed;
  }

  /** Drops the connection, and everything on it with this error. */
  destroy(error: Error): void {
    this.#session.destroy(error);
    // It would wait for a peer that says nothing.
    this.#socket.destroy();
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
    } else if (performance.now() - this.#idleSince >= limits.idleMs - this.#care.pingIntervalMs) {
      this.#session.close();
    }
  }

  #ping(): void {
    const heard = this.#socket.bytesRead;
    const seconds = limits.pingTimeoutMs / 1000;
    const patience = setTimeout(() => {
      if (this.#session.destroyed) {
        return;
      }
      // An answer that waits behind much data is none that is missing.
      if (this.#socket.bytesRead === heard) {
        const cause = heard === 0 ? { cause: new NeverAnswered() } : {};
        this.destroy(new DutError("unavailable", `${this.#care.peer} has said nothing for ${seconds} s`, cause));
      }
    }, limits.pingTimeoutMs).unref();
    this.#session.ping((error) => {
      // With too many on their way there is none that could be answered, but the peer may be heard.
      if (error === null) {
        clearTimeout(patience);
      }
    });
  }
}

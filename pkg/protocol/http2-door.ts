import { EventEmitter, once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Log } from "#pkg/log/log.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

/** What a peer gets to close its side of a connection that has nothing more to say, in milliseconds. */
const lingerMs = 200;

export interface Http2Options {
  /** From accepting a connection to its first stream. */
  readonly headersMs: number;
  readonly log: Log;
  /** What a peer may do. Default that of a client. */
  readonly allowance?: Allowance;
}

/** What a peer may do over one connection. */
export interface Allowance {
  readonly concurrentStreams: number;
  /** Token bucket of stream resets: burst, and refill per second. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Memory that the session may hold, in megabytes as Node counts it. */
  readonly sessionMegabytes: number;
  /** Stays without a stream, and is pinged also then. */
  readonly lasting: boolean;
}

/** HTTP/2 on sockets that speak it, secured or not, with the limits that Node leaves open. */
export function http2Door(handler: HttpHandler, { headersMs, log, allowance = limits.client }: Http2Options): Door {
  const sessions = new Set<WatchedSession>();
  const server = createServer({
    settings: {
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: allowance.concurrentStreams,
      maxHeaderListSize: limits.headerBytes,
    },
    maxHeaderListPairs: limits.headerCount,
    maxSessionMemory: allowance.sessionMegabytes,
    streamResetBurst: allowance.resetBurst,
    streamResetRate: allowance.resetsPerSecond,
  });
  server.on("request", handler);
  server.on("sessionError", (error) => log.debug("connection failed", { err: error }));
  return {
    admit(socket) {
      if ("alpnProtocol" in socket) {
        // Its first bytes say what it speaks. Node would go by what the handshake agreed on, which may be nothing, or
        // the protocol that the connection was taken over from.
        (socket as TLSSocket).alpnProtocol = "h2";
      }
      server.once("session", (session) => {
        session.setLocalWindowSize(limits.connectionWindowBytes);
        const watched = new WatchedSession(session, socket, { headersMs, log, lasting: allowance.lasting });
        sessions.add(watched);
        session.once("close", () => sessions.delete(watched));
      });
      // Makes the session before it returns.
      server.emit("connection", socket);
    },
    async drain() {
      await Promise.all(Array.from(sessions, (session) => session.drain()));
    },
    close() {
      for (const { session } of sessions) {
        session.destroy();
      }
    },
  };
}

/**
 * A session that is pinged while it has open streams, or always, and dropped when the peer does not answer, so that a
 * client whose cable was pulled does not hold its device. One that has had no stream for the idle time is closed, unless
 * it is to last; the first stream has to come within the time for headers.
 */
class WatchedSession {
  readonly session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #lasting: boolean;
  #openStreams = 0;
  #idleSince: number;
  #pingedAt: number | undefined;
  readonly #quiet = new EventEmitter<{ idle: [] }>();

  constructor(
    session: ServerHttp2Session,
    socket: Socket,
    { headersMs, log, lasting }: { headersMs: number; log: Log; lasting: boolean },
  ) {
    this.session = session;
    this.#socket = socket;
    this.#log = log;
    this.#lasting = lasting;
    this.#idleSince = performance.now() - limits.idleMs + headersMs;
    session.on("stream", (stream) => {
      this.#openStreams += 1;
      stream.once("close", () => {
        this.#openStreams -= 1;
        this.#idleSince = performance.now();
        if (this.#openStreams === 0) {
          this.#quiet.emit("idle");
        }
      });
    });
    const timer = setInterval(() => this.#look(), Math.min(limits.pingIntervalMs, headersMs)).unref();
    session.once("close", () => clearInterval(timer));
  }

  /** Tells the peer to open no more streams, waits for the open ones, and closes the connection. */
  async drain(): Promise<void> {
    const closed = once(this.session, "close");
    this.session.close();
    if (this.#openStreams > 0) {
      await Promise.race([once(this.#quiet, "idle"), closed]);
    }
    // A session that was told to close waits for its peer, and for a header block that the peer never ends.
    const linger = setTimeout(() => this.#socket.destroy(), lingerMs);
    await closed;
    clearTimeout(linger);
  }

  #look(): void {
    const now = performance.now();
    if (this.#openStreams === 0 && !this.#lasting) {
      this.#pingedAt = undefined;
      if (now - this.#idleSince >= limits.idleMs) {
        void this.drain();
      }
    } else if (this.#pingedAt === undefined) {
      this.#pingedAt = now;
      this.session.ping(() => {
        this.#pingedAt = undefined;
      });
    } else if (now - this.#pingedAt >= limits.pingTimeoutMs) {
      this.#log.warn("peer does not answer, connection dropped", { remote: this.#socket.remoteAddress });
      this.#socket.destroy();
    }
  }
}

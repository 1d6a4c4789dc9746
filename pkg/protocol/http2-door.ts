import { EventEmitter, once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Log } from "#pkg/log/log.ts";
import { type LimitName, limitNames } from "#pkg/metrics/limit-names.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import type { Guest } from "./connection-budget.ts";
import { Http2Guard } from "./http2-guard.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

/** What a peer gets to close its side of a connection that has nothing more to say, in milliseconds. */
const lingerMs = 200;
/** How often a session is looked at, in milliseconds. */
const lookMs = 1_000;
/**
 * A peer that has sent so much since it was pinged is there, and its answer waits behind what is on its way: one ping frame of
 * its own (RFC 9113, section 6.7), in bytes.
 */
const lifeBytes = 17;

export interface Http2Options {
  /** From accepting a connection to its first stream. */
  readonly headersMs: number;
  readonly log: Log;
  /** Default none. */
  readonly metrics?: Metrics;
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
export function http2Door(handler: HttpHandler, options: Http2Options): Door {
  const { log, metrics = noMetrics, allowance = limits.client } = options;
  const sessions = new Set<WatchedSession>();
  const server = createServer({
    maxOutstandingPings: limits.outstandingPings,
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
    admit(socket, guest) {
      if ("alpnProtocol" in socket) {
        // Its first bytes say what it speaks. Node would go by what the handshake agreed on, which may be nothing, or
        // the protocol that the connection was taken over from.
        (socket as TLSSocket).alpnProtocol = "h2";
      }
      server.once("session", (session) => {
        session.setLocalWindowSize(limits.connectionWindowBytes);
        const watched = new WatchedSession(session, socket, { ...options, metrics, allowance, guest });
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

interface Watching {
  readonly headersMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly allowance: Allowance;
  readonly guest: Guest | undefined;
}

/**
 * A session that is pinged while it has open streams, or always, and dropped when the peer does not answer, so that a
 * client whose cable was pulled does not hold its device. One without a stream is pinged when something has come over it:
 * a peer that stopped in the middle of a header block cannot answer. One that has had no stream for the idle time is
 * closed, unless it is to last; the first stream has to come within the time for headers.
 */
class WatchedSession {
  readonly session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #watching: Watching;
  #openStreams = 0;
  #idleSince: number;
  /** What had come when the peer was pinged, and when; undefined when it has answered. */
  #pinged: { readonly at: number; readonly heard: number } | undefined;
  #answeredAt = performance.now();
  /** What had come when it answered last. */
  #heard = 0;
  readonly #quiet = new EventEmitter<{ idle: [] }>();

  constructor(session: ServerHttp2Session, socket: Socket, watching: Watching) {
    this.session = session;
    this.#socket = socket;
    this.#watching = watching;
    const { headersMs, metrics, allowance, guest } = watching;
    this.#idleSince = performance.now() - limits.idleMs + headersMs;
    session.on("stream", (stream) => {
      guest?.spoke();
      const counted = metrics.open("streams");
      this.#openStreams += 1;
      stream.once("close", () => {
        counted[Symbol.dispose]();
        this.#openStreams -= 1;
        this.#idleSince = performance.now();
        if (this.#openStreams === 0) {
          this.#quiet.emit("idle");
        }
      });
    });
    const guard = new Http2Guard({
      session,
      socket,
      resetBurst: allowance.resetBurst,
      onAbuse: (limit) => {
        guest?.abused();
        this.#tell(limit);
      },
    });
    const look = () => {
      guard.look();
      this.#look();
    };
    const timer = setInterval(look, Math.min(lookMs, headersMs)).unref();
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
    if (this.session.destroyed) {
      return;
    }
    const now = performance.now();
    if (this.#pinged !== undefined) {
      this.#await(this.#pinged, now);
    } else if (this.#openStreams > 0 || this.#watching.allowance.lasting) {
      if (now - this.#answeredAt >= limits.pingIntervalMs) {
        this.#ping(now);
      }
    } else if (now - this.#idleSince >= limits.idleMs) {
      void this.drain();
    } else if (this.#socket.bytesRead !== this.#heard) {
      this.#ping(now);
    }
  }

  #ping(now: number): void {
    this.#pinged = { at: now, heard: this.#socket.bytesRead };
    this.session.ping((error) => {
      if (error !== null) {
        // Too many wait for their answers, or the session is over.
        return;
      }
      this.#pinged = undefined;
      this.#answeredAt = performance.now();
      this.#heard = this.#socket.bytesRead;
    });
  }

  #await({ at, heard }: { readonly at: number; readonly heard: number }, now: number): void {
    if (now - at < limits.pingIntervalMs) {
      return;
    }
    if (this.#socket.bytesRead - heard >= lifeBytes) {
      // The answer waits behind much that is on its way. The next ping tells the peer that we live, whose own waits there too.
      this.#ping(now);
    } else if (now - at >= limits.pingTimeoutMs) {
      this.#tell("unanswered_ping");
      this.#socket.destroy();
    }
  }

  #tell(limit: LimitName): void {
    const { metrics, log } = this.#watching;
    metrics.limitHit(limit);
    log.warn(`connection dropped: ${limitNames[limit]}`, { remote: this.#socket.remoteAddress });
  }
}

import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Log } from "#pkg/log/log.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

/** HTTP/2 in clear with prior knowledge, with the limits that Node leaves open. */
export function http2Door(handler: HttpHandler, log: Log): Door {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    settings: {
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: limits.concurrentStreams,
      maxHeaderListSize: limits.headerBytes,
    },
    maxHeaderListPairs: limits.headerCount,
    maxSessionMemory: limits.sessionMegabytes,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
  });
  server.on("request", handler);
  server.on("sessionError", (error) => log.debug("connection failed", { err: error }));
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(limits.connectionWindowBytes);
    const watch = keepAlive(session, log);
    session.once("close", () => {
      sessions.delete(session);
      clearInterval(watch);
    });
  });
  return {
    admit: (socket) => void server.emit("connection", socket),
    async drain() {
      await Promise.all(
        Array.from(sessions, async (session) => {
          session.close();
          if (!session.destroyed) {
            await once(session, "close");
          }
        }),
      );
    },
    close() {
      for (const session of sessions) {
        session.destroy();
      }
    },
  };
}

/**
 * Pings a session that has open streams and drops it when the peer does not answer, so that a client whose cable was
 * pulled does not hold its device. Closes a session that has had no stream for the idle time; the first stream has to
 * come within the time for headers.
 */
function keepAlive(session: ServerHttp2Session, log: Log): NodeJS.Timeout {
  let openStreams = 0;
  let idleSince = performance.now() - limits.idleMs + limits.headersMs;
  let pinged: number | undefined;
  session.on("stream", (stream) => {
    openStreams += 1;
    stream.once("close", () => {
      openStreams -= 1;
      idleSince = performance.now();
    });
  });
  const look = () => {
    const now = performance.now();
    if (openStreams === 0) {
      pinged = undefined;
      if (now - idleSince >= limits.idleMs) {
        session.close();
      }
    } else if (pinged === undefined) {
      pinged = now;
      session.ping(() => {
        pinged = undefined;
      });
    } else if (now - pinged >= limits.pingTimeoutMs) {
      log.warn("peer does not answer, connection dropped", { remote: session.socket?.remoteAddress });
      session.destroy();
    }
  };
  return setInterval(look, limits.pingIntervalMs).unref();
}

import { createServer, type IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log } from "#pkg/log/log.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import { type OwnPlace, refuseBrowser } from "./browser-guard.ts";
import { type Guest, uncounted } from "./connection-budget.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

/**
 * Takes a connection over that asked for another protocol: answers the request, and owns the socket from now on. The
 * connection counts among those that have made no request until the guest is told what it is.
 */
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer, guest: Guest) => void;

export interface Http1Options {
  readonly place: OwnPlace;
  readonly headersMs: number;
  readonly log: Log;
  /** Default none. */
  readonly metrics?: Metrics;
  /** By the name in the Upgrade header. A request for any other is answered in HTTP/1.1. */
  readonly upgrades: Readonly<Record<string, Upgrade>>;
}

/** HTTP/1.1 for curl, scripts and probes: JSON calls, gRPC-Web and Connect, but nothing that a web page could send. */
export function http1Door(
  handler: HttpHandler,
  { place, headersMs, log, metrics = noMetrics, upgrades }: Http1Options,
): Door {
  const guests = new WeakMap<Duplex, Guest>();
  const upgradeOf = ({ headers: { upgrade = "" } }: IncomingMessage) =>
    Object.hasOwn(upgrades, upgrade) ? upgrades[upgrade] : undefined;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(headersMs, limits.headersMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: headersMs,
      connectionsCheckingInterval: headersMs / 10,
      shouldUpgradeCallback: (request) => upgradeOf(request) !== undefined,
    },
    (request, response) => {
      guests.get(request.socket)?.spoke();
      const refusal = refuseBrowser(
        {
          method: request.method ?? "",
          host: request.headers.host,
          origin: request.headers.origin,
          contentType: request.headers["content-type"],
        },
        place,
      );
      if (refusal === undefined) {
        handler(request, response);
        return;
      }
      log.warn("request refused", { reason: refusal.reason, remote: request.socket.remoteAddress });
      response.writeHead(refusal.status, { "content-type": "application/json", connection: "close" });
      response.end(`${JSON.stringify({ code: "permission_denied", message: refusal.reason })}\n`);
    },
  );
  server.on("upgrade", (request, socket, head) => {
    upgradeOf(request)?.(request, socket as Socket, head, guests.get(socket) ?? uncounted);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers[error.code ?? ""] ?? (error.code?.startsWith("HPE_") === true ? badRequest : undefined);
    if (answer === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    metrics.limitHit("http1_request");
    log.warn("connection closed: not a request of HTTP", { remote: remoteOf(socket), reason: error.code });
    socket.end(`HTTP/1.1 ${answer}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
  });
  server.maxHeadersCount = limits.headerCount;
  // The time limits of node:http are checked by a timer that starts with "listening", which a server without a port of
  // its own never emits.
  server.emit("listening");
  return {
    admit(socket, guest) {
      if (guest !== undefined) {
        guests.set(socket, guest);
      }
      server.emit("connection", socket);
      socket.resume();
    },
    async drain() {
      server.closeIdleConnections();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      await promise;
    },
    close: () => server.closeAllConnections(),
  };
}

const badRequest = "400 Bad Request";

/** What is answered to what is no request, or not a whole one in time, by Node's code. */
const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function remoteOf(socket: Duplex): string | undefined {
  return socket instanceof Socket ? socket.remoteAddress : undefined;
}

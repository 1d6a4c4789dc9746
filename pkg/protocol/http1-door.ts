import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "#pkg/log/log.ts";
import { type OwnPlace, refuseBrowser } from "./browser-guard.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

/** Takes a connection over that asked for another protocol: answers the request, and owns the socket from now on. */
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

export interface Http1Options {
  readonly place: OwnPlace;
  readonly headersMs: number;
  readonly log: Log;
  /** By the name in the Upgrade header. A request for any other is answered in HTTP/1.1. */
  readonly upgrades: Readonly<Record<string, Upgrade>>;
}

/** HTTP/1.1 for curl, scripts and probes: JSON calls, gRPC-Web and Connect, but nothing that a web page could send. */
export function http1Door(handler: HttpHandler, { place, headersMs, log, upgrades }: Http1Options): Door {
  const upgradeOf = ({ headers: { upgrade = "" } }: IncomingMessage) =>
    Object.hasOwn(upgrades, upgrade) ? upgrades[upgrade] : undefined;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: headersMs,
      connectionsCheckingInterval: headersMs / 10,
      shouldUpgradeCallback: (request) => upgradeOf(request) !== undefined,
    },
    (request, response) => {
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
  server.on("upgrade", (request, socket, head) => upgradeOf(request)?.(request, socket as Socket, head));
  server.maxHeadersCount = limits.headerCount;
  // The time limits of node:http are checked by a timer that starts with "listening", which a server without a port of
  // its own never emits.
  server.emit("listening");
  return {
    admit(socket) {
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

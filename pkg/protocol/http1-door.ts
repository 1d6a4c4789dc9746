import { createServer } from "node:http";
import type { Log } from "#pkg/log/log.ts";
import type { Address } from "./address.ts";
import { refuseBrowser } from "./browser-guard.ts";
import { limits } from "./limits.ts";
import type { Door } from "./listener.ts";
import type { HttpHandler } from "./rpc-handler.ts";

export interface Http1Options {
  readonly address: Address;
  readonly headersMs: number;
  readonly log: Log;
}

/** HTTP/1.1 for curl, scripts and probes: JSON calls, gRPC-Web and Connect, but nothing that a web page could send. */
export function http1Door(handler: HttpHandler, { address, headersMs, log }: Http1Options): Door {
  const listenHost = address.kind === "tcp" ? address.host : "localhost";
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: headersMs,
      connectionsCheckingInterval: headersMs / 10,
    },
    (request, response) => {
      const refusal = refuseBrowser(
        {
          method: request.method ?? "",
          host: request.headers.host,
          origin: request.headers.origin,
          contentType: request.headers["content-type"],
        },
        listenHost,
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

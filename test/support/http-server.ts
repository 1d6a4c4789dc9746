import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or with https `https://localhost:PORT`. */
  readonly url: string;
  /** Connections that are open now. */
  connections(): Promise<number>;
}

/** An HTTP server of a test on loopback. Disposing cuts its connections. */
export async function httpServer(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  tls?: { readonly cert: string; readonly key: string },
): Promise<HttpServer> {
  const listener: RequestListener = (request, response) => void answer(request, response);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, tls === undefined ? "127.0.0.1" : "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

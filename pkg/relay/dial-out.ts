import type { Log } from "#pkg/log/log.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import { http2Door } from "#pkg/protocol/http2-door.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { upgrade, upgrades } from "./upgrade.ts";

export interface DialOutOptions {
  readonly tls: ClientTls | undefined;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Counts the connection among the sessions, and what goes on over it. Default none. */
  readonly metrics?: Metrics | undefined;
}

/** A connection that this program opened and on which it is called. Disposing drops it. */
export interface DialledOut extends Disposable {
  /** Resolves when it is gone. */
  readonly closed: Promise<void>;
  /** Lets the open calls end and takes no more. Resolves when the connection is gone. */
  drain(): Promise<void>;
}

/** Dials a server and serves it. Throws as `upgrade` does. */
export async function dialOut(
  server: Address,
  handler: HttpHandler,
  { tls, signal, log, metrics = noMetrics }: DialOutOptions,
): Promise<DialledOut> {
  const socket = await upgrade(server, upgrades.agent, { tls, signal });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const counted = new DisposableStack();
  counted.use(metrics.open("sessions"));
  counted.use(metrics.connection(socket));
  socket.once("close", () => {
    counted.dispose();
    resolve();
  });
  socket.on("error", (error) => log.debug("connection failed", { err: error }));
  const door = http2Door(handler, { headersMs: limits.headersMs, log, metrics, allowance: limits.tunnel });
  door.admit(socket);
  return {
    closed,
    drain: () => door.drain(),
    [Symbol.dispose]: () => {
      door.close();
      socket.destroy();
    },
  };
}

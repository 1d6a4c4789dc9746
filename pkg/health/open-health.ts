import type { ConnectRouter } from "@connectrpc/connect";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import { openPrometheus } from "#pkg/metrics/prometheus.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { listen } from "#pkg/protocol/listener.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { healthRoutes } from "./health-service.ts";
import { onlyProbes, withProbes } from "./probes.ts";
import { Readiness } from "./readiness.ts";

/** How a daemon fares, and where that is shown. Disposing closes the listener of its own. */
export interface Health extends AsyncDisposable {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** The handler with /healthz, /readyz and /metrics before it. */
  before(handler: HttpHandler): HttpHandler;
  /** grpc.health.v1 for the services of the program, by their full names. */
  routes(services: readonly string[]): (router: ConnectRouter) => void;
}

export interface HealthOptions {
  readonly program: "dutagent" | "dutserver";
  /** Answers the three there too, in the clear and nothing else; undefined has no such listener. */
  readonly address: Address | undefined;
  readonly log: Log;
}

/** Resolves with undefined after logging why the listener could not be had. */
export async function openHealth({ program, address, log }: HealthOptions): Promise<Health | undefined> {
  await using open = new AsyncDisposableStack();
  const metrics = open.use(openPrometheus(program));
  const readiness = new Readiness();
  const before = (handler: HttpHandler) => withProbes(handler, { readiness, metrics, log });
  if (address !== undefined) {
    // Whoever reaches it learns how much is done here and can do nothing.
    try {
      const listener = open.use(await listen(address, before(onlyProbes), { log, insecure: true, anyHost: true }));
      log.info("health listening", { addr: formatAddress(listener.address) });
    } catch (error) {
      log.error("cannot listen", { addr: formatAddress(address), err: explain(error) });
      return undefined;
    }
  }
  const release = open.move();
  return {
    metrics,
    readiness,
    before,
    routes: (services) => healthRoutes(readiness, services),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { runExchange, runMethods } from "#pkg/relay/run-request.ts";
import type { Inventory } from "./inventory/inventory.ts";
import type { Registry } from "./registry.ts";
import { relayRun } from "./relay-run.ts";
import { RunBudget, type RunLimits, usualRunLimits } from "./run-budget.ts";
import { deviceRoutes } from "./services/devices.ts";
import { labRoutes } from "./services/lab.ts";

/** What a server answers with. */
export interface Answering {
  readonly registry: Registry;
  readonly inventory: Inventory;
  readonly log: Log;
  /** Default none. */
  readonly metrics?: Metrics;
  /** Default usualRunLimits. */
  readonly runLimits?: RunLimits;
  /** Routes besides those of our protocols. */
  readonly routes?: (router: ConnectRouter) => void;
}

/** Runs are joined as streams; everything else is answered as a call. A run over HTTP/1.1 is refused by the call's rules. */
export function serverHandler({ registry, inventory, log, ...others }: Answering): HttpHandler {
  const { metrics = noMetrics, runLimits = usualRunLimits, routes: more } = others;
  const rpcLog = log.with({ scope: "rpc" });
  const routes = rpcHandler(
    (router) => {
      deviceRoutes(registry, log)(router);
      labRoutes(registry, inventory, rpcLog)(router);
      more?.(router);
    },
    { self: "dutserver", log: rpcLog, metrics },
  );
  const relayLog = log.with({ scope: "relay" });
  const budget = new RunBudget(runLimits, metrics);
  const relaying = { registry, budget, metrics, log: relayLog, refusals: sparing(relayLog) };
  return (request, response) => {
    const run = runExchange(request, response, runMethods);
    if (run === undefined) {
      routes(request, response);
    } else {
      void relayRun(relaying, run);
    }
  };
}

import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { runExchange, runMethods } from "#pkg/relay/run-request.ts";
import { relayRun } from "./relay-run.ts";
import { deviceRoutes, type Served } from "./services/devices.ts";
import { labRoutes } from "./services/lab.ts";

export interface Answering {
  readonly log: Log;
  /** Default none. */
  readonly metrics?: Metrics;
  /** Routes besides those of our protocols. */
  readonly routes?: (router: ConnectRouter) => void;
}

/** Runs are joined as streams; everything else is answered as a call. A run over HTTP/1.1 is refused by the call's rules. */
export function serverHandler(served: Served, { log, metrics = noMetrics, routes: more }: Answering): HttpHandler {
  const { reach, inventory, budget } = served;
  const rpcLog = log.with({ scope: "rpc" });
  const routes = rpcHandler(
    (router) => {
      deviceRoutes(served)(router);
      labRoutes(reach, inventory, rpcLog)(router);
      more?.(router);
    },
    { self: "dutserver", log: rpcLog, metrics },
  );
  const relayLog = log.with({ scope: "relay" });
  const relaying = { reach, budget, metrics, log: relayLog, refusals: sparing(relayLog) };
  return (request, response) => {
    const run = runExchange(request, response, runMethods);
    if (run === undefined) {
      routes(request, response);
    } else {
      void relayRun(relaying, run);
    }
  };
}

import type { Log } from "#pkg/log/log.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { runExchange, runMethods } from "#pkg/relay/run-request.ts";
import type { Inventory } from "./inventory/inventory.ts";
import type { Registry } from "./registry.ts";
import { relayRun } from "./relay-run.ts";
import { deviceRoutes } from "./services/devices.ts";
import { labRoutes } from "./services/lab.ts";

/** Runs are joined as streams; everything else is answered as a call. A run over HTTP/1.1 is refused by the call's rules. */
export function serverHandler(registry: Registry, inventory: Inventory, log: Log): HttpHandler {
  const rpcLog = log.with({ scope: "rpc" });
  const routes = rpcHandler(
    (router) => {
      deviceRoutes(registry, log)(router);
      labRoutes(registry, inventory, rpcLog)(router);
    },
    { self: "dutserver", log: rpcLog },
  );
  const relayLog = log.with({ scope: "relay" });
  return (request, response) => {
    const run = runExchange(request, response, runMethods);
    if (run === undefined) {
      routes(request, response);
    } else {
      void relayRun(registry, run, relayLog);
    }
  };
}

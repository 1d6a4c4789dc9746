import type { Log } from "#pkg/log/log.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { runExchange, runMethods } from "#pkg/relay/run-request.ts";
import { relayRun } from "./relay-run.ts";
import { deviceRoutes, type Served } from "./services/devices.ts";
import { labRoutes } from "./services/lab.ts";

/** Runs are joined as streams; everything else is answered as a call. A run over HTTP/1.1 is refused by the call's rules. */
export function serverHandler(lab: Served, log: Log): HttpHandler {
  const { reach, inventory, runs } = lab;
  const rpcLog = log.with({ scope: "rpc" });
  const routes = rpcHandler(
    (router) => {
      deviceRoutes(lab)(router);
      labRoutes(reach, inventory, rpcLog)(router);
    },
    { self: "dutserver", log: rpcLog },
  );
  const relayLog = log.with({ scope: "relay" });
  return (request, response) => {
    const run = runExchange(request, response, runMethods);
    if (run === undefined) {
      routes(request, response);
    } else {
      void relayRun({ reach, runs }, run, relayLog);
    }
  };
}

import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { refuseRun, runExchange, runMethods, subjectOf } from "#pkg/relay/run-request.ts";

/**
 * A run may send whole files, but it begins with a small message: that one is looked at before the RPC library reads the
 * stream, so that nobody makes the agent keep large messages without having a device.
 */
export function agentHandler(routes: HttpHandler, log: Log): HttpHandler {
  const refusals = sparing(log);
  return (request, response) => {
    const run = runExchange(request, response, runMethods);
    if (run === undefined) {
      routes(request, response);
    } else {
      void subjectOf(run).then(
        () => routes(request, response),
        (error: unknown) => refuseRun(run, error, "agent", refusals),
      );
    }
  };
}

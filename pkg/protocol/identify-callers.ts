import { callerNamed, refuseTakeover } from "#pkg/auth/admission.ts";
import { peerOf } from "#pkg/auth/peer.ts";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { denyRequest } from "./deny-request.ts";
import { fromHeader, fromHeaderValue, nameIn } from "./headers.ts";
import type { Upgrade } from "./http1-door.ts";
import type { HttpHandler } from "./rpc-handler.ts";
import { sayFarewell } from "./tls/farewell.ts";

/**
 * Lets a handler see in the From header what the caller's certificate says, and refuses what that is not for. Callers without
 * a certificate are who they say.
 */
export function identifyCallers(handler: HttpHandler, log: Log): HttpHandler {
  return (request, response) => {
    if ("stream" in request && request.stream.session === undefined) {
      // Reset before its turn came: who it was of is not known any more.
      return;
    }
    const { headers, socket, url = "" } = request;
    const path = url.split("?", 1)[0] ?? "";
    try {
      const caller = callerNamed(peerOf(socket), { path, from: nameIn(headers[fromHeader]) });
      if (caller !== "") {
        headers[fromHeader] = fromHeaderValue(caller);
      }
    } catch (error) {
      if (!(error instanceof DutError)) {
        throw error;
      }
      log.warn("request refused", { reason: error.message, remote: socket.remoteAddress, path });
      denyRequest(request, response, error);
      return;
    }
    handler(request, response);
  };
}

/** Hands a connection over unless the peer's certificate is not for that. */
export function identifyTakers(protocol: string, upgrade: Upgrade, log: Log): Upgrade {
  return (request, socket, head, guest) => {
    try {
      refuseTakeover(peerOf(socket), protocol);
    } catch (error) {
      const reason = explain(error);
      log.warn("request refused", { reason, remote: socket.remoteAddress, path: request.url });
      sayFarewell(socket, "http1", 403, reason);
      return;
    }
    upgrade(request, socket, head, guest);
  };
}

import type { HandlerContext } from "@connectrpc/connect";
import type { CallOptions, Clients } from "#pkg/protocol/client.ts";
import { fromHeader, versionHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { calleeFault } from "../agents/callee-fault.ts";
import type { Reach } from "../reach.ts";

/** A unary call of a client at the one of an agent: `forwarded((agent) => agent.devices.commands)`. */
export type Forwarding = <Request extends { readonly device: string }, Response>(
  callOf: (agent: Clients) => (request: Request, options: CallOptions) => Promise<Response>,
) => (request: Request, context: HandlerContext) => Promise<Response>;

/** Forwards calls to the agent that has their device. The agent's errors pass as they are. */
export function forwarding(reach: Reach): Forwarding {
  return (callOf) => async (request, context) => {
    const { callee } = reach.calleeOf(request.device);
    try {
      return await callOf(callee.clients)(request, asMade(context));
    } catch (error) {
      throw calleeFault(reach.server, callee, error);
    }
  };
}

/** A call is repeated as the client made it: who calls, with which version, and until when. */
function asMade(context: HandlerContext): CallOptions {
  const headers: Record<string, string> = {};
  for (const name of [fromHeader, versionHeader]) {
    const value = context.requestHeader.get(name);
    if (value !== null) {
      headers[name] = value;
    }
  }
  return {
    headers,
    signal: context.signal,
    timeoutMs: Math.min(context.timeoutMs() ?? limits.unaryMs, limits.unaryMs),
    onHeaders(answered) {
      const version = answered[versionHeader];
      if (version !== undefined) {
        context.responseHeader.set(versionHeader, version.toString());
      }
    },
  };
}

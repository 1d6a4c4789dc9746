import type { HandlerContext } from "@connectrpc/connect";
import type { CallOptions, Connection } from "#pkg/protocol/client.ts";
import { fromHeader, versionHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { agentFault } from "../agent-fault.ts";
import type { Registry } from "../registry.ts";

/** A unary call of a client at the one of an agent: `forwarded((agent) => agent.devices.commands)`. */
export type Forwarding = <Request extends { readonly device: string }, Response>(
  callOf: (agent: Connection) => (request: Request, options: CallOptions) => Promise<Response>,
) => (request: Request, context: HandlerContext) => Promise<Response>;

/** Forwards calls to the agent that has their device. The agent's errors pass as they are. */
export function forwarding(registry: Registry): Forwarding {
  return (callOf) => async (request, context) => {
    const agent = registry.agentOf(request.device);
    try {
      return await callOf(agent.connection)(request, asMade(context));
    } catch (error) {
      throw agentFault(agent, error);
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

import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import type { CallOptions } from "#pkg/protocol/client.ts";
import { DeviceService, RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { fromHeader, versionHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { agentFault } from "./agent-fault.ts";
import type { Agent, Registry } from "./registry.ts";

/**
 * What the server answers itself: its list and the registrations, and the unary calls that it forwards. A run is
 * forwarded below the level of calls; Lock and Unlock are answered with unimplemented.
 */
export function serverRoutes(registry: Registry, log: Log): (router: ConnectRouter) => void {
  return (router) => {
    router.service(DeviceService, {
      list: () => ({ devices: registry.devices.map((name) => ({ name })) }),
      commands: (request, context) =>
        forward(registry.agentOf(request.device), context, (agent, options) =>
          agent.connection.devices.commands(request, options),
        ),
      details: (request, context) =>
        forward(registry.agentOf(request.device), context, (agent, options) =>
          agent.connection.devices.details(request, options),
        ),
    });
    router.service(RelayService, {
      async register({ devices, address }) {
        await registry.register(devices, address);
        log.info("agent registered", { scope: "registry", address, devices });
        return {};
      },
    });
  };
}

/** Repeats a call at the agent as the client made it: who calls, with which version, and until when. */
async function forward<T>(
  agent: Agent,
  context: HandlerContext,
  call: (agent: Agent, options: CallOptions) => Promise<T>,
): Promise<T> {
  const headers: Record<string, string> = {};
  for (const name of [fromHeader, versionHeader]) {
    const value = context.requestHeader.get(name);
    if (value !== null) {
      headers[name] = value;
    }
  }
  try {
    return await call(agent, {
      headers,
      signal: context.signal,
      timeoutMs: Math.min(context.timeoutMs() ?? limits.unaryMs, limits.unaryMs),
      onHeaders(answered) {
        const version = answered[versionHeader];
        if (version !== undefined) {
          context.responseHeader.set(versionHeader, version.toString());
        }
      },
    });
  } catch (error) {
    throw agentFault(agent, error);
  }
}

import { clientsOver } from "#pkg/protocol/client.ts";
import type { Tunnel } from "#pkg/relay/tunnel.ts";
import { type Agent, titleOf } from "./callee.ts";

/**
 * An agent over the connection that it made. All its runs share that one: Node gives back the connection's window as it
 * receives, so a client that does not read holds up its own stream and no other.
 */
export function dialledAgent(name: string, tunnel: Tunnel): Agent {
  return {
    name,
    title: titleOf(name),
    clients: clientsOver(tunnel, { identity: undefined }),
    openForRun: () => ({
      request: (...request) => tunnel.request(...request),
      [Symbol.dispose]() {},
    }),
  };
}

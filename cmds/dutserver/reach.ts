import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Callee, titleOf } from "./agents/callee.ts";
import type { Peers } from "./cluster/peers.ts";
import type { Scope } from "./inventory/inventory.ts";
import type { Registry } from "./registry/registry.ts";

/**
 * Whom a caller reaches through this server. Clients reach the whole lab; another server reaches the agents that are here
 * and no others, so that no call is passed on twice.
 */
export interface Reach {
  readonly scope: Scope;
  /** This server, as errors name it. */
  readonly server: string;
  /** Everybody who can be asked now. */
  readonly callees: readonly Callee[];
  /** Throws not_found, and unavailable with the reason for a device that is offline. */
  calleeOf(device: string): Found;
}

/** Who answers for a device. */
export interface Found {
  readonly callee: Callee;
  /** The name of its agent. */
  readonly agent: string;
  /** The agent is at this server, and not at the one that answers for it. */
  readonly isHere: boolean;
}

export function reachOf(
  scope: Scope,
  { registry, peers, server }: { readonly registry: Registry; readonly peers: Peers; readonly server: () => string },
): Reach {
  return {
    scope,
    get server() {
      return server();
    },
    get callees() {
      return scope === "here" ? registry.here : [...registry.here, ...peers.callees];
    },
    calleeOf(name) {
      const { agent } = registry.deviceOf(name);
      const place = registry.placeOf(agent);
      if (place.kind === "here") {
        return { callee: place.agent, agent, isHere: true };
      }
      if (place.kind === "elsewhere" && scope === "lab") {
        return { callee: peers.calleeOf(place.server), agent, isHere: false };
      }
      const why =
        place.kind === "offline"
          ? `is offline since ${new Date(place.since).toISOString()}: ${titleOf(agent)}: ${place.reason}`
          : `is not at this server: ${titleOf(agent)} has gone elsewhere`;
      throw new DutError("unavailable", `${server()}: device ${quote(name)} ${why}`);
    },
  };
}

import type { TestContext } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import type { Store } from "#pkg/store/store.ts";
import type { Agent } from "../agents/callee.ts";
import type { Arrival, Attached } from "../registry/agent-book.ts";
import { Registry } from "../registry/registry.ts";

/** The registry of a server by its id, with a store that others may have too. */
export function registryAt(t: TestContext, self: string, store: Store, now = () => 1_000): Promise<Registry> {
  return Registry.open({
    ...{ store, self, log: silentLog, signal: t.signal, now },
    failed: (error) => {
      throw error;
    },
  });
}

/** What an agent says that dials in; one whose key is empty registers its name as its address. */
export function arrival(name: string, devices: readonly string[], key = `key of ${name}`): Arrival {
  const facts = devices.map((device) => ({ name: device, description: "", labels: {} }));
  const address = key === "" ? name : "";
  return { name, key, address, version: "1", bootId: "boot", fence: 0, devices: facts };
}

/** An agent's presence, with what it was told. */
export function presence(name: string) {
  const told: string[] = [];
  const { promise: review, resolve: reviewed } = Promise.withResolvers<Attached>();
  const agent = { name, title: name } as Agent;
  return {
    agent,
    told,
    /** Resolves with what it is told when names have changed hands, or when the store has heard of it. */
    review,
    superseded: (reason: string) => void told.push(reason),
    reviewed,
  };
}

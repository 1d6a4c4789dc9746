import type { ConnectRouter } from "@connectrpc/connect";
import { silentLog } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { serverHandler } from "../handler.ts";
import { Inventory } from "../inventory/inventory.ts";
import type { Pace } from "../inventory/news-of.ts";
import { Registry } from "../registry.ts";

type Routes = (router: ConnectRouter) => void;

/** A server that listens, and agents that the test makes. Disposing ends all of it. */
export interface Relay extends AsyncDisposable {
  readonly registry: Registry;
  readonly inventory: Inventory;
  /** A client of the server. */
  readonly client: Connection;
  /** An agent with the services that the routes have and no others, registered with its devices. */
  agent(devices: readonly string[], routes: Routes, address?: string): Promise<RelayAgent>;
}

export interface RelayAgent extends AsyncDisposable {
  /** As it registered itself. */
  readonly address: string;
}

export async function openRelay(pace: Partial<Pace> = {}): Promise<Relay> {
  await using open = new AsyncDisposableStack();
  const registry = open.use(new Registry());
  const inventory = open.use(new Inventory(registry, { pollMs: 20, retryMs: 20, firstMs: 200, ...pace }));
  const server = open.use(await listenHere(serverHandler({ registry, inventory, log: silentLog })));
  const client = open.use(connectTo(server.address, { identity: "alice@h" }));
  const release = open.move();
  return {
    registry,
    inventory,
    client,
    async agent(devices, routes, address) {
      const agent = release.use(await listenHere(rpcHandler(routes, { self: "agent", log: silentLog }), address));
      await registry.register(devices, formatAddress(agent.address));
      return { address: formatAddress(agent.address), [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function listenHere(handler: HttpHandler, address = "localhost:0"): Promise<Listener> {
  return listen(parseAddress(address), handler, { log: silentLog, insecure: false });
}

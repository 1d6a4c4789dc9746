import type { ConnectRouter } from "@connectrpc/connect";
import { silentLog } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import type { Store } from "#pkg/store/store.ts";
import { HeldPorts } from "#test/support/held-ports.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import type { Pace } from "../inventory/news-of.ts";
import { type Lab, openLab } from "../lab.ts";
import { parseRegistrationPolicy } from "../registrations/registration-policy.ts";

type Routes = (router: ConnectRouter) => void;

/** A server that listens, and agents that the test makes. Disposing ends all of it. */
export interface Relay extends AsyncDisposable {
  readonly lab: Lab;
  /** `localhost:port`. */
  readonly address: string;
  /** A client of the server. */
  readonly client: Connection;
  /**
   * An agent with the services that the routes have and no others, which registers its address with its devices. Nobody
   * else listens at an address that it has left.
   */
  agent(devices: readonly string[], routes: Routes, address?: string): Promise<RelayAgent>;
}

export interface RelayAgent extends AsyncDisposable {
  /** As it registered itself. */
  readonly address: string;
}

/** How errors of these servers name them. */
export const serverTitle = "dutserver at test";

export async function openRelay(pace: Partial<Pace> = {}, store: Store = memoryStore()): Promise<Relay> {
  await using open = new AsyncDisposableStack();
  const lab = open.use(
    await openLab({
      ...{ store, isShared: false, server: () => serverTitle, log: silentLog },
      registrations: parseRegistrationPolicy("127.0.0.0/8"),
      tls: () => undefined,
      failed: () => {},
      pace: { pollMs: 20, retryMs: 20, firstMs: 60_000, ...pace },
    }),
  );
  const server = open.use(
    await listen(parseAddress("localhost:0"), lab.handler("lab"), {
      ...{ log: silentLog, insecure: false },
      upgrades: { [upgrades.agent]: lab.sessions.upgrade },
    }),
  );
  const ports = open.use(new HeldPorts());
  const client = open.use(connectTo(server.address, { identity: "alice@h" }));
  const release = open.move();
  return {
    lab,
    address: formatAddress(server.address),
    client,
    async agent(devices, routes, address) {
      const place = address ?? `localhost:${await ports.hold()}`;
      const agent = release.use(await listenHere(rpcHandler(routes, { self: "agent", log: silentLog }), place));
      await lab.registrations.register(devices, formatAddress(agent.address), "127.0.0.1");
      return { address: formatAddress(agent.address), [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function listenHere(handler: HttpHandler, address: string): Promise<Listener> {
  return listen(parseAddress(address), handler, { log: silentLog, insecure: false });
}

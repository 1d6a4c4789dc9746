import { randomUUID } from "node:crypto";
import type { Log } from "#pkg/log/log.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import type { Store } from "#pkg/store/store.ts";
import { Peers } from "./cluster/peers.ts";
import { serverHandler } from "./handler.ts";
import { Inventory, type Scope } from "./inventory/inventory.ts";
import type { Pace } from "./inventory/news-of.ts";
import { OpenRuns } from "./open-runs.ts";
import { reachOf } from "./reach.ts";
import { AddressRegistrations } from "./registrations/address-registrations.ts";
import type { RegistrationPolicy } from "./registrations/registration-policy.ts";
import { Registry } from "./registry/registry.ts";
import { SessionDoor } from "./sessions/session-door.ts";

export interface LabOptions {
  readonly store: Store;
  /** This server, as errors name it: `dutserver at localhost:1024`. */
  readonly server: string;
  readonly registrations: RegistrationPolicy;
  /** Towards other servers: the newest that there is. */
  readonly tls: () => ClientTls | undefined;
  readonly log: Log;
  /** Told that the store can no longer be followed. */
  readonly failed: (error: unknown) => void;
  readonly pace?: Pace;
}

/** Everything that a server knows and whom it reaches. Disposing drops every agent. */
export interface Lab extends AsyncDisposable {
  /** The id of this server, another one after every start. */
  readonly id: string;
  readonly registry: Registry;
  readonly registrations: AddressRegistrations;
  readonly sessions: SessionDoor;
  readonly runs: OpenRuns;
  readonly inventory: Inventory;
  handler(scope: Scope): HttpHandler;
}

export async function openLab(options: LabOptions): Promise<Lab> {
  const { store, server, tls, log, failed, pace } = options;
  await using open = new AsyncDisposableStack();
  const end = new AbortController();
  open.defer(() => end.abort());
  const id = randomUUID();
  const registry = await Registry.open({
    ...{ store, self: id, signal: end.signal, failed },
    log: log.with({ scope: "registry" }),
  });
  open.use(registry);
  const peers = open.use(new Peers({ registry, self: id, tls }));
  const registrations = open.use(
    new AddressRegistrations({ registry, policy: options.registrations, log: log.with({ scope: "registry" }) }),
  );
  const inventory = open.use(new Inventory(registry, peers, pace));
  const sessions = open.use(
    new SessionDoor({ registry, server, claimable: registrations.claimable, log: log.with({ scope: "session" }) }),
  );
  const runs = new OpenRuns();
  const release = open.move();
  return {
    ...{ id, registry, registrations, sessions, runs, inventory },
    handler: (scope) =>
      serverHandler({ reach: reachOf(scope, { registry, peers, server }), inventory, registrations, runs }, log),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

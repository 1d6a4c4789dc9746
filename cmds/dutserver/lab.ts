import { randomUUID } from "node:crypto";
import { addAbortListener } from "node:events";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Log } from "#pkg/log/log.ts";
import { type Metrics, noMetrics } from "#pkg/metrics/metrics.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import type { Store } from "#pkg/store/store.ts";
import { Peers } from "./cluster/peers.ts";
import { serverHandler } from "./handler.ts";
import { Inventory, type Scope } from "./inventory/inventory.ts";
import type { Pace } from "./inventory/news-of.ts";
import { reachOf } from "./reach.ts";
import { AddressRegistrations } from "./registrations/address-registrations.ts";
import type { RegistrationPolicy } from "./registrations/registration-policy.ts";
import { Registry } from "./registry/registry.ts";
import { RunBudget, type RunLimits, usualRunLimits } from "./run-budget.ts";
import { SessionDoor } from "./sessions/session-door.ts";

export interface LabOptions {
  readonly store: Store;
  /** Whether other servers share it. */
  readonly isShared: boolean;
  /** This server, as errors name it: `dutserver at localhost:1024`. */
  readonly server: () => string;
  readonly registrations: RegistrationPolicy;
  /** Towards other servers: the newest that there is. */
  readonly tls: () => ClientTls | undefined;
  /** Default usualRunLimits. */
  readonly runLimits?: RunLimits;
  /** Default none. */
  readonly metrics?: Metrics;
  readonly log: Log;
  /** Told that the store can no longer be followed. */
  readonly failed: (error: unknown) => void;
  readonly pace?: Pace;
  /** Gives the opening up. */
  readonly signal?: AbortSignal;
}

/** Everything that a server knows and whom it reaches. Disposing drops every agent. */
export interface Lab extends AsyncDisposable {
  /** The id of this server, another one after every start. */
  readonly id: string;
  readonly registry: Registry;
  readonly registrations: AddressRegistrations;
  readonly sessions: SessionDoor;
  readonly budget: RunBudget;
  readonly inventory: Inventory;
  /** `routes` are those besides our protocols'. */
  handler(scope: Scope, routes?: (router: ConnectRouter) => void): HttpHandler;
}

/** Throws what keeps the store from being read, and the signal's reason. */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { store, server, tls, log, failed, pace, signal, runLimits = usualRunLimits, metrics = noMetrics } = options;
  await using open = new AsyncDisposableStack();
  const end = new AbortController();
  open.defer(() => end.abort());
  using _ = signal && addAbortListener(signal, () => end.abort(signal.reason));
  const id = randomUUID();
  const registry = await Registry.open({
    ...{ store, self: id, alone: !options.isShared, signal: end.signal, failed },
    log: log.with({ scope: "registry" }),
  });
  open.use(registry);
  const peers = open.use(new Peers({ registry, self: id, tls }));
  const registrations = open.use(
    new AddressRegistrations({ registry, policy: options.registrations, log: log.with({ scope: "registry" }) }),
  );
  const inventory = open.use(new Inventory(registry, peers, pace));
  const sessions = open.use(
    new SessionDoor({
      ...{ registry, server, claimable: registrations.claimable, metrics },
      shown: (agent) => inventory.knows(agent),
      log: log.with({ scope: "session" }),
    }),
  );
  const budget = new RunBudget(runLimits, metrics);
  const release = open.move();
  return {
    ...{ id, registry, registrations, sessions, budget, inventory },
    handler(scope, routes) {
      const reach = reachOf(scope, { registry, peers, server });
      const answering = routes === undefined ? { log, metrics } : { log, metrics, routes };
      return serverHandler({ reach, inventory, registrations, budget }, answering);
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

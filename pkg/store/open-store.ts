import type { Log } from "#pkg/log/log.ts";
import { measuredStore, type OnStoreCall } from "./measured-store.ts";
import type { Store } from "./store.ts";
import type { StoreSpec } from "./store-spec.ts";

export interface OpenStoreOptions {
  readonly log: Log;
  /** DUTSERVER_ETCD_PASSWORD is the password of etcd's user. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onCall?: OnStoreCall;
}

/** Opens the store that a specification names. Throws what its backend does, before anything is open. */
export async function openStore(spec: StoreSpec, { log, env, onCall }: OpenStoreOptions): Promise<Store> {
  const store = await openBackend(spec, log, env);
  return onCall === undefined ? store : measuredStore(store, onCall);
}

async function openBackend(spec: StoreSpec, log: Log, env: OpenStoreOptions["env"]): Promise<Store> {
  switch (spec.kind) {
    case "sqlite": {
      const { openSqliteStore } = await import("./sqlite/open-sqlite-store.ts");
      return openSqliteStore(spec.directory);
    }
    case "etcd": {
      const { openEtcdStore } = await import("./etcd/open-etcd-store.ts");
      const { DUTSERVER_ETCD_PASSWORD: password } = env;
      return openEtcdStore(spec, { log, password });
    }
  }
}

import type { Flags } from "#pkg/golang/flags.ts";
import type { FlagValues } from "#pkg/program/daemon-command.ts";
import { stateDirectory } from "#pkg/program/state-directory.ts";
import { parseStoreSpec, type StoreSpec } from "#pkg/store/store-spec.ts";

/** The flags that say where what a server knows is kept. */
export const storeFlags = {
  state: {
    kind: "string",
    value: "directory",
    summary: "keep what is known of agents and devices here",
    default: "~/.local/state/dutserver",
  },
  store: {
    kind: "string",
    value: "url",
    summary: "share it with other servers of the lab: etcd://host:2379[,host:2379...][/lab]",
    default: "a file in the state directory",
  },
} as const satisfies Flags;

/** Where the flags say it is. Throws invalid_argument. */
export function storeIn(values: FlagValues, env: Readonly<Record<string, string | undefined>>): StoreSpec {
  const store = String(values.store ?? "");
  const state = String(values.state ?? "");
  return store === ""
    ? { kind: "sqlite", directory: stateDirectory(state === "" ? undefined : state, "dutserver", env) }
    : parseStoreSpec(store);
}

import { DutError } from "#pkg/errors/dut-error.ts";
import { checkChanges } from "#pkg/store/checked-changes.ts";
import { refuseChanged } from "#pkg/store/refuse-changed.ts";
import type { Change, Entry, Lease, Store } from "#pkg/store/store.ts";
import { Watchers } from "#pkg/store/watchers.ts";

/** A store that lasts as long as the test. */
export function memoryStore(): Store {
  const entries = new Map<string, Entry>();
  const leases = new Map<Lease, Set<string>>();
  const watchers = new Watchers();
  let latest = 0;

  const list = (prefix: string) =>
    Array.from(entries.values())
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));

  const remove = (key: string, revision: number) => {
    entries.delete(key);
    watchers.tell({ kind: "delete", key, revision });
  };

  /** Answers the keys that were put or deleted. */
  const make = (changes: readonly Change[]): readonly string[] => {
    checkChanges(changes);
    for (const change of changes) {
      refuseChanged(change.key, entries.get(change.key)?.revision ?? 0, change.expected);
      if (change.kind === "put" && change.lease !== undefined && !leases.has(change.lease)) {
        throw new DutError("failed_precondition", "the lease is over");
      }
    }
    const effective = changes.filter(({ kind, key }) => kind === "put" || (kind === "delete" && entries.has(key)));
    latest += effective.length > 0 ? 1 : 0;
    for (const change of effective) {
      for (const keys of leases.values()) {
        keys.delete(change.key);
      }
      if (change.kind === "put") {
        const entry = { key: change.key, value: change.value, revision: latest };
        entries.set(entry.key, entry);
        leases.get(change.lease as Lease)?.add(entry.key);
        watchers.tell({ kind: "put", entry });
      } else {
        remove(change.key, latest);
      }
    }
    return effective.map(({ key }) => key);
  };

  const endLease = (lease: Lease) => {
    const keys = leases.get(lease) ?? [];
    leases.delete(lease);
    latest += 1;
    for (const key of keys) {
      remove(key, latest);
    }
  };

  return {
    get: async (key) => entries.get(key),
    list: async (prefix) => list(prefix),
    async put(key, value, expected) {
      make([{ kind: "put", key, value, expected }]);
      return latest;
    },
    delete: async (key, expected) => make([{ kind: "delete", key, expected }]).length > 0,
    async change(changes) {
      make(changes);
      return latest;
    },
    async lease() {
      const lease: Lease = {
        lost: new AbortController().signal,
        [Symbol.asyncDispose]: async () => endLease(lease),
      };
      leases.set(lease, new Set());
      return lease;
    },
    watch: (prefix, signal) => watchers.watch(prefix, () => list(prefix), signal),
    health: { kind: "ok" },
    onHealth: () => ({ [Symbol.dispose]() {} }),
    async [Symbol.asyncDispose]() {
      watchers[Symbol.dispose]();
    },
  };
}

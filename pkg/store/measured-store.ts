import type { Store } from "./store.ts";

export type StoreCall = "get" | "list" | "put" | "delete" | "change" | "lease";

/** Told every call of a store when it is over: how long it took in milliseconds, and what it was rejected with. */
export type OnStoreCall = (name: StoreCall, ms: number, error?: unknown) => void;

/** The same store, with every call measured. */
export function measuredStore(store: Store, onCall: OnStoreCall): Store {
  const measure = async <T>(name: StoreCall, call: Promise<T>): Promise<T> => {
    const begun = performance.now();
    try {
      const result = await call;
      onCall(name, performance.now() - begun);
      return result;
    } catch (error) {
      onCall(name, performance.now() - begun, error);
      throw error;
    }
  };
  return {
    get: (key) => measure("get", store.get(key)),
    list: (prefix) => measure("list", store.list(prefix)),
    put: (key, value, expected) => measure("put", store.put(key, value, expected)),
    delete: (key, expected) => measure("delete", store.delete(key, expected)),
    change: (changes) => measure("change", store.change(changes)),
    lease: (ttlMs) => measure("lease", store.lease(ttlMs)),
    watch: (prefix, signal) => store.watch(prefix, signal),
    get health() {
      return store.health;
    },
    onHealth: (listener) => store.onHealth(listener),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

import type { DutError } from "#pkg/errors/dut-error.ts";
import type { Store, StoreHealth } from "#pkg/store/store.ts";

/** A store whose changes are refused for as long as the test wants. */
export interface FailingStore extends Store {
  refuse(error: DutError): void;
  /** Takes changes again, and says so. */
  recover(): void;
}

export function failingStore(store: Store): FailingStore {
  const listeners = new Set<(health: StoreHealth) => void>();
  let fault: DutError | undefined;
  const unlessRefused = <T>(change: () => Promise<T>) => (fault === undefined ? change() : Promise.reject(fault));
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    lease: (ttlMs) => store.lease(ttlMs),
    watch: (prefix, signal) => store.watch(prefix, signal),
    put: (key, value, expected) => unlessRefused(() => store.put(key, value, expected)),
    delete: (key, expected) => unlessRefused(() => store.delete(key, expected)),
    change: (changes) => unlessRefused(() => store.change(changes)),
    get health(): StoreHealth {
      return fault === undefined ? { kind: "ok" } : { kind: "degraded", reason: fault.message };
    },
    onHealth(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    refuse(error) {
      fault = error;
    },
    recover() {
      fault = undefined;
      for (const listener of listeners) {
        listener({ kind: "ok" });
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

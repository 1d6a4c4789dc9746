import { isDeepStrictEqual } from "node:util";
import type { StoreHealth } from "./store.ts";

/** The health of a store, and who is told when it changes. */
export class HealthReport {
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  #current: StoreHealth = { kind: "ok" };

  get current(): StoreHealth {
    return this.#current;
  }

  set(health: StoreHealth): void {
    if (!isDeepStrictEqual(this.#current, health)) {
      this.#current = health;
      for (const listener of this.#listeners) {
        listener(health);
      }
    }
  }

  onChange(listener: (health: StoreHealth) => void): Disposable {
    const each = (health: StoreHealth) => listener(health);
    this.#listeners.add(each);
    return { [Symbol.dispose]: () => void this.#listeners.delete(each) };
  }
}

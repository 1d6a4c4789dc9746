import { isDeepStrictEqual } from "node:util";
import type { StoreHealth } from "./store.ts";

/** How often a store that is not well is tried. */
const probeMs = 1_000;

/** The health of a store: who is told when it changes, and the trying until it is well again. */
export class Health implements Disposable {
  readonly #probe: () => Promise<void>;
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  #current: StoreHealth = { kind: "ok" };
  #timer: NodeJS.Timeout | undefined;

  /** `probe` rejects for as long as the store cannot do what it is there for. Tried again a second after its answer. */
  constructor(probe: () => Promise<void>) {
    this.#probe = probe;
  }

  get current(): StoreHealth {
    return this.#current;
  }

  degrade(reason: string): void {
    this.#set({ kind: "degraded", reason });
    this.#timer ??= this.#later();
  }

  onChange(listener: (health: StoreHealth) => void): Disposable {
    const each = (health: StoreHealth) => listener(health);
    this.#listeners.add(each);
    return { [Symbol.dispose]: () => void this.#listeners.delete(each) };
  }

  /** Ends the trying. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(): NodeJS.Timeout {
    const timer: NodeJS.Timeout = setTimeout(() => {
      this.#probe().then(
        () => this.#recover(timer),
        () => this.#again(timer),
      );
    }, probeMs).unref();
    return timer;
  }

  #recover(timer: NodeJS.Timeout): void {
    if (this.#timer === timer) {
      this.#timer = undefined;
      this.#set({ kind: "ok" });
    }
  }

  #again(timer: NodeJS.Timeout): void {
    if (this.#timer === timer) {
      this.#timer = this.#later();
    }
  }

  #set(health: StoreHealth): void {
    if (!isDeepStrictEqual(this.#current, health)) {
      this.#current = health;
      for (const listener of this.#listeners) {
        listener(health);
      }
    }
  }
}

import type { ForwardedSignal } from "./world.ts";

/** Signals on their way to what runs at the device. */
export class ForwardedSignals {
  readonly #listeners = new Set<(name: ForwardedSignal) => void>();

  /** Tells a signal to whoever wants it. False when that is nobody: then it means the program. */
  tell(name: ForwardedSignal): boolean {
    for (const listener of this.#listeners) {
      listener(name);
    }
    return this.#listeners.size > 0;
  }

  /** Told every signal until disposed. */
  onSignal(listener: (name: ForwardedSignal) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

import { addAbortListener } from "node:events";

/** Something that others wait for again and again. */
export class News {
  #next = Promise.withResolvers<void>();

  /** Wakes everybody who waits. */
  tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Resolves at the next telling. Rejects with the signal's reason as soon as it aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    using _ = addAbortListener(signal, () => aborted.reject(signal.reason));
    await Promise.race([this.#next.promise, aborted.promise]);
  }
}

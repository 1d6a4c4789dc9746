/** A queue before something that one may use at a time. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits until those before have disposed of their turns, and keeps others away until the result is disposed. */
  async take(signal: AbortSignal): Promise<Disposable> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = before.then(() => promise);
    const given = Promise.withResolvers<void>();
    const giveUp = () => given.reject(signal.reason);
    signal.addEventListener("abort", giveUp);
    try {
      signal.throwIfAborted();
      await Promise.race([before, given.promise]);
    } catch (error) {
      resolve();
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    return { [Symbol.dispose]: resolve };
  }
}

import { addAbortListener } from "node:events";

/** The bytes of a port for readers that may give up waiting: what arrives after that goes to the next reader. */
export class Arrivals {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #pending: Promise<IteratorResult<Uint8Array, unknown>> | undefined;

  constructor(received: AsyncIterable<Uint8Array>) {
    this.#iterator = received[Symbol.asyncIterator]();
  }

  /** The next piece, or undefined when the port was closed. Rejects with the signal's reason when it aborts. */
  async next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    this.#pending ??= this.#iterator.next();
    const aborted = Promise.withResolvers<never>();
    using _ = addAbortListener(signal, () => aborted.reject(signal.reason));
    try {
      const result = await Promise.race([this.#pending, aborted.promise]);
      this.#pending = undefined;
      return result.done === true ? undefined : result.value;
    } catch (error) {
      if (!signal.aborted) {
        this.#pending = undefined;
      }
      throw error;
    }
  }
}

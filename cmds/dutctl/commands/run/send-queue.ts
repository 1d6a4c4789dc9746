/**
 * The one way of messages to a peer: in the order of `send`, one at a time, whoever sends. As an iterable it ends by
 * `close` alone, because existing agents take the end of the client's half for the end of the run.
 */
export class SendQueue<T> implements AsyncIterable<T> {
  readonly #signal: AbortSignal;
  readonly #queue: { readonly message: T; readonly taken: () => void }[] = [];
  #closed = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Resolves when the transport has taken the message, which may be never: race it with the end of the run. */
  send(message: T): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ message, taken: resolve });
    this.#wake();
    return promise;
  }

  /** Ends our half of the call behind what was sent so far. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      this.#signal.throwIfAborted();
      const next = this.#queue.shift();
      if (next !== undefined) {
        next.taken();
        yield next.message;
      } else if (this.#closed) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}

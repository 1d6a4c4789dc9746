type State =
  | { readonly kind: "open" }
  | { readonly kind: "ended"; readonly error: unknown }
  | { readonly kind: "abandoned"; readonly reason: unknown };

/**
 * A queue between one producer and one consumer, bounded in bytes. The consumer gets everything that was put before the
 * end, then the end or its error.
 */
export class Outbox<T> implements AsyncIterable<T> {
  readonly #bound: number;
  readonly #queue: { readonly item: T; readonly bytes: number }[] = [];
  #queuedBytes = 0;
  #state: State = { kind: "open" };
  #changed = Promise.withResolvers<void>();

  constructor(boundBytes: number) {
    this.#bound = boundBytes;
  }

  /** Resolves when the item has a place. Rejects with the reason when nobody will take it any more. */
  async put(item: T, bytes: number): Promise<void> {
    while (this.#state.kind === "open" && this.#queuedBytes >= this.#bound) {
      await this.#changed.promise;
    }
    if (this.#state.kind !== "open") {
      throw this.#state.kind === "abandoned" ? this.#state.reason : new Error("put after the end");
    }
    this.#queue.push({ item, bytes });
    this.#queuedBytes += bytes;
    this.#wake();
  }

  /** Nothing more will be put; the consumer is thrown `error` after the last item, if there is one. */
  end(error?: unknown): void {
    if (this.#state.kind === "open") {
      this.#state = { kind: "ended", error };
      this.#wake();
    }
  }

  /** Nobody will take any more: forgets what is queued and rejects those who wait to put. */
  abandon(reason: unknown): void {
    if (this.#state.kind === "open") {
      this.#state = { kind: "abandoned", reason };
      this.#queue.length = 0;
      this.#queuedBytes = 0;
      this.#wake();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#queuedBytes -= next.bytes;
        this.#wake();
        yield next.item;
      } else if (this.#state.kind === "open") {
        await this.#changed.promise;
      } else if (this.#state.kind === "abandoned") {
        throw this.#state.reason;
      } else if (this.#state.error !== undefined) {
        throw this.#state.error;
      } else {
        return;
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

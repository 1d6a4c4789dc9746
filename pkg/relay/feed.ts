/** Messages for a stream that is sent as they come. Who pushes looks at how many wait, and lets go of a peer that takes none. */
export class Feed<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #news = Promise.withResolvers<void>();
  #ended = false;

  /** How many messages have not been taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(message: T): void {
    if (!this.#ended) {
      this.#waiting.push(message);
      this.#news.resolve();
    }
  }

  /** Lets what waits be sent, and nothing more. */
  end(): void {
    this.#ended = true;
    this.#news.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        yield next;
      }
      if (this.#ended) {
        return;
      }
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
  }
}

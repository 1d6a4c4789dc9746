/** Messages for a stream that is sent as they come. Holds few: what repeats itself is asked for anew by who pushes it. */
export class Feed<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #news = Promise.withResolvers<void>();
  #ended = false;

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

/** Keeps the calls about a key in the order that they were made: over one connection they would overtake each other. */
export class KeyOrder {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #running = new Set<Promise<unknown>>();

  /** Begins the work when that of all earlier calls about any of the keys is done. */
  after<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const result = this.#run(
      keys.map((key) => this.#last.get(key)),
      work,
    );
    const done = settled(result).then(() => {
      for (const key of keys) {
        if (this.#last.get(key) === done) {
          this.#last.delete(key);
        }
      }
    });
    for (const key of keys) {
      this.#last.set(key, done);
    }
    return result;
  }

  /** Begins the work when that of all earlier calls about keys with a prefix is done. */
  afterAll<T>(prefix: string, work: () => Promise<T>): Promise<T> {
    const earlier = Array.from(this.#last).flatMap(([key, done]) => (key.startsWith(prefix) ? [done] : []));
    return this.#run(earlier, work);
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #run<T>(earlier: readonly unknown[], work: () => Promise<T>): Promise<T> {
    const result = Promise.all(earlier).then(work);
    const done: Promise<unknown> = settled(result).then(() => this.#running.delete(done));
    this.#running.add(done);
    return result;
  }
}

async function settled(result: Promise<unknown>): Promise<void> {
  await Promise.allSettled([result]);
}

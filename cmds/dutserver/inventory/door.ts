/** Where it is said that somebody may well answer now. */
export class Door {
  #next = Promise.withResolvers<void>();

  knock(): void {
    this.#next.resolve();
  }

  /** Resolves with the first knock from now on, also when it comes before anybody waits for it. */
  listen(): Promise<void> {
    this.#next = Promise.withResolvers();
    return this.#next.promise;
  }
}

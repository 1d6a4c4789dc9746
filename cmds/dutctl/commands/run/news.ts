/** Something that several loops wait for, each of which looks by itself whether it is what it needs. */
export class News {
  #next = Promise.withResolvers<void>();

  /** Resolves with the next `tell`. Ask for it before looking, so that nothing is told in between. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }
}

/** Whether somebody has asked for something since it was last looked. */
export class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
  }

  /** Resolves when it has been rung since the last time, or the signal aborts. */
  async heard(signal: AbortSignal): Promise<void> {
    const ring = () => this.ring();
    signal.addEventListener("abort", ring);
    if (!signal.aborted) {
      await this.#rung.promise;
    }
    signal.removeEventListener("abort", ring);
    this.#rung = Promise.withResolvers();
  }
}

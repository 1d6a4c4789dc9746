/** What a user may type ahead of a command that does not read, in bytes. */
const typeAheadBytes = 1024 * 1024;

/** Counted for a piece besides its bytes, so that many small ones are bounded too. */
const pieceBytes = 64;

/** Console input on its way to a module: bounded, so that a client that types into the void is slowed down. */
export class ConsoleInput implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #state: "open" | "ended" = "open";
  #discarding = false;
  #changed = Promise.withResolvers<void>();

  /**
   * Resolves when the piece has been kept or, while discarding, dropped. Answers whether it was kept.
   * After the end everything is dropped.
   */
  async put(piece: Uint8Array): Promise<boolean> {
    while (this.#state === "open" && !this.#discarding && this.#bytes >= typeAheadBytes) {
      await this.#changed.promise;
    }
    if (this.#state === "ended" || this.#bytes >= typeAheadBytes) {
      return false;
    }
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#bytes += piece.length + pieceBytes;
      this.#wake();
    }
    return true;
  }

  end(): void {
    this.#state = "ended";
    this.#wake();
  }

  /**
   * While the module waits for a file, input beyond the bound is dropped instead of held back: protocol v1 has one
   * stream for both, and the file would never be seen behind input that nobody reads.
   */
  discardExcess(): Disposable {
    this.#discarding = true;
    this.#wake();
    return {
      [Symbol.dispose]: () => {
        this.#discarding = false;
      },
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#bytes -= piece.length + pieceBytes;
        this.#wake();
        yield piece;
      } else if (this.#state === "ended") {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

import { EventEmitter, once } from "node:events";
import type { DutError } from "#pkg/errors/dut-error.ts";

/** The runs that are being forwarded, and whether more are taken. */
export class OpenRuns {
  readonly #idle = new EventEmitter<{ idle: [] }>();
  #count = 0;
  #refusal: DutError | undefined;

  get count(): number {
    return this.#count;
  }

  /** A run until the result is disposed. Throws unavailable when no more are taken. */
  enter(): Disposable {
    if (this.#refusal !== undefined) {
      throw this.#refusal;
    }
    this.#count += 1;
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (isOpen) {
          isOpen = false;
          this.#count -= 1;
          this.#idle.emit("idle");
        }
      },
    };
  }

  /** Takes no more. */
  refuse(reason: DutError): void {
    this.#refusal = reason;
  }

  /** Resolves when none is open; rejects when the signal aborts first. */
  async ended(signal: AbortSignal): Promise<void> {
    while (this.#count > 0) {
      await once(this.#idle, "idle", { signal });
    }
  }
}

import { pause } from "../pause.ts";
import type { Pattern } from "./pattern.ts";

/** A search that took longer is followed by a pause as long: matching leaves half of the agent's time to others. */
const freeSearchMs = 20;

/** The output that expect steps have not consumed yet. */
export class MatchWindow {
  #bytes = Buffer.alloc(0);
  /** Bytes at the beginning in which the pattern at hand was searched in vain. */
  #searched = 0;

  append(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#searched = 0;
  }

  /**
   * Whether the pattern matches. A match is consumed through its end; without one, the last window of bytes is kept and
   * the next call must bring the same pattern. No search covers more than two windows. Rejects when the signal aborts.
   */
  async consume(pattern: Pattern, signal: AbortSignal): Promise<boolean> {
    do {
      const end = Math.min(this.#bytes.length, this.#searched + pattern.window);
      const started = performance.now();
      const match = pattern.search(this.#bytes.subarray(0, end));
      if (match !== undefined) {
        this.#bytes = this.#bytes.subarray(match);
        this.#searched = 0;
        return true;
      }
      const trimmed = Math.max(0, end - pattern.window);
      this.#bytes = this.#bytes.subarray(trimmed);
      this.#searched = end - trimmed;
      const took = performance.now() - started;
      if (took > freeSearchMs) {
        await pause(took, signal);
      }
    } while (this.#searched < this.#bytes.length);
    return false;
  }
}

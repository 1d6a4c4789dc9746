import { pause } from "../../pause.ts";
import type { Match, Pattern } from "./pattern.ts";

/** A search that took longer is followed by a pause as long: matching leaves half of the agent's time to others. */
const freeSearchMs = 20;

/** Which of several patterns matched, and how. */
export interface Found {
  readonly index: number;
  readonly match: Match;
}

/** The output that expect steps have not consumed yet. */
export class MatchWindow {
  #bytes = Buffer.alloc(0);
  /** Bytes at the beginning in which the patterns at hand were searched in vain. */
  #searched = 0;

  append(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#searched = 0;
  }

  /**
   * Which pattern matches first: at the smallest offset, and of several there the first one. Its match is consumed through
   * its end; without one, the last window of bytes is kept (the smallest of the patterns') and the next call must bring
   * the same patterns. No search covers more than two windows. Rejects when the signal aborts.
   */
  async consume(patterns: readonly Pattern[], signal: AbortSignal): Promise<Found | undefined> {
    const window = Math.min(...patterns.map((pattern) => pattern.window));
    do {
      const end = Math.min(this.#bytes.length, this.#searched + window);
      const found = await searchAll(patterns, this.#bytes.subarray(0, end), signal);
      if (found !== undefined) {
        this.#bytes = this.#bytes.subarray(found.match.end);
        this.#searched = 0;
        return found;
      }
      const trimmed = Math.max(0, end - window);
      this.#bytes = this.#bytes.subarray(trimmed);
      this.#searched = end - trimmed;
    } while (this.#searched < this.#bytes.length);
    return undefined;
  }
}

async function searchAll(
  patterns: readonly Pattern[],
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Found | undefined> {
  let first: Found | undefined;
  for (const [index, pattern] of patterns.entries()) {
    const started = performance.now();
    const match = pattern.search(bytes);
    if (match !== undefined && (first === undefined || match.start < first.match.start)) {
      first = { index, match };
    }
    const took = performance.now() - started;
    if (took > freeSearchMs && match === undefined) {
      await pause(took, signal);
    }
  }
  return first;
}

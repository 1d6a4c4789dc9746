import { setTimeout as sleep } from "node:timers/promises";
import { RunLost } from "./endings.ts";

/** The pause before the second attempt, and the longest between two, in milliseconds. */
const firstPauseMs = 100;
const longestPauseMs = 3_000;

/** The time that a run is without us, from the loss of its connection on. */
export class Absence {
  readonly #server: string;
  readonly #until: number;
  #attempts = 0;

  /** `graceMs` is how long the run goes on. */
  constructor(server: string, graceMs: number) {
    this.#server = server;
    this.#until = performance.now() + graceMs;
  }

  /** Waits before the next attempt to attach. Throws RunLost with the reason when there is no time for one. */
  async pause(reason: string, signal: AbortSignal): Promise<void> {
    const left = this.#until - performance.now();
    if (left <= 0) {
      throw new RunLost(this.#server, reason, undefined);
    }
    const longest = Math.min(firstPauseMs * 2 ** this.#attempts, longestPauseMs);
    this.#attempts += 1;
    // Spread out, because everybody who was cut off by the same fault comes back at the same time.
    await sleep(Math.min(longest * (0.5 + Math.random() / 2), left), undefined, { signal });
  }
}

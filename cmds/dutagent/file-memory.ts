import { DutError } from "#pkg/errors/dut-error.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";

/** What the whole files of dutctl.v1 may need at once: four of the largest, on a computer with a gigabyte or two. */
export const fileMemoryBytes = 512 * 1024 * 1024;

/** How long a file waits for memory that others have, in milliseconds. */
const patienceMs = 30_000;

interface Waiting {
  readonly bytes: number;
  readonly enter: (held: Disposable) => void;
}

/** Memory for messages that carry a file whole, which nothing else bounds for all runs together. */
export class FileMemory {
  readonly #metrics: Metrics;
  /** First come, first served. */
  readonly #waiting: Waiting[] = [];
  #free: number;

  constructor(metrics: Metrics, bytes = fileMemoryBytes) {
    this.#metrics = metrics;
    this.#free = bytes;
  }

  /**
   * Resolves when so many bytes are there, which are held until it is disposed. Rejects with resource_exhausted when they
   * are not in time, and with the signal's reason.
   */
  async take(bytes: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      return this.keep(bytes);
    }
    this.#metrics.limitHit("whole_files");
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const waiting = { bytes, enter: resolve };
    this.#waiting.push(waiting);
    const patience = setTimeout(() => reject(noMemory(bytes)), patienceMs);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      return await promise;
    } catch (error) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      this.#admit();
      throw error;
    } finally {
      clearTimeout(patience);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Holds memory that is in use already, whether or not it is there: others wait the longer. */
  keep(bytes: number): Disposable {
    this.#free -= bytes;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) {
          held = false;
          this.#free += bytes;
          this.#admit();
        }
      },
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.enter(this.keep(next.bytes));
    }
  }
}

function noMemory(bytes: number): DutError {
  return new DutError(
    "resource_exhausted",
    `no memory for a file of ${bytes} bytes within ${patienceMs / 1000} s: other runs have all that there is for whole files`,
    { hint: "use a client that speaks dutlab.v1, or fewer runs at once" },
  );
}

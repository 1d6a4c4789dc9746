import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** A device in use by a run. */
export interface Hold {
  readonly owner: string;
  /** Unix time in milliseconds. */
  readonly since: number;
}

/** Which devices are in use. One run holds a device at a time, also when the same user asks twice. */
export class Holds {
  readonly #holds = new Map<string, Hold>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  of(device: string): Hold | undefined {
    return this.#holds.get(device);
  }

  /** Holds a device until the result is disposed. Throws failed_precondition naming the holder. */
  acquire(device: string, owner: string): Disposable {
    const current = this.#holds.get(device);
    if (current !== undefined) {
      throw new DutError("failed_precondition", `device ${quote(device)} is locked by ${quote(current.owner)}`);
    }
    const hold: Hold = { owner, since: this.#now() };
    this.#holds.set(device, hold);
    return {
      [Symbol.dispose]: () => {
        if (this.#holds.get(device) === hold) {
          this.#holds.delete(device);
        }
      },
    };
  }
}

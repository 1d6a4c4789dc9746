import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** A run's claim to a device and to the hardware that it uses. */
export interface HoldRequest {
  readonly device: string;
  readonly owner: string;
  /** Other names for hardware, such as "serial port /dev/ttyUSB0": one run at a time, whatever its device. */
  readonly resources: readonly string[];
  readonly runId: string;
  readonly command: string;
}

/** A device in use by a run. */
export interface Hold extends HoldRequest {
  /** Unix time in milliseconds. */
  readonly since: number;
}

/** Who has which device. One run holds a device at a time, also when the same user asks twice. */
export class Locks {
  readonly #holds = new Map<string, Hold>();
  readonly #listeners = new Set<(device: string) => void>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  holdOf(device: string): Hold | undefined {
    return this.#holds.get(device);
  }

  /** Holds a device until the result is disposed. Throws failed_precondition naming who is in the way. */
  hold(request: HoldRequest): Disposable {
    const { device } = request;
    const current = this.#holds.get(device);
    if (current !== undefined) {
      throw new DutError("failed_precondition", `device ${quote(device)} is locked by ${quote(current.owner)}`);
    }
    const hold: Hold = { ...request, since: this.#now() };
    this.#holds.set(device, hold);
    this.#tell(device);
    return {
      [Symbol.dispose]: () => {
        if (this.#holds.get(device) === hold) {
          this.#holds.delete(device);
          this.#tell(device);
        }
      },
    };
  }

  /** Told the name of every device of which something has changed, until disposed. */
  onChange(listener: (device: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(device: string): void {
    for (const listener of this.#listeners) {
      listener(device);
    }
  }
}

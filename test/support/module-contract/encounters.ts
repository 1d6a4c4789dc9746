import { setImmediate } from "node:timers/promises";

/** How many turns of the event loop without an encounter mean that a module waits for something. */
const quietTurns = 50;

/** What a module meets of the world, one after another: where a test makes things go wrong. */
export class Encounters {
  #met = 0;
  #disturbance: { readonly step: number; readonly act: () => void } | undefined;

  /** Counts anew from 0, and acts when a step of that number is met; what `act` throws is what the module gets. */
  disturb(step: number, act: () => void): void {
    this.#met = 0;
    this.#disturbance = { step, act };
  }

  meet(): void {
    this.#met++;
    if (this.#met - 1 === this.#disturbance?.step) {
      this.#disturbance.act();
    }
  }

  /** How many there have been. */
  get met(): number {
    return this.#met;
  }

  /** Resolves when nothing has been met for so long that the module only waits. */
  async quiet(): Promise<void> {
    for (let turns = 0, seen = this.#met; turns < quietTurns; turns++) {
      await setImmediate();
      if (this.#met !== seen) {
        seen = this.#met;
        turns = 0;
      }
    }
  }
}

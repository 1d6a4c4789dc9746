import type { Clock } from "./clock.ts";

/** The two clocks drift by less than this against each other while nobody sets one. Milliseconds. */
const drift = 1_000;

/**
 * Moments of steady time as wall time. The same moment is shown as the same time until the wall clock is set, and by the
 * new clock after that.
 */
export class WallTime {
  readonly #clock: Clock;
  #offset: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = clock.wall() - clock.steady();
  }

  /** What to add to steady time, in milliseconds. */
  get offset(): number {
    const offset = this.#clock.wall() - this.#clock.steady();
    if (Math.abs(offset - this.#offset) > drift) {
      this.#offset = offset;
    }
    return this.#offset;
  }

  /** Takes over the offset by which another process of this boot has shown its moments. */
  resume(offset: number): void {
    this.#offset = offset;
  }

  /** Unix time in whole milliseconds. */
  at(steady: number): number {
    return Math.round(steady + this.offset);
  }
}

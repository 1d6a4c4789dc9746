/** How much may happen at once, and how much a second in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Holds something to a rate. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  #left: number;
  #filledAt: number;

  /** The clock gives milliseconds and only goes forward. */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
    this.#left = rate.burst;
    this.#filledAt = now();
  }

  /** Whether so much more is within the rate. */
  take(amount = 1): boolean {
    const now = this.#now();
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = now;
    this.#left -= amount;
    return this.#left >= 0;
  }
}

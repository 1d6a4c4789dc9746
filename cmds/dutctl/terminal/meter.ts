interface Sample {
  readonly ms: number;
  readonly done: number;
}

/** How far back the rate looks. */
const windowMs = 5_000;
/** Samples closer than this are not worth keeping. */
const leastGapMs = 100;

/** How fast something is lately. */
export class Meter {
  #samples: Sample[] = [];

  add(done: number, ms: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && done < last.done) {
      this.#samples = [];
    }
    if (last === undefined || ms - last.ms >= leastGapMs || this.#samples.length === 0) {
      this.#samples.push({ ms, done });
    }
    while (this.#samples.length > 2 && ms - (this.#samples[1] as Sample).ms > windowMs) {
      this.#samples.shift();
    }
  }

  /** Units per second between the oldest sample of the window and now; undefined before there is anything to tell. */
  rate(done: number, ms: number): number | undefined {
    const [first] = this.#samples;
    return first === undefined || ms - first.ms < leastGapMs
      ? undefined
      : ((done - first.done) * 1000) / (ms - first.ms);
  }
}

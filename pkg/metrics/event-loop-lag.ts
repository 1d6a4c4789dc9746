import { monitorEventLoopDelay } from "node:perf_hooks";

/** How often the delay is measured, in milliseconds. */
const resolutionMs = 10;
/** After so long, in milliseconds, what was measured is the past; after twice as long it is forgotten. */
const windowMs = 30_000;

export type Statistic = "p50" | "p99" | "max";

type Delays = Readonly<Record<Statistic, number>>;

const none: Delays = { p50: 0, p99: 0, max: 0 };

/** How late timers have been in the last 30 to 60 s: what everything in this process has waited for its turn. */
export class EventLoopLag implements Disposable {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #past = none;

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#past = this.#present();
      this.#histogram.reset();
    }, windowMs).unref();
  }

  /** In seconds. */
  get delays(): Delays {
    const present = this.#present();
    const worse = (statistic: Statistic) => Math.max(present[statistic], this.#past[statistic]);
    return { p50: worse("p50"), p99: worse("p99"), max: worse("max") };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #present(): Delays {
    if (this.#histogram.count === 0) {
      return none;
    }
    // The histogram has the time between two measurements, of which the resolution is not a delay.
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
    return {
      p50: seconds(this.#histogram.percentile(50)),
      p99: seconds(this.#histogram.percentile(99)),
      max: seconds(this.#histogram.max),
    };
  }
}

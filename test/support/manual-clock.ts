import type { Clock } from "#pkg/lock/clock.ts";

export interface ManualClock extends Clock {
  /** Time passes. */
  pass(milliseconds: number): void;
  /** Somebody sets the wall clock. */
  set(milliseconds: number): void;
  /** Another boot: steady time begins anew. */
  reboot(): void;
}

/** A clock that stands still unless it is told to go on. */
export function manualClock(wall = 0): ManualClock {
  let steady = 1_000;
  let boot = 1;
  const timers = new Set<{ readonly at: number; readonly call: () => void }>();
  return {
    wall: () => wall,
    steady: () => steady,
    get boot() {
      return `boot ${boot}`;
    },
    after(milliseconds, call) {
      const timer = { at: steady + milliseconds, call };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    pass(milliseconds) {
      wall += milliseconds;
      steady += milliseconds;
      for (const timer of Array.from(timers).filter(({ at }) => at <= steady)) {
        timers.delete(timer);
        timer.call();
      }
    },
    set(milliseconds) {
      wall = milliseconds;
    },
    reboot() {
      steady = 5;
      boot += 1;
      timers.clear();
    },
  };
}

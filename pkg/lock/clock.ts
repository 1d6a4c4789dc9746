import { readFileSync } from "node:fs";

/** The times that reservations are counted in. All in milliseconds. */
export interface Clock {
  /** Unix time, as the user's watch has it; it may jump, since somebody may set it. */
  wall(): number;
  /** Time since some moment of this boot. It never jumps, and every process of the machine has the same. */
  steady(): number;
  /** Names the boot whose steady time this is; undefined where the system does not say. */
  readonly boot: string | undefined;
  /** Calls back once after some steady time, not before; never when it is disposed of first. Keeps no process alive. */
  after(milliseconds: number, call: () => void): Disposable;
}

/** A timer of Node cannot wait longer. */
const longestTimer = 2 ** 31 - 1;

export function systemClock(): Clock {
  const steady = () => Number(process.hrtime.bigint()) / 1e6;
  return {
    wall: Date.now,
    steady,
    boot: process.platform === "linux" ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() : undefined,
    after(milliseconds, call) {
      const end = steady() + milliseconds;
      let timer: NodeJS.Timeout;
      const wait = () => {
        const left = end - steady();
        if (left <= 0) {
          call();
        } else {
          timer = setTimeout(wait, Math.min(Math.ceil(left), longestTimer)).unref();
        }
      };
      timer = setTimeout(wait, Math.min(Math.max(0, Math.ceil(milliseconds)), longestTimer)).unref();
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

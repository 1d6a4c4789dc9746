import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";

const library = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
].find((path) => existsSync(path));

/** The `skip` option of a test that sets the clock of programs. */
export const withoutFakeClock: string | false = library === undefined && "needs faketime: apt-get install faketime";

/** A wall clock for the programs that are started by its words. The time that has passed (CLOCK_MONOTONIC) stays true. */
export interface FakeClock {
  /** What the words that start a program begin with. */
  readonly words: readonly string[];
  /** Sets it, also for the programs that run already, to so many whole seconds after the true time, or before it. */
  set(seconds: number): Promise<void>;
}

/** The file is the clock's own, and is never half written: every look at the time reads it. */
export async function openFakeClock(file: string): Promise<FakeClock> {
  const set = async (seconds: number) => {
    await writeFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  const variables = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: 1 };
  const assignments = Object.entries({ ...variables, FAKETIME_DONT_FAKE_MONOTONIC: 1 }).map((pair) => pair.join("="));
  return { words: ["env", ...assignments], set };
}

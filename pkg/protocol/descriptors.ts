import { readdirSync, readFileSync } from "node:fs";

/** Kept free for what goes on: the programs of a run, files, connections to agents. A quarter where there are few. */
const spare = 64;
/** How old a count may be, in milliseconds. */
const countMs = 250;

/** The file descriptors of this process, where the system tells of them (Linux). */
export class Descriptors {
  readonly #limit = limitOfProcess();
  #counted = 0;
  #countedAt = Number.NEGATIVE_INFINITY;

  /** Whether there is one for another connection, which is taken then. */
  take(): boolean {
    if (this.#limit === undefined) {
      return true;
    }
    const now = performance.now();
    if (now - this.#countedAt > countMs) {
      this.#counted = count() ?? this.#limit;
      this.#countedAt = now;
    }
    this.#counted += 1;
    return this.#counted <= this.#limit - Math.min(spare, this.#limit / 4);
  }
}

/** Undefined where nobody knows. */
function limitOfProcess(): number | undefined {
  if (process.platform !== "linux") {
    return undefined;
  }
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** Undefined when there is none left to count them with. */
function count(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch (error) {
    if (["EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return undefined;
    }
    throw error;
  }
}

import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** How often a claim that another process has is tried again, in milliseconds. */
const retryMs = 50;
const sqliteBusy = 5;

/**
 * Waits until no other process has claimed a path, and has it until disposed. The operating system takes it back from a
 * process that ends, however it ends: a claim is a lock on a file, which stays empty. Undefined when the signal aborts first.
 */
export async function claim(path: string, signal: AbortSignal): Promise<Disposable | undefined> {
  using acquired = new DisposableStack();
  const file = acquired.adopt(new DatabaseSync(path, { timeout: 0 }), (open) => open.close());
  while (!lock(file)) {
    if (signal.aborted) {
      return undefined;
    }
    await delay(retryMs);
  }
  return acquired.move();
}

function lock(file: DatabaseSync): boolean {
  try {
    // Nothing is ever written, so nothing has to be taken back: a journal would only lie about.
    file.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      return false;
    }
    throw error;
  }
}
